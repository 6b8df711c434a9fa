"""Frame mAP for detected boxes, same as in AVA's official evaluation; numpy only.

Axes: `n` detected box, `g` ground-truth box, `k` class. A frame is a name.

The mAP in `metrics` treats boxes as clips and measures only how well they are
classified. Frame mAP also penalises a person without a detected box, and a second box
for the same person.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from input_pipeline.poses.boxes import overlaps

LEAST_OVERLAP = 0.5  # AVA and PASCAL VOC.


@dataclasses.dataclass(frozen=True, eq=False)
class Detections:
  """Detected boxes, each with a score for every class; the constructor checks them.

  Attributes:
    frames: the frame of each box.
    boxes: float `[n, 4]`, (x1, y1, x2, y2).
    scores: float `[n, k]`; only their order matters.

  Raises:
    ValueError: if lengths differ, or a score is not finite.
  """

  frames: Sequence[str]
  boxes: Float[np.ndarray, 'n 4']
  scores: Float[np.ndarray, 'n k']

  def __post_init__(self):
    _check_lengths('detections', self.frames, self.boxes, self.scores)
    if not np.isfinite(self.scores).all():
      raise ValueError(
        'some scores of detections are NaN or infinite; they must be finite'
      )


@dataclasses.dataclass(frozen=True, eq=False)
class GroundTruth:
  """The true boxes; the constructor checks them.

  Attributes:
    frames, boxes: same as in `Detections`.
    has_class: `[g, k]`, the classes of each box; a box may have any number of classes.

  Raises:
    ValueError: if lengths differ.
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
  """Average precision per class over all frames; NaN for a class without true boxes.

  For each class, a detection is matched to the true box in its frame that it overlaps
  most, if the overlap is at least `least_overlap`. Detections are ranked by score over
  all frames; on a tie the given order counts. The first detection matched to a box is a
  true positive. Later ones for the same box, and unmatched ones, are false positives.
  Source: AVA's evaluation code (PASCAL VOC 2010 and later).

  Args:
    least_overlap: intersection over union.
    most_a_frame: only this many (box, class) pairs with the highest scores count per
      frame; 0: all. AVA's official v2.1 script takes 50, SlowFast's evaluation all.

  Raises:
    ValueError: if detections and ground truth have different numbers of classes.
  """
  num_classes = detections.scores.shape[1]
  if truth.has_class.shape[1] != num_classes:
    raise ValueError(
      f'detections have scores for {num_classes} classes, but the ground truth has'
      f' {truth.has_class.shape[1]} classes; both must have the same'
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
  """The area under the interpolated precision–recall curve; NaN without positives.

  Args:
    right: whether each detection is a true positive, from the highest score to the
      lowest.
    positives: the number of true boxes.
  """
  if not positives:
    return float('nan')
  precision = np.cumsum(right) / np.arange(1, len(right) + 1)
  # For each rank, the highest precision at this or a later rank.
  best = np.maximum.accumulate(precision[::-1])[::-1]
  return float(best[right].sum() / positives)


def _by_frame(
  detected: Sequence[str], true: Sequence[str]
) -> Iterator[tuple[Int[np.ndarray, ' n'], Int[np.ndarray, ' g']]]:
  """Per frame with detections, the indices of its detections and of its true boxes."""
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
  """Per class the true box with the largest overlap; -1 if that is below `least`."""
  of_class = np.where(has_class[None], overlap[:, :, None], -1.0)
  best = of_class.argmax(axis=1)
  enough = np.take_along_axis(of_class, best[:, None], axis=1)[:, 0] >= least
  return np.where(enough, best, -1)


def _highest(scores: Float[np.ndarray, 'n k'], most: int) -> Bool[np.ndarray, 'n k']:
  """Marks the `most` highest scores in one frame, the first on a tie."""
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
