"""Weights from *.npz and PyTorch files, and files that are refused."""

import hashlib
import sys

import numpy as np
import pytest

from pose_action.extraction.extractor import ExtractorError
from pose_action.extraction.weights_file import fingerprint, read_state_dict

TENSORS = {
  'conv.weight': np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1),
  'conv.bias': np.zeros(1, np.float32),
}


def test_reads_the_arrays_of_an_npz(tmp_path):
  np.savez(tmp_path / 'w.npz', **TENSORS)
  state = read_state_dict(tmp_path / 'w.npz')
  assert state.keys() == TENSORS.keys()
  np.testing.assert_array_equal(state['conv.weight'], TENSORS['conv.weight'])


def test_reads_a_pytorch_state_dict(tmp_path):
  torch = pytest.importorskip('torch', reason='PyTorch is not installed')
  tensors = {name: torch.tensor(array) for name, array in TENSORS.items()}
  torch.save(tensors, tmp_path / 'w.pth')
  state = read_state_dict(tmp_path / 'w.pth')
  np.testing.assert_array_equal(state['conv.weight'], TENSORS['conv.weight'])
  torch.save({'epoch': 3, 'state': tensors}, tmp_path / 'w.pth')
  message = r'holds a dict, but must hold .*An \*\.npz of the tensors is read too'
  with pytest.raises(ExtractorError, match=message):
    read_state_dict(tmp_path / 'w.pth')


class _Exits:
  """An object whose pickle ends the program when it is loaded."""

  def __reduce__(self):
    return (exec, ('raise SystemExit("the file ran")',))


def test_code_in_an_npz_does_not_run(tmp_path):
  with open(tmp_path / 'w.npz', 'wb') as file:
    np.savez(file, weight=np.array([_Exits()], dtype=object))
  with pytest.raises(ExtractorError, match=r'is not an \*\.npz of plain arrays'):
    read_state_dict(tmp_path / 'w.npz')


def test_without_pytorch_the_extra_to_install_is_named(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'torch', None)
  (tmp_path / 'w.pth').touch()
  with pytest.raises(ExtractorError, match=r"pip install 'pose-action-jax\[torch\]'"):
    read_state_dict(tmp_path / 'w.pth')


def test_missing_and_broken_files(tmp_path):
  message = r'there is no file .*gone\.pth; give a PyTorch state dict'
  with pytest.raises(ExtractorError, match=message):
    read_state_dict(tmp_path / 'gone.pth')
  (tmp_path / 'w.npz').write_bytes(b'?')
  with pytest.raises(ExtractorError, match=r'is not an \*\.npz of plain arrays'):
    read_state_dict(tmp_path / 'w.npz')
  with open(tmp_path / 'w.npz', 'wb') as file:
    np.save(file, np.zeros(3))
  with pytest.raises(ExtractorError, match='it is a single array'):
    read_state_dict(tmp_path / 'w.npz')


def test_a_fingerprint_depends_on_the_content_alone(tmp_path):
  path = tmp_path / 'w'
  path.write_bytes(b'weights')
  assert fingerprint(path) == hashlib.sha256(b'weights').hexdigest()[:16]
