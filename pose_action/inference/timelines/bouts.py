"""Bouts: when a class begins and ends, from its probabilities per frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pose_action.inference.errors import PredictorError


@dataclasses.dataclass(frozen=True)
class BoutRule:
  """When a bout begins and ends; the numbers are ours.

  Attributes:
    threshold: a bout begins where its class has at least this probability, and, where
      frames have one class each, the largest.
    hysteresis: it ends where its probability falls below `threshold - hysteresis`, or
      where another class begins.
    min_length: shorter bouts are left out, in frames.

  Raises:
    PredictorError: for a value that makes no sense.
  """

  threshold: float = 0.5
  hysteresis: float = 0.1
  min_length: int = 1

  def __post_init__(self):
    if not 0 <= self.threshold <= 1 or not 0 <= self.hysteresis <= 1:
      raise PredictorError(
        f'threshold is {self.threshold} and hysteresis {self.hysteresis}, but both must'
        ' be in 0..1'
      )
    if self.min_length < 1:
      raise PredictorError(
        f'min_length is {self.min_length} frames, but must be at least 1'
      )

  @property
  def release(self) -> float:
    """The probability below which a bout ends."""
    return max(0.0, self.threshold - self.hysteresis)


class Span(NamedTuple):
  """A bout of class `k` in frames: from `start` to before `stop`; its mean probability."""

  k: int
  start: int
  stop: int
  score: float


def find_bouts(
  probabilities: Float[np.ndarray, 't k'], rule: BoutRule, *, multi_label: bool = False
) -> list[Span]:
  """The bouts in order of their beginning.

  Args:
    probabilities: per frame and class; a frame of NaN has no answer, and ends any bout.
    multi_label: whether several classes may go on at once; each is then by itself.

  Example:
    >>> import numpy as np
    >>> p = np.array([.2, .6, .45, .7, .3])  # With 0.5 and 0.1, it goes on at 0.45.
    >>> [span[:3] for span in find_bouts(np.stack([p, 1 - p], 1), BoutRule(0.5, 0.1))]
    [(1, 0, 1), (0, 1, 4), (1, 4, 5)]
  """
  values = np.asarray(probabilities, np.float64)
  if multi_label:
    found = [
      (k, start, stop)
      for k in range(values.shape[1])
      for start, stop in _runs(values[:, k], rule)
    ]
    found.sort(key=lambda span: (span[1], span[0]))
  else:
    found = list(_one_at_a_time(values, rule))
  return [
    Span(k, start, stop, float(values[start:stop, k].mean()))
    for k, start, stop in found
    if stop - start >= rule.min_length
  ]


def _one_at_a_time(
  values: Float[np.ndarray, 't k'], rule: BoutRule
) -> Iterator[tuple[int, int, int]]:
  """(class, start, stop) where each frame has at most one class."""
  current, began = -1, 0
  answered = ~np.isnan(values[:, 0])
  top = np.where(answered[:, None], values, -1).argmax(axis=1)
  for frame, best in enumerate(top.tolist()):
    begins = bool(answered[frame]) and values[frame, best] >= rule.threshold
    if current >= 0:
      lasts = bool(answered[frame]) and values[frame, current] >= rule.release
      if not lasts or (begins and best != current):
        yield current, began, frame
        current = -1
    if current < 0 and begins:
      current, began = best, frame
  if current >= 0:
    yield current, began, len(values)


def _runs(values: Float[np.ndarray, ' t'], rule: BoutRule) -> Iterator[tuple[int, int]]:
  """(start, stop) of one class by itself; NaN is below every threshold."""
  began = -1
  for frame, value in enumerate(values.tolist()):
    if began >= 0 and not value >= rule.release:
      yield began, frame
      began = -1
    if began < 0 and value >= rule.threshold:
      began = frame
  if began >= 0:
    yield began, len(values)
