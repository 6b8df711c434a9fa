"""JMRN's linear layers: 3×3 convolutions with their lowerings, and 1×1 convolutions.

Kernels and biases start uniform in ±1/√fan_in, PyTorch's default, which the official
code keeps.
"""

from __future__ import annotations

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from model_lib import winograd
from model_lib.convolution import unit_stride_convolution
from model_lib.initializers import fan_in_uniform

# How often a loop uses a kernel, about; ours.
_PASSES = 8
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


class LoopConvolution:
  """A 3×3 convolution and its two gradients, for loops that are not differentiated.

  XLA:CPU has fast kernels for convolutions with these axes only, and brings gradients
  into this form in a program's main computation, but not in loops and conditionals,
  where they take 18 times as long (jax 0.10.2). XLA's convolution on CPU is 60 times
  slower where more than 1 cell is padded in it, so zeros are added before it, behind a
  barrier. Made once, before the loop.
  """

  def __init__(
    self,
    kernel: Float[Array, '3 3 c d'],
    stride: int,
    pad: tuple[int, int],
    *,
    fewer_products: bool,
  ):
    """`pad` zeros before and after rows and columns; the stride leaves no remainder.

    Args:
      fewer_products: by `model_lib.winograd`, where the stride is 1.
    """
    self._kernel, self._stride, self._pad = kernel, stride, pad
    self._fewer_products = fewer_products and stride == 1
    # Only what is used of these is computed.
    self._turned = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
    self._transformed = winograd.transformed(kernel) if self._fewer_products else ()

  def __call__(self, maps: Float[Array, 'b h w c']) -> Float[Array, 'b h2 w2 d']:
    clips, height, width, _ = maps.shape
    more = sum(self._pad) - 2
    if self._by_winograd(clips, height + more, width + more):
      return winograd.convolved(maps, self._transformed, self._pad)
    strides = (self._stride, self._stride)
    return jax.lax.conv_general_dilated(
      _padded(maps, self._pad), self._kernel, strides, 'VALID', dimension_numbers=_AXES
    )

  def of_maps(self, gradient: Float[Array, 'b h2 w2 d']) -> Float[Array, 'b h w c']:
    """The maps' gradient."""
    if self._by_winograd(*gradient.shape[:3]):
      return winograd.input_gradient(gradient, self._transformed, self._pad)
    edges = 2 - self._pad[0], 2 - self._pad[1]
    return jax.lax.conv_general_dilated(
      gradient,
      self._turned,
      (1, 1),
      (edges, edges),
      lhs_dilation=(self._stride, self._stride),
      dimension_numbers=_AXES,
    )

  def of_kernel(
    self, maps: Float[Array, 'b h w c'], gradient: Float[Array, 'b h2 w2 d']
  ) -> Float[Array, '3 3 c d']:
    """The kernel's gradient."""
    if self._by_winograd(*gradient.shape[:3]):
      return winograd.kernel_gradient(maps, gradient, self._pad)
    found = jax.lax.conv_general_dilated(
      _padded(maps, self._pad).transpose(3, 1, 2, 0),
      gradient.transpose(1, 2, 0, 3),
      (1, 1),
      'VALID',
      rhs_dilation=(self._stride, self._stride),
      dimension_numbers=_AXES,
    )
    return found.transpose(1, 2, 0, 3)

  def _by_winograd(self, clips: int, height: int, width: int) -> bool:
    """Decided by the size of the outputs, for the gradients too."""
    enough = winograd.pays(clips, height, width, times=_PASSES)
    return self._fewer_products and enough


class LoopProduct:
  """A 1×1 convolution in the form of `LoopConvolution`."""

  def __init__(self, kernel: Float[Array, 'c d']):
    self._kernel = kernel

  def __call__(self, maps: Float[Array, '... c']) -> Float[Array, '... d']:
    return maps @ self._kernel

  def of_maps(self, gradient: Float[Array, '... d']) -> Float[Array, '... c']:
    """The maps' gradient."""
    return gradient @ self._kernel.T

  def of_kernel(
    self, maps: Float[Array, 'b h w c'], gradient: Float[Array, 'b h w d']
  ) -> Float[Array, 'c d']:
    """The kernel's gradient."""
    return jnp.einsum('byxc,byxd->cd', maps, gradient)


def _padded(maps: jax.Array, pad: tuple[int, int]) -> jax.Array:
  return jax.lax.optimization_barrier(jnp.pad(maps, ((0, 0), pad, pad, (0, 0))))


def winograd_convolution(
  maps: Float[Array, 'b h w c'], kernel: Float[Array, '3 3 c d'], stride: int
) -> Float[Array, 'b h2 w2 d']:
  """Same as `direct_convolution`; `unit_stride_convolution` where the stride is 1."""
  if stride == 1:
    return unit_stride_convolution(maps, kernel)
  return direct_convolution(maps, kernel, stride)


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
    lowering: `direct_convolution`, `winograd_convolution` or `patch_convolution`; all
      give the same result.
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
