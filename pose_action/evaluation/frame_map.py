"""Frame mAP of detected boxes, as AVA's official evaluation measures it; numpy.

Axes: `n` detected box, `g` ground-truth box, `k` class. Frames are names that both have.

It differs from the mAP of `metrics`, which takes boxes for clips and asks only how well
they are classified: here a person that no box was found for counts against the model,
and so does a second box of the same person.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from input_pipeline.poses.boxes import overlaps

LEAST_OVERLAP = 0.5  # AVA's and PASCAL VOC's.


@dataclasses.dataclass(frozen=True, eq=False)
class Detections:
  """Detected boxes, each scored for every class; checked when made.

  Attributes:
    frames: which frame each is of.
    boxes: float `[n, 4]`, (x1, y1, x2, y2).
    scores: float `[n, k]`; only their order matters.

  Raises:
    ValueError: on lengths that differ, or a score that is not finite.
  """

  frames: Sequence[str]
  boxes: Float[np.ndarray, 'n 4']
  scores: Float[np.ndarray, 'n k']

  def __post_init__(self):
    _check_lengths('detections', self.frames, self.boxes, self.scores)
    if not np.isfinite(self.scores).all():
      raise ValueError('scores of detections must be finite, but some are not')


@dataclasses.dataclass(frozen=True, eq=False)
class GroundTruth:
  """The boxes that are to be found; checked when made.

  Attributes:
    frames, boxes: as of `Detections`.
    has_class: `[g, k]`, whether a box is of a class; of any number of them.

  Raises:
    ValueError: on lengths that differ.
  """

  frames: Sequence[str]
  boxes: Float[np.ndarray, 'g 4']
  has_class: Bool[np.ndarray, 'g k']

  def __post_init__(self):
    _check_lengths('ground truth', self.frames, self.boxes, self.has_class)


def frame_average_precisions(
  detections: Detections,
  truth: GroundTruth,
  *,
  least_overlap: float = LEAST_OVERLAP,
  most_a_frame: int = 0,
) -> Float[np.ndarray, ' k']:
  """Average precision of each class over all frames; NaN where it has no ground truth.

  Of one class, a detection is for the ground-truth box of its frame that it overlaps
  most, if by `least_overlap` or more. Ranked by score over all frames, of equals in the
  order given, the first for a box is right; later ones for the same box, and those for
  none, are wrong. Source: the evaluation code of AVA (PASCAL VOC's of 2010 and later).

  Args:
    least_overlap: intersection over union.
    most_a_frame: how many pairs of a box and a class count of a frame, the highest
      scored; 0: all. The official script of v2.1 takes 50, SlowFast's evaluation all.

  Raises:
    ValueError: where detections and ground truth are of different numbers of classes.
  """
  num_classes = detections.scores.shape[1]
  if truth.has_class.shape[1] != num_classes:
    raise ValueError(
      f'detections are scored for {num_classes} classes, but the ground truth has'
      f' {truth.has_class.shape[1]}'
    )
  found = np.full(detections.scores.shape, -1)
  counts = np.ones(detections.scores.shape, bool)
  for of_detections, of_truth in _by_frame(detections.frames, truth.frames):
    if most_a_frame:
      counts[of_detections] = _highest(detections.scores[of_detections], most_a_frame)
    if len(of_truth):
      overlap = overlaps(detections.boxes[of_detections], truth.boxes[of_truth])
      best = _best(overlap, truth.has_class[of_truth], least_overlap)
      found[of_detections] = np.where(best >= 0, of_truth[best], -1)
  return np.array(
    [
      _class_average_precision(
        scores=detections.scores[counts[:, k], k],
        found=found[counts[:, k], k],
        positives=int(truth.has_class[:, k].sum()),
      )
      for k in range(num_classes)
    ]
  )


def interpolated_average_precision(
  right: Bool[np.ndarray, ' n'], positives: int
) -> float:
  """The area under the precision that at least each recall can be had at.

  Args:
    right: of each detection, from the highest scored to the lowest.
    positives: how many there are to find; NaN where 0.
  """
  if not positives:
    return float('nan')
  precision = np.cumsum(right) / np.arange(1, len(right) + 1)
  # Of each rank, the highest precision from there on.
  best = np.maximum.accumulate(precision[::-1])[::-1]
  return float(best[right].sum() / positives)


def _by_frame(
  detected: Sequence[str], true: Sequence[str]
) -> Iterator[tuple[Int[np.ndarray, ' n'], Int[np.ndarray, ' g']]]:
  """Of each frame with detections, their indices and those of its ground truth."""
  rows_of: dict[str, tuple[list[int], list[int]]] = {}
  for index, frame in enumerate(detected):
    rows_of.setdefault(str(frame), ([], []))[0].append(index)
  for index, frame in enumerate(true):
    if str(frame) in rows_of:
      rows_of[str(frame)][1].append(index)
  for rows, true_rows in rows_of.values():
    yield np.array(rows), np.array(true_rows, np.int64)


def _best(
  overlap: Float[np.ndarray, 'n g'], has_class: Bool[np.ndarray, 'g k'], least: float
) -> Int[np.ndarray, 'n k']:
  """Of each class the box that is overlapped most; -1 where that is not enough."""
  of_class = np.where(has_class[None], overlap[:, :, None], -1.0)
  best = of_class.argmax(axis=1)
  enough = np.take_along_axis(of_class, best[:, None], axis=1)[:, 0] >= least
  return np.where(enough, best, -1)


def _highest(scores: Float[np.ndarray, 'n k'], most: int) -> Bool[np.ndarray, 'n k']:
  """Marks the highest scores of one frame, of equals the first."""
  marked = np.zeros(scores.size, bool)
  marked[np.argsort(-scores, axis=None, kind='stable')[:most]] = True
  return marked.reshape(scores.shape)


def _class_average_precision(
  scores: Float[np.ndarray, ' n'], found: Int[np.ndarray, ' n'], positives: int
) -> float:
  ranked = found[np.argsort(-scores, kind='stable')]
  right = np.zeros(len(ranked), bool)
  right[np.unique(ranked, return_index=True)[1]] = True
  return interpolated_average_precision(right & (ranked >= 0), positives)


def _check_lengths(what: str, frames, boxes: np.ndarray, of_classes: np.ndarray):
  shapes = (np.shape(boxes), np.shape(of_classes)[:1])
  if shapes != ((len(frames), 4), (len(frames),)) or np.ndim(of_classes) != 2:
    raise ValueError(
      f'{what}: {len(frames)} frames need boxes [{len(frames)}, 4] and'
      f' [{len(frames)}, classes], but got {np.shape(boxes)} and {np.shape(of_classes)}'
    )
