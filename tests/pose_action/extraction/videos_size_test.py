"""Video files whose frames change their size, and those that do not."""

import numpy as np
import pytest
from mp4_files import av, write_changing_video, write_timed_mp4  # noqa: F401
from video_files import cv2, write_frames  # noqa: F401

from input_pipeline.errors import PoseDataError
from pose_action.extraction.videos import check_one_size
from pose_action.host.extras import MissingExtraError

SMALL = np.zeros((6, 64, 96, 3), np.uint8)
LARGE = np.zeros((6, 128, 96, 3), np.uint8)


def test_another_size_is_refused_with_its_time(write_changing_video, tmp_path):  # noqa: F811
  path = write_changing_video(tmp_path / 'a.mpg', SMALL, LARGE)
  message = r'frames of 64×96 pixels .* but from second \d+\.\d on of 128×96; '
  with pytest.raises(PoseDataError, match=message) as raised:
    check_one_size(path)
  assert str(raised.value).startswith(str(path)) and '\n' not in str(raised.value)


def test_one_size_is_accepted(write_changing_video, write_timed_mp4, tmp_path):  # noqa: F811
  check_one_size(write_changing_video(tmp_path / 'a.mpg', SMALL, SMALL))
  times = np.arange(6) / 25
  check_one_size(write_timed_mp4(tmp_path / 'turned.mp4', SMALL, times, turned=True))


def test_what_cannot_be_decoded_is_left_to_the_reader(av, write_frames, tmp_path):  # noqa: F811
  (tmp_path / 'empty.mp4').write_bytes(b'')
  (tmp_path / 'text.mp4').write_text('no video')
  write_frames(tmp_path / 'images', SMALL)
  for name in ('empty.mp4', 'text.mp4', 'images', 'missing.mp4'):
    check_one_size(tmp_path / name)


def test_without_pyav_nothing_is_checked(write_changing_video, tmp_path, monkeypatch):  # noqa: F811
  path = write_changing_video(tmp_path / 'a.mpg', SMALL, LARGE)

  def missing():
    raise MissingExtraError('no PyAV')

  monkeypatch.setattr('pose_action.extraction.videos.pyav', missing)
  check_one_size(path)
