"""Windows that slide over a video, and the poses of each person in them."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.causal_tracking import CausalTracker
from input_pipeline.poses.tracking import MAX_PEOPLE, Identities, People

# A person is in a window if visible in at least this share of its frames (ours): fewer
# hardly show an action, and it bounds the number of people in a window.
LEAST_VISIBLE = 0.25


@dataclasses.dataclass(frozen=True)
class Windows:
  """Windows of one length, at equal distances from the first frame on.

  Attributes:
    length: frames in a window.
    stride: frames from one window's start to the next.

  Raises:
    PoseDataError: if one of them is below 1, or the stride leaves frames out.
  """

  length: int
  stride: int

  def __post_init__(self):
    if self.length < 1 or self.stride < 1:
      raise PoseDataError(
        f'windows have length {self.length} and stride {self.stride} in frames, but each'
        ' must be at least 1'
      )
    if self.stride > self.length:
      raise PoseDataError(
        f'the stride of {self.stride} frames is longer than the window of {self.length},'
        ' so frames between windows would be in none; give a stride of at most'
        f' {self.length} frames'
      )


def parse_frames(text: str, frame_rate: float | None, what: str) -> int:
  """The frames in a duration: '30' is frames, '1.5s' is seconds.

  Args:
    frame_rate: frames per second; needed for seconds.
    what: the option's name, for messages.

  Raises:
    PoseDataError: if it is neither, below one frame, or in seconds without a frame rate.

  Example:
    >>> parse_frames('1.5s', 30.0, 'window'), parse_frames('24', None, 'window')
    (45, 24)
  """
  number = text.strip().lower()
  in_seconds = number.endswith('s')
  try:
    value = float(number.removesuffix('s'))
  except ValueError:
    value = math.nan
  whole = in_seconds or value == round(value) if math.isfinite(value) else False
  if not whole or value <= 0:
    raise PoseDataError(
      f'{what} is {text!r}, but must be a whole number of frames such as 30, or seconds'
      ' such as 1.5s'
    )
  if not in_seconds:
    return int(value)
  if not frame_rate:
    raise PoseDataError(
      f'{what} is {text}, in seconds, but the frame rate of the poses is not known; give'
      f' {what} in frames, or state the frame rate'
    )
  return max(1, math.floor(value * frame_rate + 0.5))


class PersonWindow(NamedTuple):
  """One person in one window.

  Attributes:
    person: the name, see `CausalTracker`.
    start, stop: the window's first frame, and the first after it.
    poses: (x, y) in pixels and score per frame; score 0 where the person is missing.
  """

  person: str
  start: int
  stop: int
  poses: Float[np.ndarray, 't j 3']


class PersonWindows:
  """Cuts windows of each person out of frames that arrive one by one.

  Windows begin at frames 0, `stride`, 2 · `stride`, …; a window is complete with its last
  frame. `finish` gives the last one: the video's last `length` frames, or the whole of a
  shorter video, unless a window has ended there. A person is in a window if visible in at
  least a quarter of its frames. It keeps `length` frames and the tracker's memory.
  """

  def __init__(
    self, windows: Windows, num_joints: int, *, max_people: int = MAX_PEOPLE
  ):
    self._windows = windows
    self._num_joints = num_joints
    self._tracker = CausalTracker(max_people=max_people)
    self._frames: collections.deque[dict[str, np.ndarray]] = collections.deque(
      maxlen=windows.length
    )
    self._count = 0  # Frames so far.
    self._covered = 0  # Frames up to the end of the last window.

  def push(
    self, people: People, identities: Identities | None = None
  ) -> list[PersonWindow]:
    """Takes the next frame; returns the windows that end with it.

    Args:
      people, identities: see `CausalTracker.push`.
    """
    self._frames.append(self._tracker.push(people, identities))
    self._count += 1
    start = self._count - self._windows.length
    if start < 0 or start % self._windows.stride:
      return []
    return self._cut()

  def finish(self) -> list[PersonWindow]:
    """The windows that end with the last frame; call it once, after all frames."""
    return self._cut() if self._covered < self._count else []

  def _cut(self) -> list[PersonWindow]:
    """One window per person from the frames that are kept."""
    self._covered = self._count
    length = len(self._frames)
    start = self._count - length
    names = dict.fromkeys(name for frame in self._frames for name in frame)
    found = []
    for name in names:
      seen = [frame for frame, people in enumerate(self._frames) if name in people]
      if len(seen) < LEAST_VISIBLE * length:
        continue
      poses = np.zeros((length, self._num_joints, 3), np.float32)
      poses[seen] = [self._frames[frame][name] for frame in seen]
      found.append(PersonWindow(name, start, self._count, poses))
    return found


def person_windows(
  frames: Iterable[tuple[People, Identities | None]],
  windows: Windows,
  num_joints: int,
  *,
  max_people: int = MAX_PEOPLE,
) -> Iterable[PersonWindow]:
  """The windows of every person in the frames of a whole video, in order of their end."""
  cutter = PersonWindows(windows, num_joints, max_people=max_people)
  for people, identities in frames:
    yield from cutter.push(people, identities)
  yield from cutter.finish()
