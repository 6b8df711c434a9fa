"""How well timelines fit labels in time: by frames, by segments, and by their order.

A timeline is one label per frame. A segment is a run of frames with one label; frames
without an action (`NOTHING`, or a background class) are in no segment. Axes: `t` frame.
The measures are those of the literature on action segmentation: segment F1 and edit score
after Lea et al., Temporal Convolutional Networks for Action Segmentation and Detection
(CVPR 2017).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

NOTHING = -1  # The label of a frame without an action.
OVERLAPS = (0.10, 0.25, 0.50)  # Lea et al.

Labels = Int[np.ndarray, ' t']


class Segment(NamedTuple):
  """A run of frames with one label: from `start` to before `stop`."""

  label: int
  start: int
  stop: int


def timeline_figures(
  truths: Sequence[Labels],
  predictions: Sequence[Labels],
  background: Collection[int] = (),
) -> dict[str, float]:
  """All measures over several timelines, in 0..1.

  Args:
    truths, predictions: class index per frame, `NOTHING` for none; one pair of equal
      length per person and video.
    background: classes that are no action, besides `NOTHING`. A frame of one of them that
      is predicted as another counts as right.

  Returns:
    `frame_accuracy`, `frame_f1`, `segment_f1_10`, `segment_f1_25`, `segment_f1_50` and
    `edit_score`; see the functions of these names.

  Raises:
    ValueError: without a timeline, for lengths that differ, or a timeline without frames.
  """
  pairs = _checked(truths, predictions, background)
  figures = {
    'frame_accuracy': frame_accuracy(*pairs),
    'frame_f1': frame_f1(*pairs),
  }
  for overlap in OVERLAPS:
    name = f'segment_f1_{round(100 * overlap)}'
    figures[name] = segment_f1(*pairs, overlap)
  return {**figures, 'edit_score': edit_score(*pairs)}


def frame_accuracy(truths: Sequence[Labels], predictions: Sequence[Labels]) -> float:
  """The share of frames with the right label, over all timelines together."""
  return float((np.concatenate(truths) == np.concatenate(predictions)).mean())


def frame_f1(truths: Sequence[Labels], predictions: Sequence[Labels]) -> float:
  """The mean over classes of F1 = 2 TP / (2 TP + FP + FN), counted in frames.

  Over all timelines together, and over the actions in truth or prediction; 1 if neither
  has any.
  """
  truth, predicted = np.concatenate(truths), np.concatenate(predictions)
  classes = np.union1d(truth, predicted)
  scores = [
    2
    * np.sum((truth == k) & (predicted == k))
    / (np.sum(truth == k) + np.sum(predicted == k))
    for k in classes[classes != NOTHING]
  ]
  return float(np.mean(scores)) if scores else 1.0


def segment_f1(
  truths: Sequence[Labels], predictions: Sequence[Labels], overlap: float
) -> float:
  """F1 of segments: right if they overlap a true one of their class enough.

  The overlap is the intersection over union in frames, at least `overlap`. Each predicted
  segment, in order of time, may hit the true one of its class that it overlaps most; if
  that was hit before, it is wrong. Counts are summed over all timelines; 1 without any
  segment.
  """
  right = count = 0
  for truth, predicted in zip(truths, predictions, strict=True):
    wanted, found = segments_of(truth), segments_of(predicted)
    right += _hits(wanted, found, overlap)
    count += len(wanted) + len(found)
  return 2 * right / count if count else 1.0


def edit_score(truths: Sequence[Labels], predictions: Sequence[Labels]) -> float:
  """The mean over timelines of 1 - edits / the longer number of segments.

  Edits are the insertions, deletions and substitutions that turn the order of predicted
  segments into the true one, whatever their times (Levenshtein's distance). A timeline
  without any segment, rightly, scores 1.
  """
  scores = []
  for truth, predicted in zip(truths, predictions, strict=True):
    wanted = [segment.label for segment in segments_of(truth)]
    found = [segment.label for segment in segments_of(predicted)]
    longest = max(len(wanted), len(found))
    scores.append(1 - _edits(wanted, found) / longest if longest else 1.0)
  return float(np.mean(scores))


def segments_of(labels: Labels) -> list[Segment]:
  """The runs of one label, in order; frames with `NOTHING` are in none."""
  labels = np.asarray(labels)
  edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
  return [
    Segment(int(labels[start]), start, stop)
    for start, stop in itertools.pairwise(edges)
    if start < stop and labels[start] != NOTHING
  ]


def _hits(wanted: Sequence[Segment], found: Sequence[Segment], least: float) -> int:
  hit: set[int] = set()
  for segment in found:
    overlaps = [_overlap(segment, other) for other in wanted]
    best = int(np.argmax(overlaps)) if overlaps else 0
    if overlaps and overlaps[best] >= least and best not in hit:
      hit.add(best)
  return len(hit)


def _overlap(one: Segment, other: Segment) -> float:
  """Intersection over union of segments of one class; 0 for different classes."""
  if one.label != other.label:
    return 0.0
  shared = max(0, min(one.stop, other.stop) - max(one.start, other.start))
  return shared / (one.stop - one.start + other.stop - other.start - shared)


def _edits(one: Sequence[int], other: Sequence[int]) -> int:
  """Levenshtein's distance, row by row."""
  row = list(range(len(other) + 1))
  for i, label in enumerate(one, start=1):
    above, row = row, [i]
    for j, wanted in enumerate(other, start=1):
      row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (label != wanted)))
  return row[-1]


def _checked(
  truths: Sequence[Labels], predictions: Sequence[Labels], background: Collection[int]
) -> tuple[list[Labels], list[Labels]]:
  if not len(truths) or len(truths) != len(predictions):
    raise ValueError(
      f'got {len(truths)} true and {len(predictions)} predicted timelines; give one'
      ' prediction per truth, and at least one'
    )
  pairs: tuple[list[Labels], list[Labels]] = [], []
  for number, (truth, predicted) in enumerate(zip(truths, predictions, strict=True)):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 1 or truth.shape != predicted.shape or not len(truth):
      raise ValueError(
        f'timeline {number} has labels of shape {truth.shape} and predictions of shape'
        f' {predicted.shape}; both need one label per frame, and at least one frame'
      )
    for labels, checked in zip((truth, predicted), pairs, strict=True):
      checked.append(np.where(np.isin(labels, list(background)), NOTHING, labels))
  return pairs
