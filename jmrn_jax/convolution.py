"""JMRN's linear layers: a 3×3 convolution with two lowerings, and a 1×1 convolution.

Kernels and biases start uniform in ±1/√fan_in, PyTorch's default, which the official
code keeps.
"""

from __future__ import annotations

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from model_lib.initializers import fan_in_uniform


def direct_convolution(
  maps: Float[Array, 'b h w c'], kernel: Float[Array, '3 3 c d'], stride: int
) -> Float[Array, 'b h2 w2 d']:
  """A 3×3 convolution by XLA, with one cell of padding on every side."""
  return jax.lax.conv_general_dilated(
    maps,
    kernel,
    window_strides=(stride, stride),
    padding=((1, 1), (1, 1)),
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
  )


def patch_convolution(
  maps: Float[Array, 'b h w c'], kernel: Float[Array, '3 3 c d'], stride: int
) -> Float[Array, 'b h2 w2 d']:
  """Same as `direct_convolution`, as one matrix product over 3×3 patches.

  For vmapped kernels. A vmapped matrix product is a batched matrix product; a vmapped
  convolution becomes a grouped convolution, which is many times slower.
  """
  height, width = maps.shape[1:3]
  padded = jnp.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
  patches = jnp.concatenate(
    [
      padded[:, row : row + height : stride, column : column + width : stride]
      for row in range(3)
      for column in range(3)
    ],
    axis=-1,
  )
  return patches @ kernel.reshape(-1, kernel.shape[-1])


class Conv3x3(nn.Module):
  """A 3×3 convolution with bias; parameters are named and shaped as in `nn.Conv`.

  Padding is 1 on every side, as in PyTorch (XLA's 'SAME' would shift the grid on even
  sizes), so that n rows or columns become ⌈n / stride⌉.

  Attributes:
    features: output channels.
    stride: stride of rows and columns.
    lowering: `direct_convolution` or `patch_convolution`; both give the same result.
    dtype: dtype of the computation; parameters stay float32.
  """

  features: int
  stride: int = 1
  lowering: Callable[[jax.Array, jax.Array, int], jax.Array] = direct_convolution
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, maps: Float[Array, 'b h w c']) -> Float[Array, 'b h2 w2 d']:
    channels = maps.shape[-1]
    init = fan_in_uniform(9 * channels)
    kernel = self.param('kernel', init, (3, 3, channels, self.features))
    bias = self.param('bias', init, (self.features,))
    maps, kernel, bias = (x.astype(self.dtype) for x in (maps, kernel, bias))
    return self.lowering(maps, kernel, self.stride) + bias.reshape(1, 1, 1, -1)


class Conv1x1(nn.Module):
  """A linear layer over the last axis; on maps, a 1×1 convolution.

  Attributes:
    features: output channels.
    dtype: dtype of the computation; parameters stay float32.
  """

  features: int
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, '... c']) -> Float[Array, '... d']:
    channels = x.shape[-1]
    init = fan_in_uniform(channels)
    kernel = self.param('kernel', init, (channels, self.features))
    bias = self.param('bias', init, (self.features,))
    x, kernel, bias = (a.astype(self.dtype) for a in (x, kernel, bias))
    return x @ kernel + bias.reshape((1,) * (x.ndim - 1) + (-1,))
