"""One video's poses as a pose tool wrote them."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.poses.tracking import TEXTS_FROM, UNKNOWN
from input_pipeline.readers.joints import Unit, to_joints

# A longer video is a mistake in a file name (such as a date read as a frame number).
_MAX_FRAMES = 1_000_000
# A numbering that leaves nearly all frames of a long video empty is a mistake, too
# (both numbers are ours).
_LONG = 100
_LEAST_PRESENT = 0.05

People = Float[np.ndarray, 'm j 3']
Identities = Int[np.ndarray, 'm']


@dataclasses.dataclass(frozen=True, eq=False)
class PosesByFrame:
  """The people detected in each frame.

  Attributes:
    people: for each frame number (the first may be any number), every person's joints
      as x, y and score, as the file has them; see `joints.to_joints`. A number that is
      absent is a frame without people.
    num_joints: j.
    identities: for each of these frame numbers, the identity of every person,
      `tracking.UNKNOWN` if the tool gives none; None if it never gives any.
    frame_size: (height, width) in pixels, if the files state it.
    frame_rate: frames per second, if the files state it.
    unit: the unit of the positions, see `joints.Unit`.
    notes: what was doubtful in the files.
    lists_empty_frames: whether frames without people have a number too. If so, and only
      every k-th number is present, the tool processed only every k-th frame.
  """

  people: Mapping[int, People]
  num_joints: int
  identities: Mapping[int, Identities] | None = None
  frame_size: tuple[int, int] | None = None
  frame_rate: float | None = None
  unit: Unit = 'pixels'
  notes: tuple[Note, ...] = ()
  lists_empty_frames: bool = True

  def __post_init__(self):
    if not self.people:
      raise PoseDataError('there is no frame; a video needs at least one')

  def frame_numbers(self) -> range:
    """All frame numbers, in order.

    Raises:
      PoseDataError: if they span more frames than any video has.
    """
    numbers = sorted(self.people)
    step = common_step(numbers) if self.lists_empty_frames else 1
    if numbers[-1] - numbers[0] >= _MAX_FRAMES * step:
      raise PoseDataError(
        f'frame numbers go from {numbers[0]} to {numbers[-1]}, but a video has at most'
        f' {_MAX_FRAMES} frames; name files so that the last number is the frame number'
      )
    frames = range(numbers[0], numbers[-1] + 1, step)
    if len(frames) >= _LONG and len(numbers) < _LEAST_PRESENT * len(frames):
      raise PoseDataError(
        f'frame numbers go from {numbers[0]} to {numbers[-1]}, but only {len(numbers)} of'
        f' these {len(frames)} frames are there, so the numbers are hardly frame numbers;'
        ' number the frames one by one'
      )
    return frames

  def frames(self, frame_size: tuple[int, int]) -> list[People]:
    """The joints of the people in each frame, in pixels, see `joints`."""
    return self.joints(frame_size)[0]

  def joints(
    self, frame_size: tuple[int, int], *, normalized: bool = False
  ) -> tuple[list[People], tuple[Note, ...]]:
    """The joints of the people in each frame, in pixels, and what was doubtful.

    Args:
      frame_size: (height, width) in pixels.
      normalized: positions are fractions of the frame, though the unit is pixels.

    Raises:
      PoseDataError: if the positions cannot be in this unit.
    """
    nobody = np.zeros((0, self.num_joints, 3), np.float32)
    frames = [self.people.get(number, nobody) for number in self.frame_numbers()]
    joints = to_joints(
      np.concatenate(frames), self.unit, frame_size, normalized=normalized
    )
    ends = np.cumsum([len(people) for people in frames])[:-1]
    notes = (*self.notes, *joints.notes, *self._identity_notes())
    return np.split(joints.values, ends), notes

  def names(self) -> list[Identities] | None:
    """The identities in each frame; None if the tool never gives any.

    An identity that two people of one frame share identifies nobody, in any frame, and
    identities that never come again identify detections.
    """
    if self.identities is None or self._never_again:
      return None
    shared = list(self._shared_identities)
    nobody = np.zeros(0, np.int64)
    found = [self.identities.get(number, nobody) for number in self.frame_numbers()]
    names = [np.where(np.isin(name, shared), UNKNOWN, name) for name in found]
    return names if any((name != UNKNOWN).any() for name in names) else None

  @functools.cached_property
  def _never_again(self) -> bool:
    """Whether several frames have people with identities, each in one frame only."""
    named = [names[names != UNKNOWN] for names in (self.identities or {}).values()]
    frames = [np.unique(names) for names in named if len(names)]
    found = np.concatenate([np.zeros(0, np.int64), *frames])
    return len(frames) > 1 and len(np.unique(found)) == len(found)

  @functools.cached_property
  def _shared_identities(self) -> dict[int, int]:
    """The first frame in which people share an identity, for each such identity."""
    shared: dict[int, int] = {}
    for number, names in sorted((self.identities or {}).items()):
      values, counts = np.unique(names, return_counts=True)
      for identity in values[(counts > 1) & (values != UNKNOWN)].tolist():
        shared.setdefault(identity, number)
    return shared

  def _identity_notes(self) -> tuple[Note, ...]:
    if self._never_again:
      return (
        Note(
          'identities_of_detections',
          'no identity comes in two frames, so the identities are of detections, not of'
          ' people; people are tracked by their boxes instead',
        ),
      )
    if not self._shared_identities:
      return ()
    identity, number = next(iter(self._shared_identities.items()))
    named = f'the identity {identity}' if identity < TEXTS_FROM else 'the same identity'
    more = len(self._shared_identities) - 1
    others = f', and {more} more identities are shared' if more else ''
    return (
      Note(
        'shared_identity',
        f'several people in frame {number} have {named}{others}; people'
        ' with such an identity are tracked by their boxes instead',
      ),
    )


def common_step(numbers: Sequence[int]) -> int:
  """The largest step that reaches every number from the first; 1 for one number."""
  return math.gcd(*(b - a for a, b in itertools.pairwise(numbers))) or 1
