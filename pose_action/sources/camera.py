"""Records a few seconds of a camera, as frames on disk."""

from __future__ import annotations

import pathlib
import time

from input_pipeline.errors import PoseDataError
from pose_action.host.video_libraries import opencv

_QUALITY = 95  # Of JPEG, OpenCV's own default.


def record(
  number: int,
  folder: pathlib.Path,
  seconds: float,
  *,
  clock=time.monotonic,
) -> float:
  """Writes a camera's frames as `000000.jpg`, `000001.jpg`, ... to a folder.

  Args:
    number: the camera's, from 0.
    folder: an empty folder.
    seconds: how long to record.
    clock: monotonic seconds.

  Returns:
    The measured frames per second.

  Raises:
    PoseDataError: if there is no such camera, or it gives fewer than two frames.
  """
  cv2 = opencv()
  capture = cv2.VideoCapture(number)
  try:
    if not capture.isOpened():
      raise PoseDataError(
        f'there is no camera {number}, or another program uses it; give the number of'
        ' another one (the first is 0), or a file'
      )
    count, started, last = 0, clock(), 0.0
    while last < seconds:
      found, frame = capture.read()
      if not found:
        break
      last = clock() - started
      cv2.imwrite(
        str(folder / f'{count:06d}.jpg'), frame, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
      )
      count += 1
  finally:
    capture.release()
  if count < 2 or last <= 0:
    raise PoseDataError(f'camera {number} gave {count} frames, but a clip needs two')
  return count / last
