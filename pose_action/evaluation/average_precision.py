"""Average precision over clips, in two definitions.

They differ for tied scores and for clips without labels. `mean_average_precision` is
scikit-learn's definition, `charades_mean_average_precision` the official Charades
script's.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def average_precision(
  scores: Float[np.ndarray, 'b'], positive: Int[np.ndarray, 'b']
) -> float:
  """Average precision for one class; NaN if no clip is positive.

  The sum over thresholds of (increase in recall) · precision, without interpolation.
  Clips with equal scores enter together. Same as scikit-learn's
  `average_precision_score`.
  """
  scores, positive = np.asarray(scores), np.asarray(positive)
  return float(per_class_average_precision(scores[:, None], positive[:, None])[0])


def per_class_average_precision(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> Float[np.ndarray, 'k']:
  """`average_precision` per class, from multi-hot labels."""
  scores, labels = checked_multi_hot(scores, labels)
  clips = len(scores)
  order = np.argsort(-scores, axis=0)
  ranked = np.take_along_axis(scores, order, axis=0)
  hits = np.take_along_axis(labels, order, axis=0).astype(np.int64)
  # For each clip, the rank (from 1) of the last clip with the same score.
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
  """The mean average precision over the classes that have clips.

  Raises:
    ValueError: if no clip has a label.
  """
  return _mean_over_classes(per_class_average_precision(scores, labels), len(scores))


def per_class_charades_precision(
  scores: Float[np.ndarray, 'b k'], labels: Int[np.ndarray, 'b k']
) -> Float[np.ndarray, 'k']:
  """Average precision per class, same as in Charades_v1_classify.m.

  The mean over the class's clips of the precision at their rank; NaN for a class without
  clips. On a tie the earlier clip ranks first (MATLAB's stable sort of the official
  list). The script gives clips without labels the score -∞: they rank last and have no
  effect.
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
    ValueError: if no clip has a label.
  """
  return _mean_over_classes(per_class_charades_precision(scores, labels), len(scores))


def _mean_over_classes(per_class: Float[np.ndarray, 'k'], num_clips: int) -> float:
  if np.isnan(per_class).all():
    raise ValueError(
      f'none of {num_clips} clips has a label, so that the mean average precision is'
      ' undefined; evaluate a split with labelled clips'
    )
  return float(np.nanmean(per_class))


def checked_multi_hot(
  scores: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Checks scores and multi-hot labels; returns the scores as float64.

  Raises:
    ValueError: for other shapes, labels other than 0 and 1, or non-finite scores.
  """
  # float64, so that 1 - score keeps its precision for a score near 1.
  scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
  if scores.ndim != 2 or 0 in scores.shape or labels.shape != scores.shape:
    raise ValueError(
      f'scores have shape {scores.shape} and labels {labels.shape}, but multi-hot'
      ' labels need [clips, classes] for both, with at least one clip'
    )
  if not np.isin(labels, (0, 1)).all():
    raise ValueError('multi-hot labels must be 0 or 1; leave padding rows out')
  check_finite(scores)
  return scores, labels


def check_finite(scores: np.ndarray):
  """Raises ValueError if a model's scores `[b, k]` are not finite."""
  finite = np.isfinite(scores).all(axis=1)
  if not finite.all():
    raise ValueError(
      f'the scores of clip {np.argmin(finite)} (0-based) are not finite: the model has'
      ' diverged; evaluate an earlier checkpoint'
    )
