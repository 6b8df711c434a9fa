"""Footage: the part of a video in which a clip's poses were found."""

from __future__ import annotations

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Footage:
  """The frames of a video that a clip's poses belong to, one by one.

  Attributes:
    path: a video file, or a folder of images.
    start: the clip's first frame, counted in the frames that the stride leaves.
    stride: every stride-th frame of the video has poses, from its first on.
  """

  path: pathlib.Path
  start: int = 0
  stride: int = 1

  def later(self, frames: int) -> Footage:
    """The part that begins this many frames later."""
    return dataclasses.replace(self, start=self.start + frames)

  def continues(self, other: Footage | None, num_frames: int) -> bool:
    """Whether this part begins where another one of `num_frames` frames ends."""
    return other is not None and self == dataclasses.replace(
      other, start=other.start + num_frames
    )
