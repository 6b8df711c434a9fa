"""JMRN's linear layers: a 3×3 convolution with two lowerings, and a 1×1 convolution.

Kernels and biases start uniform in ±1/√fan_in, PyTorch's default, which the official
code keeps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from model_lib.initializers import fan_in_uniform

_AXES = ('NHWC', 'HWIO', 'NHWC')


def direct_convolution(
  maps: Float[Array, 'b h w c'], kernel: Float[Array, '3 3 c d'], stride: int
) -> Float[Array, 'b h2 w2 d']:
  """A 3×3 convolution by XLA, with one cell of padding on every side."""
  return jax.lax.conv_general_dilated(
    maps,
    kernel,
    window_strides=(stride, stride),
    padding=((1, 1), (1, 1)),
    dimension_numbers=_AXES,
  )


def switchable_convolution(
  maps: Float[Array, 'b h w c'],
  kernel: Float[Array, '3 3 c d'],
  stride: int,
  pad: tuple[tuple[int, int], tuple[int, int]] = ((1, 1), (1, 1)),
) -> Float[Array, 'b h2 w2 d']:
  """Same as `direct_convolution`, with gradients for use inside `lax.switch`.

  XLA:CPU has fast kernels for convolutions with these axes only. It brings gradients into
  this form in a program's main computation, but not in the branches of a conditional,
  where they take 18 times as long (jax 0.10.2). So the gradients here are written in it.
  Not under `vmap`, where the filter's gradient would become a grouped convolution.

  Args:
    pad: rows and columns of zeros, at most 2 on a side, and at least 1 after the map
      where the stride leaves a remainder.
  """
  return cast(jax.Array, _switchable(maps, kernel, stride, pad))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _switchable(maps, kernel, stride, pad):
  return jax.lax.conv_general_dilated(
    maps, kernel, (stride, stride), pad, dimension_numbers=_AXES
  )


def _switchable_forward(maps, kernel, stride, pad):
  return _switchable(maps, kernel, stride, pad), (maps, kernel)


def _switchable_backward(stride, pad, saved, gradient):
  """The gradients of maps and kernel, as convolutions of and with `gradient`."""
  maps, kernel = saved
  left_over = [
    (side + sum(edges) - 3) % stride
    for side, edges in zip(maps.shape[1:3], pad, strict=True)
  ]
  around = [
    (2 - edges[0], 2 - edges[1] + more)
    for edges, more in zip(pad, left_over, strict=True)
  ]
  of_maps = jax.lax.conv_general_dilated(
    gradient,
    jnp.flip(kernel, (0, 1)).swapaxes(2, 3),
    (1, 1),
    around,
    lhs_dilation=(stride, stride),
    dimension_numbers=_AXES,
  )
  read = [
    (edges[0], edges[1] - more) for edges, more in zip(pad, left_over, strict=True)
  ]
  of_kernel = jax.lax.conv_general_dilated(
    maps.transpose(3, 1, 2, 0),
    gradient.transpose(1, 2, 0, 3),
    (1, 1),
    read,
    rhs_dilation=(stride, stride),
    dimension_numbers=_AXES,
  )
  return of_maps, of_kernel.transpose(1, 2, 0, 3)


_switchable.defvjp(_switchable_forward, _switchable_backward)


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
