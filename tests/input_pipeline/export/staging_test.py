import fcntl

import pytest

from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.staging import staging_dir


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
