"""Finds out whether the frames of a video file change their size.

OpenCV scales later frames to the size of the first ones without a word, which stretches
people. Frames can change their size only where a decoder may begin, at key frames, so only
these are decoded here.
"""

from __future__ import annotations

import pathlib
from typing import Any

from input_pipeline.errors import PoseDataError
from pose_action.host.extras import MissingExtraError
from pose_action.host.video_libraries import pyav


def check_one_size(path: pathlib.Path):
  """Checks a video file; what cannot be decoded is left to whoever reads the frames.

  A folder of images is not looked at: its frames are checked as they are read. Without
  PyAV nothing is checked.

  Raises:
    PoseDataError: if frames have different sizes.
  """
  if not path.is_file():
    return
  try:
    av = pyav()
  except MissingExtraError:
    return
  try:
    message = _change(av, path)
  except (av.error.FFmpegError, OSError, ValueError):
    return
  if message:
    raise PoseDataError(message)


def _change(av: Any, path: pathlib.Path) -> str | None:
  """What to say about the first change; None if there is none."""
  first = None
  with av.open(str(path)) as container:
    if not container.streams.video:
      return None
    stream = container.streams.video[0]
    stream.codec_context.skip_frame = 'NONKEY'
    for frame in container.decode(stream):
      size = (frame.height, frame.width)
      first = first or size
      if size != first:
        return _message(path, first, size, frame.time)
  return None


def _message(
  path: pathlib.Path,
  first: tuple[int, int],
  later: tuple[int, int],
  seconds: float | None,
) -> str:
  when = '' if seconds is None else f' from second {seconds:.1f} on'
  return (
    f'{path} has frames of {first[0]}×{first[1]} pixels (height × width), but'
    f'{when} of {later[0]}×{later[1]}; all frames must have the same size: cut the video'
    ' there, or scale it to one size'
  )
