"""Average precision over clips, by its two definitions.

They differ where scores tie and where a clip has no label: `mean_average_precision` is
scikit-learn's, `charades_mean_average_precision` the official Charades script's.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def average_precision(
  scores: Float[np.ndarray, 'b'], positive: Int[np.ndarray, 'b']
) -> float:
  """Average precision of one class; NaN where no clip has it.

  The sum over thresholds of (recall's gain) · precision, clips of equal score entering
  together: scikit-learn's `average_precision_score`, no interpolation.
  """
  scores, positive = np.asarray(scores), np.asarray(positive)
  return float(per_class_average_precision(scores[:, None], positive[:, None])[0])


def per_class_average_precision(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> Float[np.ndarray, 'k']:
  """`average_precision` of each class; `labels` are multi-hot."""
  scores, labels = checked_multi_hot(scores, labels)
  clips = len(scores)
  order = np.argsort(-scores, axis=0)
  ranked = np.take_along_axis(scores, order, axis=0)
  hits = np.take_along_axis(labels, order, axis=0).astype(np.int64)
  # Of each clip, the rank (from 1) of the last clip with its score.
  is_last = np.ones(scores.shape, bool)
  is_last[:-1] = ranked[1:] != ranked[:-1]
  last_ranks = np.where(is_last, np.arange(1, clips + 1)[:, None], clips)
  last = np.minimum.accumulate(last_ranks[::-1], axis=0)[::-1]
  precision = np.take_along_axis(hits.cumsum(axis=0), last - 1, axis=0) / last
  positives = hits.sum(axis=0)
  mean = (hits * precision).sum(axis=0) / np.maximum(positives, 1)
  return np.where(positives > 0, mean, np.nan)


def mean_average_precision(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> float:
  """The mean of the classes' average precisions, over the classes that have clips.

  Raises:
    ValueError: where no clip has any class.
  """
  return _mean_over_classes(per_class_average_precision(scores, labels), len(scores))


def per_class_charades_precision(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> Float[np.ndarray, 'k']:
  """Average precision of each class as Charades_v1_classify.m has it; NaN without clips.

  The mean over the class's clips of the precision at their rank. Of equal scores the
  earlier clip ranks first (MATLAB's stable sort over the official list). Clips without
  any label have score -∞ there: they rank behind all others and cost nothing.
  """
  scores, labels = checked_multi_hot(scores, labels)
  labelled = labels.any(axis=1)
  order = np.argsort(-scores[labelled], axis=0, kind='stable')
  hits = np.take_along_axis(labels[labelled], order, axis=0).astype(np.int64)
  precision = hits.cumsum(axis=0) / np.arange(1, len(hits) + 1)[:, None]
  positives = hits.sum(axis=0)
  mean = (hits * precision).sum(axis=0) / np.maximum(positives, 1)
  return np.where(positives > 0, mean, np.nan)


def charades_mean_average_precision(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> float:
  """The mean of `per_class_charades_precision` over the classes that have clips.

  Raises:
    ValueError: where no clip has any class.
  """
  return _mean_over_classes(per_class_charades_precision(scores, labels), len(scores))


def _mean_over_classes(per_class: Float[np.ndarray, 'k'], num_clips: int) -> float:
  if np.isnan(per_class).all():
    raise ValueError(
      f'none of {num_clips} clips has any label, so there is no mean average'
      ' precision; evaluate a split with labelled clips'
    )
  return float(np.nanmean(per_class))


def checked_multi_hot(
  scores: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Scores as float64, and labels, once they are what they must be.

  Raises:
    ValueError: for other shapes, labels but 0 and 1, or scores that are not finite.
  """
  # float64, so that 1 - score of a sure score is not rounded more than it must be.
  scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
  if scores.ndim != 2 or 0 in scores.shape or labels.shape != scores.shape:
    raise ValueError(
      f'scores have shape {scores.shape} and labels {labels.shape}, but multi-hot'
      ' labels need [clips, classes] of both, with at least one clip'
    )
  if not np.isin(labels, (0, 1)).all():
    raise ValueError('multi-hot labels must be 0 or 1; leave padding rows out')
  check_finite(scores)
  return scores, labels


def check_finite(scores: np.ndarray):
  """Raises ValueError where a model's scores `[b, k]` are not finite."""
  finite = np.isfinite(scores).all(axis=1)
  if not finite.all():
    raise ValueError(
      f'the scores of clip {np.argmin(finite)} (0-based) are not finite: the model has'
      ' diverged; evaluate an earlier checkpoint'
    )
