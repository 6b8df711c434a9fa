"""Running metrics of the jitted training step, as a clu Collection.

`from __future__ import annotations` is omitted on purpose: clu reads a Collection's
metrics from its annotations.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from clu import metrics
from flax import struct
from jaxtyping import Array, Float, Int, Real

NEVER = np.iinfo(np.int32).max  # `first_nonfinite_step` if every loss is finite.


@struct.dataclass
class Loss(metrics.Average):
  """The mean of the clips' classification losses.

  A scalar loss, the mean over the batch's real rows, counts once per real row.
  """

  @classmethod
  def from_model_output(cls, *, loss: Float[Array, '*b'], mask: Real[Array, 'b'], **_):
    return super().from_model_output(jnp.broadcast_to(loss, mask.shape), mask)


@struct.dataclass
class ContrastiveLoss(metrics.Average):
  """The mean over steps of a value per batch; 0 if the model has none."""

  @classmethod
  def from_model_output(cls, *, contrastive_loss: Float[Array, ''] | float = 0.0, **_):
    return super().from_model_output(jnp.asarray(contrastive_loss, jnp.float32))


@struct.dataclass
class Accuracy(metrics.Average):
  """The share of clips whose highest-scored class is one of their labels."""

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
  """The mean over steps; a value per batch, so that the mask does not apply."""

  @classmethod
  def from_model_output(cls, *, gradient_norm: Float[Array, ''], **_):
    return super().from_model_output(gradient_norm)


@struct.dataclass
class LearningRate(metrics.Metric):
  """The last step's value; clu's LastValue fails under strict dtype promotion."""

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
  """The first step with a NaN or infinite loss; `NEVER` if there is none.

  Classification losses count for real rows only, the contrastive loss always.
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
  """The metrics of training steps: sums over steps, divided once.

  The jitted step calls `TrainMetrics.single_from_model_output(loss=, contrastive_loss=,
  logits=[b, k], labels=, mask=[b], learning_rate=, gradient_norm=, step=)` and merges
  the result with the metrics so far; the host calls `compute`. The mask is 0 for padding
  rows. The loss is `[b]`, or the mean over real rows. Labels are int32 `[b]` or
  multi-hot `[b, k]`. The contrastive loss is a scalar without its weight, and omitted
  for a model that has none.
  """

  loss: Loss
  contrastive_loss: ContrastiveLoss
  accuracy: Accuracy
  learning_rate: LearningRate
  gradient_norm: GradientNorm
  first_nonfinite_step: FirstNonfiniteStep

  def compute(self) -> dict[str, Any]:
    """Scalars by name, in one transfer to the host. Do not call inside jit."""
    return metrics.Collection.compute(jax.device_get(self))
