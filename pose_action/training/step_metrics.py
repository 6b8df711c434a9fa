"""Running metrics of the jitted training step, as a clu Collection.

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

NEVER = np.iinfo(np.int32).max  # `first_nonfinite_step` where every loss is finite.


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
