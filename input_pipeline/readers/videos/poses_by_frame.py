"""The poses of one video as a pose tool wrote them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.tracking import UNKNOWN

# A longer video is a file's mistake (such as a date taken for a frame number).
_MAX_FRAMES = 1_000_000

People = Float[np.ndarray, 'm j 3']
Identities = Int[np.ndarray, 'm']


@dataclasses.dataclass(frozen=True, eq=False)
class PosesByFrame:
  """Who was found in which frame.

  Attributes:
    people: by frame number, from 0 or any other: (x, y) and score in 0..1 of each joint
      of each person, 0 where missing. A number that is not there is a frame without
      people.
    num_joints: j.
    identities: by the same numbers: who it is, `people.UNKNOWN` where the tool does not
      say; None where it never does.
    frame_size: (height, width) in pixels, where the files say it.
    frame_rate: frames a second, where the files say it.
    in_shares: positions are shares of the frame's width and height, 0..1 from edge to
      edge, and not pixels.
    lists_empty_frames: a frame without people has a number too. Then, where only every
      k-th number is there, those are all the frames that were looked at.
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
      raise PoseDataError('there is no frame')

  def frame_numbers(self) -> range:
    """The numbers of all frames, in order.

    Raises:
      PoseDataError: where they lie too far apart to be those of frames.
    """
    numbers = sorted(self.people)
    step = common_step(numbers) if self.lists_empty_frames else 1
    if numbers[-1] - numbers[0] >= _MAX_FRAMES * step:
      raise PoseDataError(
        f'frame numbers go from {numbers[0]} to {numbers[-1]}, but a video has at most'
        f' {_MAX_FRAMES} frames; name files so that the last number is the frame'
      )
    return range(numbers[0], numbers[-1] + 1, step)

  def frames(self, frame_size: tuple[int, int]) -> list[People]:
    """The people of each frame, in pixels of frames of that size."""
    nobody = np.zeros((0, self.num_joints, 3), np.float32)
    frames = [self.people.get(number, nobody) for number in self.frame_numbers()]
    if not self.in_shares:
      return frames
    return [_to_pixels(people, frame_size) for people in frames]

  def names(self) -> list[Identities] | None:
    """The identities in each frame; None where the tool never names anyone."""
    if self.identities is None:
      return None
    nobody = np.zeros(0, np.int64)
    names = [self.identities.get(number, nobody) for number in self.frame_numbers()]
    return names if any((name != UNKNOWN).any() for name in names) else None


def _to_pixels(people: People, frame_size: tuple[int, int]) -> People:
  """Shares of the frame to pixels, whose whole numbers are the centres."""
  size = np.array(frame_size[::-1], np.float32)
  seen = people[..., 2:] > 0
  pixels = np.where(seen, people[..., :2] * size - 0.5, 0)
  return np.concatenate([pixels, people[..., 2:]], axis=-1)


def common_step(numbers: Sequence[int]) -> int:
  """The largest step by which one comes to all of them; of one number 1."""
  return math.gcd(*(b - a for a, b in itertools.pairwise(numbers))) or 1


def seen_joints(values: Float[np.ndarray, '*b 3']) -> Float[np.ndarray, '*b 3']:
  """(x, y, score) with 0 for a joint that is missing, and scores of at most 1.

  A joint is missing where a value is not finite or its score is not above 0. Scores
  are heights of heatmaps or outputs without a bound, and may exceed 1 (1.4 has been
  seen in OpenPose's, 1.3 in MMPose's): such a joint is as certain as can be.
  """
  values = np.asarray(values, np.float32)
  seen = np.isfinite(values).all(axis=-1) & (values[..., 2] > 0)
  certain = np.minimum(values, np.array([np.inf, np.inf, 1], np.float32))
  return np.where(seen[..., None], certain, np.float32(0))


def scores_of_positions(
  positions: Float[np.ndarray, '*b 2'],
) -> Float[np.ndarray, '*b']:
  """1 for each joint, and 0 for one at (0, 0) or nowhere, which is missing."""
  seen = np.isfinite(positions).all(axis=-1) & (positions != 0).any(axis=-1)
  return seen.astype(np.float32)
