"""Damaged HDF5 files: one error, and never the end of the process."""

import os
import signal

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files import hdf5_trial
from input_pipeline.readers.files.hdf5 import open_hdf5

h5py = pytest.importorskip('h5py', reason='h5py is not installed')


@pytest.fixture
def path(tmp_path):
  path = tmp_path / 'v.h5'
  with h5py.File(path, 'w') as file:
    file['tracks'] = np.arange(60.0).reshape(2, 3, 10)
    file['names'] = np.array(['nose', 'tail'], h5py.string_dtype())
    file.create_dataset('packed', data=np.ones((40, 4)), compression='gzip')
    file.create_group('group').attrs['kind'] = 'frame'
  return path


def read_all(path):
  with open_hdf5(path) as file:
    return {name: file[name][()] for name in ('tracks', 'names', 'packed')}


def test_a_whole_file(path):
  assert read_all(path)['tracks'].shape == (2, 3, 10)


def test_one_changed_byte_is_an_error_or_other_numbers(path):
  content = path.read_bytes()
  refused = 0
  rng = np.random.default_rng(0)
  for place in [*range(100), *rng.integers(100, len(content), 150).tolist()]:
    damaged = bytearray(content)
    damaged[place] ^= 0xFF
    path.write_bytes(damaged)
    try:
      read_all(path)
    except PoseDataError as error:
      assert str(path) in str(error)
      refused += 1
  assert refused > 20


class _Answers:
  """A child's program that ends itself, or does not answer."""

  def __init__(self, code: str, tmp_path):
    self.file = tmp_path / 'child.py'
    self.file.write_text(f"import os, time\nprint('', flush=True)\n{code}")


@pytest.mark.parametrize(
  ('code', 'why'),
  [
    ('input()\nos.kill(os.getpid(), 11)', r'ends a process \(SIGSEGV\)'),
    ('input()\nos._exit(3)', r'ends a process \(exit status 3\)'),
    ('time.sleep(60)', 'cannot be read within 0 seconds'),
  ],
)
def test_a_file_that_ends_the_child_is_refused(path, tmp_path, monkeypatch, code, why):
  monkeypatch.setattr(hdf5_trial, '__file__', _Answers(code, tmp_path).file)
  monkeypatch.setattr(hdf5_trial, '_SECONDS', 0.3)
  child = hdf5_trial._Child()
  monkeypatch.setattr(hdf5_trial, '_CHILD', child)
  with pytest.raises(PoseDataError, match=rf'v\.h5 .*{why}'):
    read_all(path)


def test_the_child_is_started_again(path, monkeypatch):
  child = hdf5_trial._Child()
  monkeypatch.setattr(hdf5_trial, '_CHILD', child)
  read_all(path)
  os.kill(child._process.pid, signal.SIGKILL)
  child._process.wait()
  os.utime(path, (1, 1))  # Not the file that was read before.
  assert read_all(path)['tracks'].shape == (2, 3, 10)
  child.stop()


def _external_link(file, other):
  file['tracks'] = h5py.ExternalLink(other, '/x')


def _external_bytes(file, other):
  file.create_dataset('tracks', (3,), 'u1', external=[(other, 0, 3)])


def _virtual(file, other):
  layout = h5py.VirtualLayout((3,), 'f8')
  layout[...] = h5py.VirtualSource(other, 'x', (3,))
  file.create_virtual_dataset('tracks', layout)


@pytest.mark.parametrize('replace', [_external_link, _external_bytes, _virtual])
def test_parts_in_other_files_are_refused(path, tmp_path, replace):
  """Their size is not that of the file, and they may be any file of the machine."""
  with h5py.File(tmp_path / 'other.h5', 'w') as file:
    file['x'] = np.ones(3)
  with h5py.File(path, 'a') as file:
    del file['tracks']
    replace(file, str(tmp_path / 'other.h5'))
  with pytest.raises(PoseDataError, match=r"v\.h5 takes 'tracks' from another file"):
    read_all(path)


def test_a_file_that_was_refused_is_not_tried_again(path, tmp_path, monkeypatch):
  """A reader opens a file several times: for its joints, its videos and its poses."""
  (tmp_path / 'child.py').write_text("print('', flush=True)\ninput()\nexit(3)")
  monkeypatch.setattr(hdf5_trial, '__file__', tmp_path / 'child.py')
  child = hdf5_trial._Child()
  monkeypatch.setattr(hdf5_trial, '_CHILD', child)
  with pytest.raises(PoseDataError, match='exit status 3'):
    read_all(path)
  monkeypatch.setattr(child, 'ask', None)
  with pytest.raises(PoseDataError, match='exit status 3'):
    read_all(path)
