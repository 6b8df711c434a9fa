"""PyTorch files that hold a state dict, and files that are refused."""

import os
import pickle
import sys
import warnings
import zipfile

import numpy as np
import pytest

from pose_action.runtime.torch_file import TorchFileError, read_state_dict


@pytest.fixture
def torch():
  return pytest.importorskip('torch', reason='PyTorch is not installed')


def test_reads_tensors_by_name(torch, tmp_path):
  torch.save({'conv.weight': torch.arange(6.0).reshape(1, 2, 3)}, tmp_path / 'w.pth')
  state = read_state_dict(tmp_path / 'w.pth')
  assert state.keys() == {'conv.weight'}
  np.testing.assert_array_equal(
    state['conv.weight'], np.arange(6, dtype=np.float32).reshape(1, 2, 3)
  )


@pytest.mark.parametrize('name', ['list', 'dict'])
def test_other_content_is_refused(torch, tmp_path, name):
  content = {'list': [torch.zeros(2)], 'dict': {'epoch': 3}}[name]
  torch.save(content, tmp_path / 'w.pth')
  message = rf'w\.pth holds a {name}, but must hold a state dict: tensors by name'
  with pytest.raises(TorchFileError, match=message):
    read_state_dict(tmp_path / 'w.pth')


@pytest.mark.parametrize('kind', ['bfloat16', 'sparse', 'quantised', 'meta'])
def test_tensors_that_numpy_lacks_are_named(torch, tmp_path, kind):
  values = torch.ones(2, 3)
  with warnings.catch_warnings(action='ignore'):  # Sparse tensors are in beta.
    make = {
      'bfloat16': values.bfloat16,
      'sparse': values.to_sparse,
      'quantised': lambda: torch.quantize_per_tensor(values, 0.1, 0, torch.qint8),
      'meta': lambda: values.to('meta'),
    }
    torch.save({'conv.weight': make[kind]()}, tmp_path / 'w.t7')
    with pytest.raises(TorchFileError, match=r'w\.t7') as raised:
      read_state_dict(tmp_path / 'w.t7')
  assert '\n' not in str(raised.value)


_NESTED_KEY = b'\x80\x02})' + b'\x85' * 200_000 + b'K\x00s.'  # {((…),): 0}
_LONG_BYTES = b'\x80\x02c__builtin__\nbytearray\nJ\x00\x00\x00\x70\x85R.'  # 1.9 GB
_DEEP_LISTS = b'\x80\x02' + b']' * 200_000 + b'a' * 199_999 + b'.'


@pytest.mark.parametrize('in_zip', [True, False])
@pytest.mark.parametrize(
  ('content', 'reason'),
  [
    (_NESTED_KEY, 'nested more than 100 deep'),
    (_LONG_BYTES, 'bytearray'),
    (_DEEP_LISTS, 'nested more than 100 deep'),
  ],
)
def test_pickles_that_end_a_process_are_not_loaded(
  torch, tmp_path, monkeypatch, content, reason, in_zip
):
  monkeypatch.setattr(torch, 'load', lambda *_, **__: pytest.fail('it is loaded'))
  file = tmp_path / 'w.pth'
  if in_zip:
    with zipfile.ZipFile(file, 'w') as archive:
      archive.writestr('archive/data.pkl', content)
  else:
    file.write_bytes(content)
  with pytest.raises(TorchFileError, match=reason):
    read_state_dict(file)


def test_a_compressed_archive_is_not_unfolded(torch, tmp_path):
  torch.save({'w': torch.zeros(2**20)}, tmp_path / 'w.pth')
  with (
    zipfile.ZipFile(tmp_path / 'w.pth') as archive,
    zipfile.ZipFile(tmp_path / 'small.pth', 'w', zipfile.ZIP_DEFLATED) as small,
  ):
    for member in archive.infolist():
      small.writestr(member.filename, archive.read(member))
  with pytest.raises(TorchFileError, match='its members are compressed'):
    read_state_dict(tmp_path / 'small.pth')


def test_a_number_that_stands_for_gigabytes(torch, tmp_path):
  torch.save({'w': torch.zeros(1).expand(10**10)}, tmp_path / 'w.pth')
  message = r'w\.pth has [\d,]+ bytes, but its tensors 40,000,000,000'
  with pytest.raises(TorchFileError, match=message):
    read_state_dict(tmp_path / 'w.pth')


@pytest.mark.parametrize('is_new', [True, False])
def test_files_as_pytorch_writes_them(torch, tmp_path, is_new):
  """Also one tensor under two names, BatchNorm's counters, parameters with gradients."""
  model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
  shared = {'a': model[0].weight, 'b': model[0].weight, 'half': torch.ones(2).half()}
  for content in (model.state_dict(), dict(model.named_parameters()), shared):
    torch.save(content, tmp_path / 'w', _use_new_zipfile_serialization=is_new)
    state = read_state_dict(tmp_path / 'w')
    assert state.keys() == content.keys()
    for name, tensor in content.items():
      np.testing.assert_array_equal(state[name], tensor.detach().numpy())


class _MakesFolder:
  """An object whose pickle makes a folder when it is loaded."""

  def __init__(self, folder):
    self.folder = folder

  def __reduce__(self):
    return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize('saved_by', ['torch', 'pickle'])
def test_a_file_that_contains_code_is_refused_and_the_code_not_run(
  torch, tmp_path, saved_by
):
  trap, path = tmp_path / 'executed', tmp_path / 'w.pth'
  content = {'conv1.weight': _MakesFolder(trap)}
  if saved_by == 'torch':
    torch.save(content, path)
  else:
    path.write_bytes(pickle.dumps(content, protocol=2))
  with pytest.raises(TorchFileError, match='and nothing in it was executed') as raised:
    read_state_dict(path)
  assert not trap.exists()
  message = str(raised.value)
  assert 'mkdir' in message  # It names the function,
  assert 'weights_only' not in message  # and does not advise to load it unsafely.
  pickle.loads(pickle.dumps(_MakesFolder(trap)))
  assert trap.exists()  # The trap works.


def test_a_file_that_is_not_pytorch_s(torch, tmp_path):
  (tmp_path / 'w.pth').write_text('not found')
  with pytest.raises(TorchFileError, match=r'w\.pth is refused'):
    read_state_dict(tmp_path / 'w.pth')
  with pytest.raises(FileNotFoundError, match=r'absent\.pth'):
    read_state_dict(tmp_path / 'absent.pth')


def test_without_pytorch_the_extra_to_install_is_named(monkeypatch, tmp_path):
  monkeypatch.setitem(sys.modules, 'torch', None)
  message = r"w\.pth cannot be read: torch is not .* 'pose-action-jax\[torch\]'"
  with pytest.raises(TorchFileError, match=message):
    read_state_dict(tmp_path / 'w.pth')
