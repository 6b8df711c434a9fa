"""Several people of a clip: who is there, and one vector for all who are."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ddnet_jax.layers import largest


def present_people(scores: Float[Array, 'b m t j']) -> Bool[Array, 'b m']:
  """True for a person of whom any joint is seen in any frame."""
  return (scores > 0).any(axis=(2, 3))


def maximum_over_people(
  values: Float[Array, 'b m c'], present: Bool[Array, 'b m']
) -> Float[Array, 'b c']:
  """The largest value of the people present; 0 in a clip without people."""
  lowest = jnp.finfo(values.dtype).min
  found = largest(jnp.where(present[..., None], values, lowest))
  return jnp.where(present.any(axis=1, keepdims=True), found, 0)


def mean_over_people(
  values: Float[Array, 'b m c'], present: Bool[Array, 'b m']
) -> Float[Array, 'b c']:
  """The mean over the people present; 0 in a clip without people."""
  total = jnp.where(present[..., None], values, 0).sum(axis=1)
  count = present.sum(axis=1, keepdims=True, dtype=values.dtype)
  return total / jnp.maximum(count, 1)
