"""State dicts out of files, and files that are none."""

import hashlib
import pickle

import numpy as np
import pytest

from pose_action.extraction.extractor import ExtractorError
from pose_action.extraction.weights_file import fingerprint, read_state_dict

TENSORS = {
  'conv.weight': np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1),
  'conv.bias': np.zeros(1, np.float32),
}


def test_tensors_of_an_npz(tmp_path):
  np.savez(tmp_path / 'w.npz', **TENSORS)
  state = read_state_dict(tmp_path / 'w.npz')
  assert state.keys() == TENSORS.keys()
  np.testing.assert_array_equal(state['conv.weight'], TENSORS['conv.weight'])


def test_tensors_of_pytorch(tmp_path):
  torch = pytest.importorskip('torch', reason='PyTorch is not installed')
  tensors = {name: torch.tensor(array) for name, array in TENSORS.items()}
  torch.save(tensors, tmp_path / 'w.pth')
  state = read_state_dict(tmp_path / 'w.pth')
  np.testing.assert_array_equal(state['conv.weight'], TENSORS['conv.weight'])
  torch.save({'epoch': 3, 'state': tensors}, tmp_path / 'w.pth')
  with pytest.raises(ExtractorError, match='holds a dict, but not the tensors'):
    read_state_dict(tmp_path / 'w.pth')


class Runs:
  def __reduce__(self):
    return (exec, ('raise SystemExit("the file ran")',))


def test_a_program_in_a_file_does_not_run(tmp_path):
  pytest.importorskip('torch', reason='PyTorch is not installed')
  path = tmp_path / 'w.pth'
  path.write_bytes(pickle.dumps({'conv.weight': Runs()}, protocol=2))
  with pytest.raises(
    ExtractorError, match='is refused, and nothing in it was executed'
  ):
    read_state_dict(path)
  with open(tmp_path / 'w.npz', 'wb') as file:
    np.savez(file, weight=np.array([Runs()], dtype=object))
  with pytest.raises(ExtractorError, match=r'is no \*\.npz of plain arrays'):
    read_state_dict(tmp_path / 'w.npz')


def test_without_pytorch(tmp_path, monkeypatch):
  monkeypatch.setitem(__import__('sys').modules, 'torch', None)
  (tmp_path / 'w.pth').touch()
  with pytest.raises(ExtractorError, match=r"pip install 'pose-action-jax\[torch\]'"):
    read_state_dict(tmp_path / 'w.pth')


def test_files_that_are_none(tmp_path):
  with pytest.raises(
    ExtractorError, match=r'there is no file .*gone\.pth; give a state'
  ):
    read_state_dict(tmp_path / 'gone.pth')
  (tmp_path / 'w.npz').write_bytes(b'?')
  with pytest.raises(ExtractorError, match=r'is no \*\.npz of plain arrays'):
    read_state_dict(tmp_path / 'w.npz')
  with open(tmp_path / 'w.npz', 'wb') as file:
    np.save(file, np.zeros(3))
  with pytest.raises(ExtractorError, match='it is a single array'):
    read_state_dict(tmp_path / 'w.npz')


def test_a_fingerprint_is_of_the_content(tmp_path):
  path = tmp_path / 'w'
  path.write_bytes(b'weights')
  assert fingerprint(path) == hashlib.sha256(b'weights').hexdigest()[:16]
