"""Which classes a model takes for one another, and in which clips."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int


@dataclasses.dataclass(frozen=True)
class ConfusedPair:
  """Clips of one class that were taken for another one.

  Attributes:
    label, predicted: indices of the two classes.
    misread: the clips of `label` that were taken for `predicted`, the surest first.
    clips: how many clips `label` has.
    right: the clips of `predicted` that were recognised, the surest first.
  """

  label: int
  predicted: int
  misread: tuple[str, ...]
  clips: int
  right: tuple[str, ...]


def confused_pairs(
  video_ids: Sequence[str],
  scores: Float[np.ndarray, 'b k'],
  labels: Int[np.ndarray, 'b'],
  most: int,
) -> list[ConfusedPair]:
  """The pairs with the most misread clips, at most `most`.

  Equal numbers are in the order of the share of the class, then of the classes.

  Args:
    scores: one per clip and class; the highest is the answer.

  Raises:
    ValueError: for clips with several labels.
  """
  labels = np.asarray(labels)
  if labels.ndim != 1:
    raise ValueError(
      'clips with several labels have no pairs of confused classes; leave --confused out'
    )
  answers = scores.argmax(axis=1)
  surest = np.argsort(-scores.max(axis=1), kind='stable')
  counts = np.bincount(labels, minlength=scores.shape[1])
  kinds = sorted({(int(a), int(b)) for a, b in zip(labels, answers, strict=True)})

  def clips_of(label: int, answer: int) -> tuple[str, ...]:
    chosen = (labels == label) & (answers == answer)
    return tuple(video_ids[clip] for clip in surest if chosen[clip])

  pairs = [
    ConfusedPair(a, b, clips_of(a, b), int(counts[a]), clips_of(b, b))
    for a, b in kinds
    if a != b
  ]
  pairs.sort(key=lambda pair: (-len(pair.misread), -len(pair.misread) / pair.clips))
  return pairs[:most]
