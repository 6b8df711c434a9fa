"""Fixtures that write videos and folders of frames for the tests."""

import numpy as np
import pytest


@pytest.fixture
def cv2():
  return pytest.importorskip('cv2', reason='OpenCV is not installed')


@pytest.fixture
def write_video(cv2):
  """A function (path, frames) that writes a video file and returns its path.

  Frames are uint8 [t, h, w, 3] in red, green and blue.
  """

  def write(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames.shape[1:3]
    codec = cv2.VideoWriter.fourcc(*('mp4v' if path.suffix == '.mp4' else 'MJPG'))
    writer = cv2.VideoWriter(str(path), codec, 25, (width, height))
    assert writer.isOpened()
    for frame in frames:
      writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path

  return write


@pytest.fixture
def write_torn_video(write_video):
  """A function (path, frames) that writes an AVI file cut off after a few frames."""

  def write(path, frames):
    content = write_video(path, frames).read_bytes()
    end = -1
    for _ in range(6):
      end = content.index(b'00dc', end + 1)  # Marks a frame; the first is in the index.
    path.write_bytes(content[:end])
    return path

  return write


@pytest.fixture
def write_frames(cv2):
  """A function (folder, frames) that writes 1.png, 2.png, ... there, without loss."""

  def write(folder, frames):
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, start=1):
      assert cv2.imwrite(str(folder / f'{number}.png'), frame[..., ::-1])
    return folder

  return write
