"""One video's poses as a pose tool wrote them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.tracking import UNKNOWN

# A longer video is a mistake in a file name (such as a date read as a frame number).
_MAX_FRAMES = 1_000_000

People = Float[np.ndarray, 'm j 3']
Identities = Int[np.ndarray, 'm']


@dataclasses.dataclass(frozen=True, eq=False)
class PosesByFrame:
  """The people detected in each frame.

  Attributes:
    people: for each frame number (the first may be any number), every person's joints
      as x, y and score in 0..1; all 0 if missing. A number that is absent is a frame
      without people.
    num_joints: j.
    identities: for each of these frame numbers, the identity of every person,
      `tracking.UNKNOWN` if the tool gives none; None if it never gives any.
    frame_size: (height, width) in pixels, if the files state it.
    frame_rate: frames per second, if the files state it.
    in_shares: whether positions are fractions of the frame's width and height (0..1
      from edge to edge) instead of pixels.
    lists_empty_frames: whether frames without people have a number too. If so, and only
      every k-th number is present, the tool processed only every k-th frame.
  """

  people: Mapping[int, People]
  num_joints: int
  identities: Mapping[int, Identities] | None = None
  frame_size: tuple[int, int] | None = None
  frame_rate: float | None = None
  in_shares: bool = False
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
    return range(numbers[0], numbers[-1] + 1, step)

  def frames(self, frame_size: tuple[int, int]) -> list[People]:
    """The people in each frame, in pixels.

    Args:
      frame_size: (height, width) in pixels.
    """
    nobody = np.zeros((0, self.num_joints, 3), np.float32)
    frames = [self.people.get(number, nobody) for number in self.frame_numbers()]
    if not self.in_shares:
      return frames
    return [_to_pixels(people, frame_size) for people in frames]

  def names(self) -> list[Identities] | None:
    """The identities in each frame; None if the tool never gives any."""
    if self.identities is None:
      return None
    nobody = np.zeros(0, np.int64)
    names = [self.identities.get(number, nobody) for number in self.frame_numbers()]
    return names if any((name != UNKNOWN).any() for name in names) else None


def _to_pixels(people: People, frame_size: tuple[int, int]) -> People:
  """Converts fractions of the frame to pixels, whose centres are whole numbers."""
  size = np.array(frame_size[::-1], np.float32)
  seen = people[..., 2:] > 0
  pixels = np.where(seen, people[..., :2] * size - 0.5, 0)
  return np.concatenate([pixels, people[..., 2:]], axis=-1)


def common_step(numbers: Sequence[int]) -> int:
  """The largest step that reaches every number from the first; 1 for one number."""
  return math.gcd(*(b - a for a, b in itertools.pairwise(numbers))) or 1


def seen_joints(values: Float[np.ndarray, '*b 3']) -> Float[np.ndarray, '*b 3']:
  """(x, y, score), all 0 for a missing joint and with scores clipped to 1.

  A joint is missing if a value is not finite or the score is not above 0. Scores are
  heatmap peaks or unbounded outputs and may exceed 1 (1.4 was seen from OpenPose, 1.3
  from MMPose); such a joint counts as fully certain.
  """
  values = np.asarray(values, np.float32)
  seen = np.isfinite(values).all(axis=-1) & (values[..., 2] > 0)
  certain = np.minimum(values, np.array([np.inf, np.inf, 1], np.float32))
  return np.where(seen[..., None], certain, np.float32(0))


def scores_of_positions(
  positions: Float[np.ndarray, '*b 2'],
) -> Float[np.ndarray, '*b']:
  """Scores for joints without one: 0 (missing) at (0, 0) or if not finite, else 1."""
  seen = np.isfinite(positions).all(axis=-1) & (positions != 0).any(axis=-1)
  return seen.astype(np.float32)
