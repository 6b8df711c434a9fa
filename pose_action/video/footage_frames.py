"""The frames of footage with their times, read once even where many clips share a video."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.footage import Footage
from pose_action.extraction.videos import Frame, FrameReader


class FootageFrames:
  """Reads the footage of one clip after another.

  A clip that begins where the last one ended goes on in the same reader, so that a long
  video in many clips is decoded once. One frame is in memory at a time.
  """

  def __init__(self):
    self._next: Footage | None = None
    self._reader: FrameReader | None = None
    self._frames: Iterator[Frame] = iter(())

  def read(
    self, footage: Footage, count: int, rate: float
  ) -> Iterator[tuple[float, Frame]]:
    """Yields (seconds, frame) for each of `count` frames; fewer if the video ends.

    Seconds count from the container's own beginning. For a folder of images they follow
    from the frame rate.

    Raises:
      PoseDataError: if the video cannot be read, or not as far as this.
    """
    reader = self._opened(footage)
    for index in range(count):
      self._next = None  # Nothing can go on from a frame that fails.
      frame = next(self._frames, None)
      if frame is None:
        raise PoseDataError(
          f'{footage.path} has {footage.start + index} frames, but the poses are those'
          f' of {footage.start + count}'
        )
      place = footage.start + index
      self._next = dataclasses.replace(footage, start=place + 1)
      seconds = place / rate if reader.time is None else reader.time
      yield seconds, frame

  def _opened(self, footage: Footage) -> FrameReader:
    if self._reader is None or footage != self._next:
      self._next = None
      self._reader = FrameReader(
        footage.path, stride=footage.stride, start=footage.start
      )
      self._frames = iter(self._reader)
      self._next = footage
    return self._reader
