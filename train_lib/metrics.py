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
  finite = np.isfinite(scores).all(axis=1)
  if not finite.all():
    raise ValueError(
      f'the scores of clip {np.argmin(finite)} (0-based) are not finite: the model has'
      ' diverged; evaluate an earlier checkpoint'
    )
  return scores, labels


@struct.dataclass
class Loss(metrics.Average):
  """The mean of the clips' losses.

  A loss of the whole batch, the mean over its real rows, counts for each of them.
  """

  @classmethod
  def from_model_output(cls, *, loss: Float[Array, '*b'], mask: Real[Array, 'b'], **_):
    return super().from_model_output(jnp.broadcast_to(loss, mask.shape), mask)


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
  """The first step at which a clip's loss was NaN or infinite; `NEVER` where none."""

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
    **_,
  ):
    broken = ~jnp.isfinite(jnp.broadcast_to(loss, mask.shape)) & mask.astype(bool)
    never = jnp.array(NEVER, jnp.int32)
    return cls(step=jnp.where(broken.any(), jnp.asarray(step, jnp.int32), never))

  def merge(self, other):
    return type(self)(step=jnp.minimum(self.step, other.step))

  def compute(self):
    return self.step


@struct.dataclass
class TrainMetrics(metrics.Collection):
  """What a training step measures, summed up over steps and divided once.

  Inside the jitted step `TrainMetrics.single_from_model_output(loss=, logits=[b, k],
  labels=int32 [b], mask=[b], learning_rate=, gradient_norm=, step=)`, the mask being 0
  for padding rows and the loss `[b]`, or the mean over the rows that are none; `merge`
  with the metrics so far; on the host `compute`.
  """

  loss: Loss
  accuracy: metrics.Accuracy
  learning_rate: LearningRate
  gradient_norm: GradientNorm
  first_nonfinite_step: FirstNonfiniteStep

  def compute(self) -> dict[str, Any]:
    """Scalars by name, on the host, in one transfer. Not inside jit."""
    return metrics.Collection.compute(jax.device_get(self))
