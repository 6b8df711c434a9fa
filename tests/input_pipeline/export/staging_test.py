import errno
import fcntl
import pathlib

import pytest
from etils import epath

from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.staging import build_place, staging_dir


def test_starts_empty_and_leaves_nothing(tmp_path):
  target = tmp_path / 'tiny' / 'keypoints' / '1.0.0'
  left_by_a_killed_process = tmp_path / '.export-tiny-keypoints'
  left_by_a_killed_process.mkdir()
  (left_by_a_killed_process / 'half').write_text('x')
  (tmp_path / '.export-tiny-keypoints.lock').touch()

  with staging_dir(target, tmp_path) as staging:
    assert list(staging.iterdir()) == []
    (staging / 'new').mkdir()

  assert list(tmp_path.iterdir()) == []


def test_cleans_up_after_an_error_and_passes_it_on(tmp_path):
  with (
    pytest.raises(ZeroDivisionError),
    staging_dir(tmp_path / 'tiny' / 'keypoints' / '1.0.0', tmp_path),
  ):
    raise ZeroDivisionError
  assert list(tmp_path.iterdir()) == []


def test_one_process_at_a_time(tmp_path):
  target = tmp_path / 'tiny' / 'keypoints' / '1.0.0'
  with (
    staging_dir(target, tmp_path),
    pytest.raises(PoseDatasetError, match=r'another process is writing .*wait until'),
    staging_dir(target, tmp_path),
  ):
    pass
  other = tmp_path / 'tiny' / 'heatmaps' / '1.0.0'
  with staging_dir(target, tmp_path), staging_dir(other, tmp_path):
    pass  # Another data set has its own lock.


def test_a_lock_file_removed_by_its_owner_is_not_a_lock(tmp_path, monkeypatch):
  target = tmp_path / 'tiny' / 'keypoints' / '1.0.0'
  flock = fcntl.flock

  def owner_finishes_first(file, operation):
    (tmp_path / '.export-tiny-keypoints.lock').unlink()
    flock(file, operation)

  monkeypatch.setattr(fcntl, 'flock', owner_finishes_first)
  with (
    pytest.raises(PoseDatasetError, match='another process'),
    staging_dir(target, tmp_path),
  ):
    pass


@pytest.fixture
def old(tmp_path):
  """The directory of a data set that is to be replaced."""
  target = epath.Path(tmp_path / 'tiny' / 'keypoints' / '1.0.0')
  target.mkdir(parents=True)
  (target / 'dataset_info.json').write_text('old')
  return target


def replace(target, tmp_path):
  with build_place(target, epath.Path(tmp_path), overwrite=True) as place:
    (place.directory / 'dataset_info.json').write_text('new')


def failing_renames(monkeypatch, times):
  """Lets renames to the data set's place fail, as on a full or read-only disk."""
  rename, left = type(pathlib.Path()).rename, [times]

  def rename_or_fail(self, target):
    if str(target).endswith('1.0.0') and left[0]:
      left[0] -= 1
      raise OSError(errno.EIO, 'the disk failed', str(target))
    return rename(self, target)

  monkeypatch.setattr(type(pathlib.Path()), 'rename', rename_or_fail)
  monkeypatch.setattr(
    epath.Path('/').__class__,
    'rename',
    lambda self, target: rename_or_fail(pathlib.Path(self), pathlib.Path(target)),
  )


def test_the_old_data_set_survives_a_failed_rename(old, tmp_path, monkeypatch):
  failing_renames(monkeypatch, 1)
  with pytest.raises(OSError, match='the disk failed'):
    replace(old, tmp_path)
  assert (old / 'dataset_info.json').read_text() == 'old'
  assert [path.name for path in tmp_path.iterdir()] == ['tiny']
  replace(old, tmp_path)
  assert (old / 'dataset_info.json').read_text() == 'new'


def test_the_old_data_set_survives_if_it_cannot_return_either(
  old, tmp_path, monkeypatch
):
  with monkeypatch.context() as patch:
    failing_renames(patch, 2)
    with pytest.raises(OSError, match='the disk failed'):
      replace(old, tmp_path)
  assert not old.exists()
  with (
    pytest.raises(PoseDatasetError, match='is already there'),
    build_place(old, epath.Path(tmp_path)),
  ):
    pass
  assert (old / 'dataset_info.json').read_text() == 'old'


def test_the_old_data_set_survives_a_kill_between_the_renames(old, tmp_path):
  staging = tmp_path / '.export-tiny-keypoints'
  staging.mkdir()
  old.rename(epath.Path(staging / 'replaced'))
  with pytest.raises(ZeroDivisionError), staging_dir(old, tmp_path):
    raise ZeroDivisionError
  assert (old / 'dataset_info.json').read_text() == 'old'
