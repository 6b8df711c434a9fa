"""Frames in order, in chunks, and errors that name the video and what is wrong."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hostile_files import unfolding_png
from places import PYTHON_PATH, SHARED_DATA

from input_pipeline.errors import PoseDataError
from pose_action.extraction.videos import FrameReader, kept_frames
from pose_action.host.extras import MissingExtraError


def numbered(count, height=16, width=24):
  """Grey frames; the level of frame n is 10 · n."""
  levels = 10 * np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
  return np.broadcast_to(levels, (count, height, width, 3))


def numbers(reader):
  """The numbers of the frames, from their grey levels."""
  return [round(float(frame.mean()) / 10) for frame in reader]


@pytest.fixture(params=['video.avi', 'video.mp4', 'frames'])
def path_of_12(request, tmp_path, write_video, write_frames):
  write = write_frames if request.param == 'frames' else write_video
  return write(tmp_path / request.param, numbered(12))


def test_frames_are_in_order(path_of_12):
  # Sorted as text, 10.png would be before 2.png.
  assert numbers(FrameReader(path_of_12)) == list(range(12))


def test_stride_and_start_count_kept_frames(path_of_12):
  assert numbers(FrameReader(path_of_12, stride=5)) == [0, 5, 10]
  assert numbers(FrameReader(path_of_12, stride=5, start=1)) == [5, 10]
  assert kept_frames(path_of_12, 5) == 3


def test_chunks_end_with_their_part(path_of_12):
  chunks = list(FrameReader(path_of_12).chunks(3, clip_frames=5))
  assert [(part, len(frames)) for part, frames in chunks] == [
    *((0, 3), (0, 2), (1, 3), (1, 2), (2, 2))
  ]
  frames = np.concatenate([frames for _, frames in chunks])
  assert (frames.dtype, frames.shape) == (np.uint8, (12, 16, 24, 3))
  assert numbers(frames) == list(range(12))


def test_a_later_start_does_not_change_the_parts(path_of_12):
  chunks = FrameReader(path_of_12, start=5).chunks(3, clip_frames=5)
  assert [(part, numbers(frames)) for part, frames in chunks] == [
    *((1, [5, 6, 7]), (1, [8, 9]), (2, [10, 11]))
  ]


def test_colours_are_red_green_blue(tmp_path, write_video, write_frames):
  orange = np.broadcast_to(np.uint8([240, 120, 20]), (3, 16, 24, 3))
  (frame, *_) = FrameReader(write_frames(tmp_path / 'frames', orange))
  np.testing.assert_array_equal(frame, orange[0])
  (frame, *_) = FrameReader(write_video(tmp_path / 'a.avi', orange))
  np.testing.assert_allclose(frame, orange[0], atol=8)  # JPEG loses a little.


def test_a_complete_video_has_no_shortfall(path_of_12):
  reader = FrameReader(path_of_12)
  list(reader)
  assert (reader.claimed, reader.decoded, reader.shortfall()) == (12, 12, None)


def test_a_torn_video_keeps_what_decodes(tmp_path, write_torn_video):
  reader = FrameReader(write_torn_video(tmp_path / 'torn.avi', numbered(12)))
  found = numbers(reader)
  assert 0 < len(found) < 12
  assert found == list(range(len(found)))
  assert reader.shortfall() == (
    f'its header says 12 frames, but only {len(found)} decode'
  )


def test_the_header_of_a_real_clip_claims_too_many_frames(cv2, shared_data):
  folder = shared_data / 'jhmdb' / 'clip'
  reader = FrameReader(folder / 'Goal_Keeping_Tips_catch_f_cm_np1_fr_med_2.avi')
  assert len(list(reader)) == 40
  assert reader.shortfall() == 'its header says 48 frames, but only 40 decode'


def test_files_that_are_not_videos_are_refused(cv2, tmp_path):
  broken = tmp_path / 'broken.avi'
  broken.write_bytes(b'not a video')
  with pytest.raises(PoseDataError, match=r'broken\.avi cannot be opened as a video'):
    FrameReader(broken)
  with pytest.raises(PoseDataError, match=r'gone\.avi does not exist'):
    FrameReader(tmp_path / 'gone.avi')
  with pytest.raises(PoseDataError, match='holds no images; frames are files'):
    FrameReader(tmp_path)


def test_a_frame_with_another_size_is_refused(tmp_path, write_frames):
  write_frames(tmp_path, numbered(3))
  write_frames(tmp_path / 'other', numbered(1, height=8))
  (tmp_path / 'other' / '1.png').rename(tmp_path / '2.png')
  with pytest.raises(
    PoseDataError, match=r'2\.png has 8×24 pixels.*earlier frames have 16×24'
  ):
    list(FrameReader(tmp_path))


def test_a_broken_image_is_refused(tmp_path, write_frames):
  write_frames(tmp_path, numbered(3))
  (tmp_path / '2.png').write_bytes(b'not an image')
  with pytest.raises(PoseDataError, match=r'2\.png cannot be read as an image'):
    list(FrameReader(tmp_path))


@pytest.mark.parametrize(
  'names',
  [
    ('f9.png', 'f10.png', 'f11.png'),
    # Roboflow's hashes, of which only the first number counts.
    ('w_0001_png.rf.9a1.png', 'w_0002_png.rf.11b.png', 'w_0003_png.rf.2c3.png'),
    ('clip2_frame1.png', 'clip2_frame2.png', 'clip2_frame3.png'),
  ],
)
def test_images_are_in_the_order_of_their_frame_numbers(tmp_path, write_frames, names):
  write_frames(tmp_path, numbered(3))
  for number, name in enumerate(names, start=1):
    (tmp_path / f'{number}.png').rename(tmp_path / name)
  assert [name for name, _ in FrameReader(tmp_path)._frames()] == [
    str(tmp_path / name) for name in names
  ]


@pytest.mark.parametrize(
  ('names', 'message'),
  [
    (
      ('lap1_1.png', 'lap1_2.png', 'lap2_1.png', 'lap2_2.png'),
      r"frames of 2 videos, such as 'lap1_1\.png' and 'lap2_1\.png'; give each video",
    ),
    (('a.png', 'b.png', 'c.png', 'd.png'), "'a.png' has no number in its name"),
    (('1.png', '01.png', '2.png', '3.png'), 'have the same frame number 1'),
  ],
)
def test_names_that_do_not_show_one_video(tmp_path, write_frames, names, message):
  write_frames(tmp_path / 'made', numbered(4))
  for number, name in enumerate(names, start=1):
    (tmp_path / 'made' / f'{number}.png').rename(tmp_path / name)
  (tmp_path / 'made').rmdir()
  with pytest.raises(PoseDataError, match=message):
    FrameReader(tmp_path)


def test_a_single_image_needs_no_number(tmp_path, write_frames):
  write_frames(tmp_path, numbered(1))
  (tmp_path / '1.png').rename(tmp_path / 'person.png')
  assert len(list(FrameReader(tmp_path))) == 1


def test_an_image_of_too_many_pixels_is_refused(cv2, tmp_path):
  """In a process that has not imported OpenCV, which reads its limit only then."""
  unfolding_png(tmp_path / '1.png', side=20_000)  # Less than OpenCV's own limit.
  program = f"""
import resource
from pose_action.extraction.videos import FrameReader
from pose_action.host.video_libraries import opencv
opencv()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
  list(FrameReader(__import__('pathlib').Path({str(tmp_path)!r})))
except ValueError as error:
  print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
  run = subprocess.run(
    [sys.executable, '-c', program],
    capture_output=True,
    text=True,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    check=True,
  )
  message, kilobytes = run.stdout.splitlines()
  assert '1.png cannot be read as an image: ' in message
  assert int(kilobytes) < 200 << 10


def test_without_opencv_the_extra_to_install_is_named(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'cv2', None)
  message = r"cv2 is not installed.*pip install 'pose-action-jax\[video\]'"
  with pytest.raises(MissingExtraError, match=message):
    FrameReader(tmp_path / 'a.avi')


def test_times_go_on_where_a_container_states_none():
  """The codec holds back this AVI's last frame, and the file does not state its time."""
  path = SHARED_DATA / 'clips' / 'mmaction2_test.avi'
  if not path.exists():
    pytest.skip(f'{path} is not there')
  reader = FrameReader(path)
  times = [reader.time for _ in reader]
  np.testing.assert_allclose(times, (np.arange(164) + 1) / 25)
