"""The joint selector (JMRN Sec. 3.1): one weight per joint and clip."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from jmrn_jax.convolution import Conv1x1


class JointSelector(nn.Module):
  """Computes sigmoid(weights(relu(reduction(joint features))) / temperature).

  The input is averaged over the map. The paper averages after the 1×1 reduction; both
  steps are linear, so the result is the same, and averaging first costs less. Computed
  in float32.

  Attributes:
    features: channels of the reduction.
    temperature: temperature of the sigmoid.
    gumbel: in training, add the difference of two Gumbel draws to the logits. The
      official code has this option, where it also stays on in evaluation; all its
      scripts leave it off. Draws from the RNG stream 'dropout'.
    dtype: dtype of the computation; float32 also where the maps are bfloat16.
  """

  features: int = 256
  temperature: float = 1.0
  gumbel: bool = False
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, pooled: Float[Array, 'b j c'], train: bool) -> Float[Array, 'b j']:
    joints = pooled.shape[1]
    x = rearrange(pooled, 'b j c -> b (j c)')
    x = nn.relu(Conv1x1(self.features, self.dtype, name='reduction')(x))
    logits = Conv1x1(joints, self.dtype, name='weights')(x)
    if self.gumbel and train:
      draws = jax.random.gumbel(
        self.make_rng('dropout'), (2, *logits.shape), logits.dtype
      )
      logits = logits + draws[0] - draws[1]
    return nn.sigmoid(logits / jnp.asarray(self.temperature, logits.dtype))
