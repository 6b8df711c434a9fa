"""Exact metrics from scores and labels, in numpy."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from jaxtyping import Float, Int

from pose_action.evaluation.average_precision import (
  charades_mean_average_precision,
  check_finite,
  checked_multi_hot,
  mean_average_precision,
)

_LEAST_PROBABILITY = 1e-12  # Ours: keeps the logarithm of a probability of 0 finite.

# Definitions of ambiguous figures, for results.json.
DEFINITIONS = {
  'mAP': "scikit-learn's average_precision_score, averaged over classes with clips:"
  ' clips with equal scores enter together; a clip without labels belongs to no class',
  'charades_mAP': 'same as in Charades_v1_classify.m: on a tie the clip listed first ranks'
  ' first; clips without labels rank last and have no effect; averaged over classes with'
  ' clips (the script gives NaN if a class has none)',
  'box_mAP': 'mAP of the given boxes, each treated as a clip; not the frame mAP that'
  ' papers report, which also penalises a person without a box and a second box for a'
  ' person: tools/evaluate_ava.py computes it from the scores',
  'expected_calibration_error': 'the mean difference between confidence (the largest'
  ' probability) and accuracy: |accuracy - mean confidence| of the clips in each of 15'
  ' bins of equal width by confidence, weighted by clips (Guo et al. 2017, Eq. 3)',
}


def figures(
  scores: Float[np.ndarray, 'b k'],
  labels: Int[np.ndarray, 'b'] | Int[np.ndarray, 'b k'],
  asked: Collection[str] = (),
) -> dict[str, float]:
  """The figures of an evaluation, by name.

  Args:
    scores: probabilities.
    labels: class indices, or multi-hot rows of 0 and 1.
    asked: the protocol's additional figures: `charades_mAP` for multi-hot labels; `mAP`
      for class indices, each class against all others. With `frame_mAP`, which labels
      alone do not give (see `frame_map`), the mAP is called `box_mAP`.

  Returns:
    `loss`, `accuracy` and `mean_class_accuracy`, or `loss` and `mAP` for multi-hot
    labels; and the figures in `asked`.
  """
  if np.ndim(labels) == 2:
    found = {
      'loss': binary_cross_entropy(scores, labels),
      'mAP': mean_average_precision(scores, labels),
    }
    if 'charades_mAP' in asked:
      found['charades_mAP'] = charades_mean_average_precision(scores, labels)
    if 'frame_mAP' in asked:
      found['box_mAP'] = found.pop('mAP')
    return found
  found = {
    'loss': negative_log_likelihood(scores, labels),
    'accuracy': accuracy(scores, labels),
    'mean_class_accuracy': mean_class_accuracy(scores, labels),
  }
  if 'mAP' in asked:
    of_class = np.eye(np.shape(scores)[1], dtype=np.uint8)[np.asarray(labels)]
    found['mAP'] = mean_average_precision(scores, of_class)
  return found


# The headline metric is the first of these that was measured.
HEADLINES = ('charades_mAP', 'accuracy', 'mAP', 'box_mAP')


def headline_figure(figures: dict[str, float]) -> float:
  """The headline metric's value; higher is better."""
  return next(figures[name] for name in HEADLINES if name in figures)


def negative_log_likelihood(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']
) -> float:
  """The mean over clips of -log(probability of the true class), in nats."""
  scores, labels = _checked(scores, labels)
  own = np.take_along_axis(scores, labels[:, None], axis=1)
  return float(-_log(own).mean())


def binary_cross_entropy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> float:
  """The mean over clips and classes of the binary cross entropy, in nats."""
  scores, labels = checked_multi_hot(scores, labels)
  return float(-np.where(labels > 0, _log(scores), _log(1 - scores)).mean())


def accuracy(scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']) -> float:
  """The share of clips whose highest score is their label's; the first on a tie."""
  scores, labels = _checked(scores, labels)
  return float(np.mean(scores.argmax(axis=1) == labels))


def mean_class_accuracy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']
) -> float:
  """The mean of the per-class accuracies, over the classes that have clips."""
  return float(np.nanmean(per_class_accuracy(scores, labels)))


def per_class_accuracy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']
) -> Float[np.ndarray, 'k']:
  """Accuracy over each class's clips; NaN for a class without clips."""
  counts = confusion_matrix(scores, labels, np.shape(scores)[-1])
  clips = counts.sum(axis=1)
  return np.where(clips > 0, counts.diagonal() / np.maximum(clips, 1), np.nan)


def top_k_accuracy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b'], top: int
) -> float:
  """The share of clips whose label is among the `top` highest scores.

  On a tie the first class counts as the higher, so that top 1 equals `accuracy`.

  Raises:
    ValueError: if `top` is not in 1..k.
  """
  scores, labels = _checked(scores, labels)
  num_classes = scores.shape[1]
  if not 1 <= top <= num_classes:
    raise ValueError(f'top is {top}, but must be in 1..{num_classes}, the classes')
  own = np.take_along_axis(scores, labels[:, None], axis=1)
  earlier = np.arange(num_classes) < labels[:, None]
  ahead = (scores > own) | ((scores == own) & earlier)
  return float(np.mean(ahead.sum(axis=1) < top))


def confusion_matrix(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b'], num_classes: int
) -> Int[np.ndarray, 'k k']:
  """The number of clips per true class (row) and predicted class (column), int64."""
  scores, labels = _checked(scores, labels)
  if scores.shape[1] != num_classes:
    raise ValueError(
      f'scores have {scores.shape[1]} classes, but the data set has {num_classes}'
    )
  counts = np.zeros((num_classes, num_classes), np.int64)
  np.add.at(counts, (labels, scores.argmax(axis=1)), 1)
  return counts


def _log(probabilities: np.ndarray) -> np.ndarray:
  return np.log(np.maximum(probabilities, _LEAST_PROBABILITY))


def _checked(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  scores, labels = np.asarray(scores), np.asarray(labels)
  if scores.ndim != 2 or 0 in scores.shape or labels.shape != scores.shape[:1]:
    raise ValueError(
      f'scores have shape {scores.shape} and labels {labels.shape}, but need [clips,'
      ' classes] and [clips], with at least one clip'
    )
  if labels.min() < 0 or labels.max() >= scores.shape[1]:
    raise ValueError(
      f'labels are in {labels.min()}..{labels.max()}, but must be in'
      f' 0..{scores.shape[1] - 1}, the classes with scores; leave padding rows out'
    )
  check_finite(scores)
  return scores, labels
