"""DD-Net's network as published: distances, a slow and a fast motion to one vector."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ddnet_jax import features
from ddnet_jax.layers import ConvNorm, DropChannels, Form, halved, largest
from model_lib.rematerialized import rematerialized


class DoubleMotionEncoder(nn.Module):
  """Three stems, concatenated, three blocks of two convolutions, maximum over frames.

  Attributes:
    width: F, the paper's number of filters: 64, or 32 and 16 for its smaller models.
    channel_dropout: rate at which whole channels are dropped.
    form: `layers.KERAS` or `layers.PORT`.
    dtype: dtype of the computation; parameters and statistics stay float32.
    rematerialize: keep only each convolution's input for the backward pass.
    convolution_algorithm: see `layers.ConvNorm`.
  """

  width: int
  channel_dropout: float
  form: Form
  dtype: jnp.dtype = jnp.float32
  rematerialize: bool = False
  convolution_algorithm: str = 'auto'

  @nn.compact
  def __call__(
    self, positions: Float[Array, 'n t j 2'], present: Bool[Array, 'n'], train: bool
  ) -> tuple[Float[Array, 'n c'], None]:
    """Returns the features of each person; it weighs no joints."""
    distances = features.joint_collection_distances(positions)
    x = jnp.concatenate(
      [
        self._stem('distances', distances, present, train),
        self._stem('slow', features.slow_motion(positions), present, train),
        self._stem('fast', features.fast_motion(positions), present, train, fast=True),
      ],
      axis=-1,
    )
    for block, factor in enumerate((2, 4, 8), start=1):
      for layer in (1, 2):
        name = f'block{block}_{layer}'
        x = self._conv(factor * self.width, 3, name)(x, present, train)
      x = self._drop(halved(x) if block < 3 else x, train)
    return largest(x), None

  def _stem(
    self,
    name: str,
    x: Float[Array, 'n t c'],
    present: Bool[Array, 'n'],
    train: bool,
    *,
    fast: bool = False,
  ) -> Float[Array, 'n t2 c']:
    """c(1, 2F) drop, c(3, F) drop, c(1, F), pool, drop; the fast stem has no pool."""
    for layer, (factor, width) in enumerate(((2, 1), (1, 3), (1, 1)), start=1):
      conv = self._conv(factor * self.width, width, f'{name}{layer}')
      x = conv(x, present, train)
      x = self._drop(halved(x) if layer == 3 and not fast else x, train)
    return x

  def _conv(self, features: int, width: int, name: str) -> ConvNorm:
    block = rematerialized(ConvNorm, self.rematerialize, static_argnums=(3,))
    algorithm = self.convolution_algorithm
    return block(features, width, self.form, self.dtype, algorithm, name=name)

  def _drop(self, x: Float[Array, 'n t c'], train: bool) -> Float[Array, 'n t c']:
    return DropChannels(self.channel_dropout)(x, train)
