"""Our stronger network: several streams of features, each through a stem, in one trunk."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ddnet_jax import features, layers
from ddnet_jax.layers import ConvNorm, DropChannels, NormLeaky, halved, maximum_and_mean
from model_lib.rematerialized import rematerialized


class StreamEncoder(nn.Module):
  """A stem per stream, concatenated, three stages of two convolutions; ours.

  DD-Net's plan with BatchNorm on every stream's input, and the mean over frames beside
  the maximum.

  Attributes:
    streams: names in `features.STREAMS`.
    width: F; a stem ends with F channels, the stages have 2F, 4F and 8F.
    channel_dropout: rate at which whole channels are dropped.
    dtype: dtype of the computation; parameters and statistics stay float32.
    rematerialize: keep only each convolution's input for the backward pass.
    convolution_algorithm: see `layers.ConvNorm`.
  """

  streams: tuple[str, ...]
  width: int
  channel_dropout: float
  dtype: jnp.dtype = jnp.float32
  rematerialize: bool = False
  convolution_algorithm: str = 'auto'

  @nn.compact
  def __call__(
    self, positions: Float[Array, 'n t j 2'], present: Bool[Array, 'n'], train: bool
  ) -> tuple[Float[Array, 'n c'], None]:
    """Returns the features of each person; it weighs no joints."""
    unknown = [name for name in self.streams if name not in features.STREAMS]
    if unknown or not self.streams:
      raise ValueError(
        f'config.model.streams is {tuple(self.streams)}; give one or several of'
        f' {tuple(features.STREAMS)}'
      )
    x = jnp.concatenate(
      [self._stem(name, positions, present, train) for name in self.streams], axis=-1
    )
    for stage, factor in enumerate((2, 4, 8), start=1):
      for layer in (1, 2):
        name = f'stage{stage}_{layer}'
        x = self._conv(factor * self.width, 3, name)(x, present, train)
      x = DropChannels(self.channel_dropout)(halved(x) if stage < 3 else x, train)
    return maximum_and_mean(x), None

  def _stem(
    self,
    name: str,
    positions: Float[Array, 'n t j 2'],
    present: Bool[Array, 'n'],
    train: bool,
  ) -> Float[Array, 'n t2 c']:
    """BatchNorm, c(1, 2F) drop, c(3, F), c(1, F), pool."""
    norm = NormLeaky(layers.OURS, leaky=False, dtype=self.dtype, name=f'{name}_input')
    x = norm(features.STREAMS[name](positions), present, train)
    x = self._conv(2 * self.width, 1, f'{name}1')(x, present, train)
    x = DropChannels(self.channel_dropout)(x, train)
    x = self._conv(self.width, 3, f'{name}2')(x, present, train)
    return halved(self._conv(self.width, 1, f'{name}3')(x, present, train))

  def _conv(self, channels: int, width: int, name: str) -> ConvNorm:
    block = rematerialized(ConvNorm, self.rematerialize, static_argnums=(3,))
    algorithm = self.convolution_algorithm
    return block(channels, width, layers.OURS, self.dtype, algorithm, name=name)
