"""Initial values of parameters."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp


def fan_in_uniform(fan_in: int) -> nn.initializers.Initializer:
  """Uniform in ±1/√fan_in, PyTorch's default for kernels and biases of linear layers.

  Args:
    fan_in: number of inputs that one output reads; for a k×k convolution over C
      channels, k²·C.
  """
  bound = fan_in**-0.5

  def initializer(key, shape, dtype=jnp.float32):
    return jax.random.uniform(key, shape, dtype, -bound, bound)

  return initializer
