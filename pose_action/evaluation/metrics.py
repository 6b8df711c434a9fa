"""Exact metrics of an evaluation, in numpy."""

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


# What names of figures mean where they could mean several things; for results.json.
DEFINITIONS = {
  'mAP': "the mean over classes with clips of scikit-learn's average_precision_score:"
  ' clips of equal score enter together; a clip without labels is of no class',
  'charades_mAP': "as Charades' Charades_v1_classify.m: of equal scores the clip listed"
  ' first ranks first; clips without labels rank last, so that they cost nothing; the'
  ' mean over classes with clips (the script gives NaN where a class has none)',
  'box_mAP': 'mAP of the boxes that were given, taken for clips; not the frame mAP that'
  ' papers report, for which a person without a box, and a second box of a person, count:'
  ' that is had of the scores by tools/evaluate_ava.py',
}


def figures(
  scores: Float[np.ndarray, 'b k'],
  labels: Int[np.ndarray, 'b'] | Int[np.ndarray, 'b k'],
  asked: Collection[str] = (),
) -> dict[str, float]:
  """What an evaluation measures, by name.

  Args:
    scores: probabilities.
    labels: class indices, or multi-hot rows of 0 and 1.
    asked: what a protocol asks for beside: `charades_mAP` of multi-hot labels; `mAP` of
      class indices, each class against all others. `frame_mAP`, which cannot be had of
      labels (see `detection_map`), has the mAP called `box_mAP`.

  Returns:
    `loss`, `accuracy` and `mean_class_accuracy`; of multi-hot labels `loss` and `mAP`;
    and what is asked for.
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


# By which checkpoints and models are compared: the first that was measured.
HEADLINES = ('charades_mAP', 'accuracy', 'mAP', 'box_mAP')


def headline_figure(figures: dict[str, float]) -> float:
  """The first of `HEADLINES` among the figures; higher is better."""
  return next(figures[name] for name in HEADLINES if name in figures)


def negative_log_likelihood(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']
) -> float:
  """The mean over clips of -log of their class's probability, in nats."""
  scores, labels = _checked(scores, labels)
  own = np.take_along_axis(scores, labels[:, None], axis=1)
  return float(-_log(own).mean())


def binary_cross_entropy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> float:
  """The mean over clips and classes of each yes-or-no cross entropy, in nats."""
  scores, labels = checked_multi_hot(scores, labels)
  return float(-np.where(labels > 0, _log(scores), _log(1 - scores)).mean())


def accuracy(scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']) -> float:
  """The share of clips whose highest score is their label's; of equals, the first."""
  scores, labels = _checked(scores, labels)
  return float(np.mean(scores.argmax(axis=1) == labels))


def mean_class_accuracy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']
) -> float:
  """The mean of the classes' accuracies, over the classes that have clips."""
  return float(np.nanmean(per_class_accuracy(scores, labels)))


def per_class_accuracy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b']
) -> Float[np.ndarray, 'k']:
  """Accuracy over each class's clips; NaN for a class that has none."""
  counts = confusion_matrix(scores, labels, np.shape(scores)[-1])
  clips = counts.sum(axis=1)
  return np.where(clips > 0, counts.diagonal() / np.maximum(clips, 1), np.nan)


def top_k_accuracy(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b'], top: int
) -> float:
  """The share of clips whose label is among the `top` highest scores.

  Of equal scores the first class counts as the higher, so top 1 is `accuracy`.
  """
  scores, labels = _checked(scores, labels)
  num_classes = scores.shape[1]
  if not 1 <= top <= num_classes:
    raise ValueError(f'top is {top}, but must be 1..{num_classes}, the classes scored')
  own = np.take_along_axis(scores, labels[:, None], axis=1)
  earlier = np.arange(num_classes) < labels[:, None]
  ahead = (scores > own) | ((scores == own) & earlier)
  return float(np.mean(ahead.sum(axis=1) < top))


def confusion_matrix(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b'], num_classes: int
) -> Int[np.ndarray, 'k k']:
  """Clips of each true class (row) by predicted class (column), int64."""
  scores, labels = _checked(scores, labels)
  if scores.shape[1] != num_classes:
    raise ValueError(
      f'scores are over {scores.shape[1]} classes, but the data set has {num_classes}'
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
      f'labels lie in {labels.min()}..{labels.max()}, but the {scores.shape[1]} classes'
      f' scored are 0..{scores.shape[1] - 1}; leave padding rows out'
    )
  check_finite(scores)
  return scores, labels
