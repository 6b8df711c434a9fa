"""Records a few seconds of a camera, as frames on disk."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from input_pipeline.errors import PoseDataError
from pose_action.host.video_libraries import opencv

_QUALITY = 95  # Of JPEG, OpenCV's own default.


class Recording(NamedTuple):
  """What a camera gave.

  Attributes:
    frames: their number.
    seconds: from the start to the last frame.
    problem: why it ended early; None if it did not.
  """

  frames: int
  seconds: float
  problem: str | None

  @property
  def rate(self) -> float:
    """The measured frames per second."""
    return self.frames / self.seconds


def record(
  number: int,
  folder: pathlib.Path,
  seconds: float,
  *,
  clock=time.monotonic,
) -> Recording:
  """Writes a camera's frames as `000000.jpg`, `000001.jpg`, ... to a folder.

  Args:
    number: the camera's, from 0.
    folder: an empty folder.
    seconds: how long to record.
    clock: monotonic seconds.

  Raises:
    PoseDataError: if there is no such camera, or it gives fewer than two frames.
    OSError: if a frame cannot be written.
  """
  cv2 = opencv()
  capture = cv2.VideoCapture(number)
  try:
    if not capture.isOpened():
      raise PoseDataError(
        f'there is no camera {number}, or another program uses it; give the number of'
        ' another one (the first is 0), or a file'
      )
    count, started, last, problem = 0, clock(), 0.0, 'it gives no more frames'
    try:
      for frame in _frames(capture):
        last = clock() - started
        _write(cv2, folder / f'{count:06d}.jpg', frame)
        count += 1
        if last >= seconds:
          problem = None
          break
    except cv2.error as error:  # What a driver answers may break OpenCV's assertions.
      problem = ' '.join(str(error).split())
  finally:
    capture.release()
  if count < 2 or last <= 0:
    raise PoseDataError(
      f'camera {number} gave {count} frames, but a clip needs two'
      + (f': {problem}' if problem else '')
    )
  return Recording(count, last, problem)


def _frames(capture: Any) -> Iterator[Any]:
  """The frames as they come, until there is none."""
  while True:
    found, frame = capture.read()
    if not found:
      return
    yield frame


def _write(cv2: Any, path: pathlib.Path, frame: Any):
  _, encoded = cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
  path.write_bytes(encoded)  # `imwrite` would tell of a full disk by False alone.
