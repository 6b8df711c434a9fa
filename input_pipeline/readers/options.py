"""Options for reading poses: what a user states because the files do not."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.frame_size import in_words, parse_frame_size
from input_pipeline.poses.tracking import MAX_PEOPLE

# The same as for rendered maps (storage/rendered_maps.py).
_SHORT_SIDE = 64


@dataclasses.dataclass(frozen=True)
class ReadOptions:
  """How to read poses; each format accepts the options that apply to it.

  Attributes:
    frame_size: (height, width) in pixels, for frames whose size is stated nowhere else.
    max_people: most people kept per frame, see `tracking.find_tracks`.
    per_person: one clip for each of a video's `max_people` most confident people
      (`VIDEO#0`, `VIDEO#1`, ...) instead of one clip with everyone.
    short_side: cells on the frame's shorter side, to which a pose network's maps are
      resampled.
    normalized: positions are fractions of the frame, though the format's are pixels.
    trust_order: take joints in the skeleton's order, whatever names the file gives them.
    frame_rate: frames per second of videos whose rate is stated nowhere else.
  """

  frame_size: tuple[int, int] | None = None
  max_people: int = MAX_PEOPLE
  per_person: bool = False
  short_side: int = _SHORT_SIDE
  normalized: bool = False
  trust_order: bool = False
  frame_rate: float | None = None

  def __post_init__(self):
    if self.max_people < 1 or self.short_side < 1:
      raise PoseDataError(
        f'max_people is {self.max_people} and short_side {self.short_side}, but each'
        ' must be at least 1'
      )
    if self.frame_rate is not None and not 0 < self.frame_rate < math.inf:
      raise PoseDataError(
        f'the frame rate (fps) is {self.frame_rate}, but must be frames per second above 0'
      )
    size = self.frame_size
    if size is not None and (len(size) != 2 or min(size) < 1):
      raise PoseDataError(
        f'frame_size is {size}, but must be (height, width) in pixels'
      )

  @property
  def given(self) -> tuple[str, ...]:
    """Names of the options that differ from their defaults."""
    fields = dataclasses.fields(self)
    return tuple(f.name for f in fields if getattr(self, f.name) != f.default)

  @property
  def frame_size_in_words(self) -> str:
    """A line that repeats the given frame size; '' if none is given."""
    if self.frame_size is None:
      return ''
    size = in_words(self.frame_size)
    return f'frames are read as {size}, unless the files state their size'


AS_READ = ReadOptions()  # Nothing stated.


def options_of_flags(
  *, frame_size: str | None = None, **flags: Any
) -> ReadOptions | None:
  """Makes the options from a program's flags; None if no flag is set.

  Args:
    frame_size: 'WIDTHxHEIGHT', or another form that `parse_frame_size` takes.
    flags: the other options by name; None if not set.

  Raises:
    PoseDataError: on an invalid value.
  """
  given = {name: value for name, value in flags.items() if value is not None}
  if frame_size is not None:
    given['frame_size'] = parse_frame_size(frame_size)
  return ReadOptions(**given) if given else None
