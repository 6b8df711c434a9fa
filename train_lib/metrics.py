"""Exact metrics of an evaluation (numpy), and the running metrics of the jitted step.

`from __future__ import annotations` is left out on purpose: clu reads the metrics of a
Collection from its annotations.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from clu import metrics
from flax import struct
from jaxtyping import Array, Float, Int, Real

NEVER = np.iinfo(np.int32).max  # `first_nonfinite_step` of a run whose loss is fine.
_LEAST_PROBABILITY = 1e-12  # Ours: keeps the logarithm of a probability of 0 finite.


def figures(
  scores: Float[np.ndarray, 'b k'],
  labels: Int[np.ndarray, 'b'] | Int[np.ndarray, 'b k'],
) -> dict[str, float]:
  """What an evaluation measures, by name.

  Args:
    scores: probabilities.
    labels: class indices, or multi-hot rows of 0 and 1.

  Returns:
    `loss`, `accuracy` and `mean_class_accuracy`; of multi-hot labels `loss` and `mAP`.
  """
  if np.ndim(labels) == 2:
    return {
      'loss': binary_cross_entropy(scores, labels),
      'mAP': mean_average_precision(scores, labels),
    }
  return {
    'loss': negative_log_likelihood(scores, labels),
    'accuracy': accuracy(scores, labels),
    'mean_class_accuracy': mean_class_accuracy(scores, labels),
  }


def headline_figure(figures: dict[str, float]) -> float:
  """The figure by which checkpoints are compared: mAP, or accuracy; higher is better."""
  return figures['mAP'] if 'mAP' in figures else figures['accuracy']


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
  scores, labels = _checked_multi_hot(scores, labels)
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
  scores, labels = _checked_multi_hot(scores, labels)
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
  per_class = per_class_average_precision(scores, labels)
  if np.isnan(per_class).all():
    raise ValueError(
      f'none of {len(scores)} clips has any label, so there is no mean average'
      ' precision; evaluate a split with labelled clips'
    )
  return float(np.nanmean(per_class))


def _log(probabilities: np.ndarray) -> np.ndarray:
  return np.log(np.maximum(probabilities, _LEAST_PROBABILITY))


def _checked_multi_hot(
  scores: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  # float64, so that 1 - score of a sure score is not rounded more than it must be.
  scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
  if scores.ndim != 2 or 0 in scores.shape or labels.shape != scores.shape:
    raise ValueError(
      f'scores have shape {scores.shape} and labels {labels.shape}, but multi-hot'
      ' labels need [clips, classes] of both, with at least one clip'
    )
  if not np.isin(labels, (0, 1)).all():
    raise ValueError('multi-hot labels must be 0 or 1; leave padding rows out')
  _check_finite(scores)
  return scores, labels


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
  _check_finite(scores)
  return scores, labels


def _check_finite(scores: np.ndarray):
  finite = np.isfinite(scores).all(axis=1)
  if not finite.all():
    raise ValueError(
      f'the scores of clip {np.argmin(finite)} (0-based) are not finite: the model has'
      ' diverged; evaluate an earlier checkpoint'
    )


@struct.dataclass
class Loss(metrics.Average):
  """The mean of the clips' classification losses.

  A loss of the whole batch, the mean over its real rows, counts for each of them.
  """

  @classmethod
  def from_model_output(cls, *, loss: Float[Array, '*b'], mask: Real[Array, 'b'], **_):
    return super().from_model_output(jnp.broadcast_to(loss, mask.shape), mask)


@struct.dataclass
class ContrastiveLoss(metrics.Average):
  """The mean over steps; a value of the whole batch, 0 where a model has none."""

  @classmethod
  def from_model_output(cls, *, contrastive_loss: Float[Array, ''] | float = 0.0, **_):
    return super().from_model_output(jnp.asarray(contrastive_loss, jnp.float32))


@struct.dataclass
class Accuracy(metrics.Average):
  """The share of clips whose highest-scored class is theirs, or one of theirs."""

  @classmethod
  def from_model_output(
    cls,
    *,
    logits: Float[Array, 'b k'],
    labels: Int[Array, 'b'] | Real[Array, 'b k'],
    mask: Real[Array, 'b'],
    **_,
  ):
    predicted = logits.argmax(axis=-1)
    if labels.ndim == 2:
      own = jnp.take_along_axis(labels, predicted[:, None], axis=1)[:, 0]
      right = own > 0
    else:
      right = predicted == labels
    return super().from_model_output(right.astype(jnp.float32), mask)


@struct.dataclass
class GradientNorm(metrics.Average):
  """The mean over steps; a value of the whole batch, so the mask is not for it."""

  @classmethod
  def from_model_output(cls, *, gradient_norm: Float[Array, ''], **_):
    return super().from_model_output(gradient_norm)


@struct.dataclass
class LearningRate(metrics.Metric):
  """The last step's value. (clu's LastValue divides integers: not under strict types.)"""

  value: Float[Array, '']

  @classmethod
  def empty(cls):
    return cls(value=jnp.array(jnp.nan, jnp.float32))

  @classmethod
  def from_model_output(cls, *, learning_rate: Float[Array, ''], **_):
    return cls(value=jnp.asarray(learning_rate, jnp.float32))

  def merge(self, other):
    return other

  def compute(self):
    return self.value


@struct.dataclass
class FirstNonfiniteStep(metrics.Metric):
  """The first step at which a loss was NaN or infinite; `NEVER` where none.

  Of the clips' losses those of real rows count, and the contrastive loss always.
  """

  step: Int[Array, '']

  @classmethod
  def empty(cls):
    return cls(step=jnp.array(NEVER, jnp.int32))

  @classmethod
  def from_model_output(
    cls,
    *,
    loss: Float[Array, '*b'],
    mask: Real[Array, 'b'],
    step: Int[Array, ''],
    contrastive_loss: Float[Array, ''] | float = 0.0,
    **_,
  ):
    broken = ~jnp.isfinite(jnp.broadcast_to(loss, mask.shape)) & mask.astype(bool)
    any_broken = broken.any() | ~jnp.isfinite(contrastive_loss)
    never = jnp.array(NEVER, jnp.int32)
    return cls(step=jnp.where(any_broken, jnp.asarray(step, jnp.int32), never))

  def merge(self, other):
    return type(self)(step=jnp.minimum(self.step, other.step))

  def compute(self):
    return self.step


@struct.dataclass
class TrainMetrics(metrics.Collection):
  """What a training step measures, summed up over steps and divided once.

  Inside the jitted step `TrainMetrics.single_from_model_output(loss=,
  contrastive_loss=, logits=[b, k], labels=, mask=[b], learning_rate=, gradient_norm=,
  step=)`; `merge` with the metrics so far; on the host `compute`. The mask is 0 for
  padding rows; the loss is `[b]`, or the mean over the rows that are none; labels are
  int32 `[b]`, or multi-hot `[b, k]`; the contrastive loss is a scalar, before its
  weight, and left out for a model that has none.
  """

  loss: Loss
  contrastive_loss: ContrastiveLoss
  accuracy: Accuracy
  learning_rate: LearningRate
  gradient_norm: GradientNorm
  first_nonfinite_step: FirstNonfiniteStep

  def compute(self) -> dict[str, Any]:
    """Scalars by name, on the host, in one transfer. Not inside jit."""
    return metrics.Collection.compute(jax.device_get(self))
