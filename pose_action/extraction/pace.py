"""How far an extraction is, in frames: lines for the terminal, about one a second."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class FramePace:
  """Counts videos and frames against what the videos' headers promise.

  Attributes:
    frames: done so far.

  Args:
    videos: to extract.
    frames: of all of them, as far as is known.
    clock: seconds, monotonic.
  """

  def __init__(
    self, videos: int, frames: int, clock: Callable[[], float] = time.monotonic
  ):
    self._videos, self._videos_done = videos, 0
    self._promised, self.frames = frames, 0
    self._clock = clock
    self._started = self._last_line = clock()

  def frames_done(self, count: int) -> str | None:
    """Counts frames; a line if the last one is a second old."""
    self.frames += count
    now = self._clock()
    if now - self._last_line < 1:
      return None
    self._last_line = now
    rate = self.frames / (now - self._started)
    # A header may promise too few.
    left = max(0, self._promised - self.frames) / rate
    total = max(self._promised, self.frames)
    return (
      f'{self._videos_done}/{self._videos} videos, {self.frames}/{total} frames,'
      f' {rate:.1f} frames a second, {math.ceil(left)} s left'
    )

  def video_done(self, missing: int):
    """Counts a video, of which so many of the promised frames will not come."""
    self._videos_done += 1
    self._promised -= missing
