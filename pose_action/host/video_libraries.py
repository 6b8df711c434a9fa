"""The libraries of the extra `video`, imported when they are needed."""

from __future__ import annotations

import os
from typing import Any

from pose_action.host.extras import MissingExtraError, missing

_MOST_PIXELS = 1 << 27  # A frame of 16K video (our choice).


def opencv() -> Any:
  """OpenCV's module, which reads videos and draws lines.

  Raises:
    MissingExtraError: if OpenCV cannot be imported.
  """
  # A small image may unfold to gigabytes; OpenCV's own limit is eight times larger.
  os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(_MOST_PIXELS))
  # What FFmpeg and OpenCV print about a broken file would stand beside our own error.
  os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
  try:
    import cv2
  except ImportError as error:
    raise MissingExtraError(f'{missing("cv2")} ({error})') from error
  cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
  return cv2


def pyav() -> Any:
  """PyAV's module, which writes videos.

  Raises:
    MissingExtraError: if PyAV cannot be imported.
  """
  try:
    import av
    import av.logging
  except ImportError as error:
    raise MissingExtraError(f'{missing("av")} ({error})') from error
  av.logging.set_level(av.logging.PANIC)  # FFmpeg's words would stand beside our own.
  return av


def pillow() -> Any:
  """Pillow's package with its modules Image, ImageDraw and ImageFont.

  Raises:
    MissingExtraError: if Pillow cannot be imported.
  """
  try:
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont
  except ImportError as error:
    raise MissingExtraError(f'{missing("PIL")} ({error})') from error
  return PIL
