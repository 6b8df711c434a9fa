"""What a user says about poses beside their path: what the files leave open."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.tracking import MAX_PEOPLE

# Of a pose network's maps, as of rendered ones (storage/rendered_maps.py).
_SHORT_SIDE = 64


@dataclasses.dataclass(frozen=True)
class ReadOptions:
  """How poses are read; each format takes those that make sense for it.

  Attributes:
    frame_size: (height, width) in pixels of the frames whose size nothing else says.
    max_people: kept in a frame, see `people.find_tracks`.
    per_person: one clip for each of the `max_people` most confident people of a video,
      `VIDEO#0`, `VIDEO#1`, ..., and not one for all.
    short_side: of a pose network's maps: the cells on the shorter side of the frame
      that they are brought to.
  """

  frame_size: tuple[int, int] | None = None
  max_people: int = MAX_PEOPLE
  per_person: bool = False
  short_side: int = _SHORT_SIDE

  def __post_init__(self):
    if self.max_people < 1 or self.short_side < 1:
      raise PoseDataError(
        f'max_people is {self.max_people} and short_side {self.short_side}, but each'
        ' must be at least 1'
      )
    size = self.frame_size
    if size is not None and (len(size) != 2 or min(size) < 1):
      raise PoseDataError(
        f'frame_size is {size}, but must be (height, width) in pixels'
      )

  @property
  def given(self) -> tuple[str, ...]:
    """Names of the options that are not as by default."""
    fields = dataclasses.fields(self)
    return tuple(f.name for f in fields if getattr(self, f.name) != f.default)


def options_of_flags(
  *, frame_size: str | None = None, **flags: Any
) -> ReadOptions | None:
  """The options that flags of a program give; None where no flag is set.

  Args:
    frame_size: 'HEIGHTxWIDTH'.
    flags: the other options by name, None where not set.

  Raises:
    PoseDataError: for values that make no sense.
  """
  given = {name: value for name, value in flags.items() if value is not None}
  if frame_size is not None:
    given['frame_size'] = parse_frame_size(frame_size)
  return ReadOptions(**given) if given else None


def parse_frame_size(text: str) -> tuple[int, int]:
  """(height, width) of 'HEIGHTxWIDTH', such as '1080x1920'.

  Raises:
    PoseDataError: for other text.
  """
  match = re.fullmatch(r'\s*([1-9]\d*)\s*[x×]\s*([1-9]\d*)\s*', text)
  if not match:
    raise PoseDataError(
      f'frame_size is {text!r}, but must be HEIGHTxWIDTH in pixels, such as 1080x1920'
    )
  return int(match[1]), int(match[2])
