"""Convolutions over frames with half of the multiplications, for inference on CPUs.

Winograd's F(4, 3): four neighbouring outputs of a filter of three frames read six inputs,
and are sums of six products instead of twelve (Lavin and Gray, CVPR 2016, Sec. 4.3; the
points are 0, ±1, ±2 and infinity). The same numbers up to rounding: in float32 outputs
differ by 2e-6 of the largest.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_TILE, _WIDTH = 4, 3  # Frames of outputs, and of the filter.
# Ours: where it was seen to pay. With fewer channels sums of frames take longer than what
# is saved, and with fewer tiles so does the filter's transform.
_LEAST_CHANNELS, _LEAST_TILES = 128, 64


def convolution(lhs: jax.Array, rhs: jax.Array, *args: Any, **kwargs: Any) -> jax.Array:
  """`jax.lax.conv_general_dilated`, in tiles where that pays; for `nn.Conv`.

  Args:
    lhs: `[n, t, c]`.
    rhs: `[width, c, d]`; the other arguments are those of a convolution over frames that
      keeps their number.
  """
  if pays(lhs, rhs):
    return convolved_in_tiles(lhs, rhs)
  return jax.lax.conv_general_dilated(lhs, rhs, *args, **kwargs)


def pays(x: jax.Array, kernel: jax.Array) -> bool:
  """Whether tiles are faster than XLA's convolution on a CPU, and fit."""
  rows, frames, channels = x.shape
  return (
    len(kernel) == _WIDTH
    and frames % _TILE == 0
    and min(channels, kernel.shape[-1]) >= _LEAST_CHANNELS
    and rows * frames // _TILE >= _LEAST_TILES
    and x.dtype == kernel.dtype == jnp.float32
  )


def convolved_in_tiles(
  x: Float[Array, 'n t c'], kernel: Float[Array, '3 c d']
) -> Float[Array, 'n t d']:
  """A convolution over frames, with zeros before the first and after the last frame.

  Args:
    x: t is a multiple of 4.
  """
  rows, frames, channels = x.shape
  tiles = frames // _TILE
  # One frame before; after, one, and two that fill the last row up.
  padded = jnp.pad(x, ((0, 0), (1, _WIDTH), (0, 0)))
  padded = padded.reshape(rows, tiles + 1, _TILE, channels)
  x0, x1, x2, x3 = (padded[:, :-1, k] for k in range(_TILE))
  x4, x5 = padded[:, 1:, 0], padded[:, 1:, 1]

  def product(inputs: jax.Array, weights: jax.Array) -> jax.Array:
    return inputs.reshape(-1, channels) @ weights

  # Lavin and Gray, Sec. 4.3: even and odd halves of the transforms.
  w0, w1, w2 = kernel
  ones, twos = -(w0 + w2) / 6, w0 / 24 + w2 / 6
  near, far = x4 - 4 * x2, x4 - x2
  near_odd, far_odd = x3 - 4 * x1, 2 * (x3 - x1)
  first = product(4 * x0 - 5 * x2 + x4, w0 / 4)
  plus = product(near + near_odd, ones - w1 / 6)
  minus = product(near - near_odd, ones + w1 / 6)
  plus2 = product(far + far_odd, twos + w1 / 12)
  minus2 = product(far - far_odd, twos - w1 / 12)
  last = product(4 * x1 - 5 * x3 + x5, w2)
  even, odd, even2, odd2 = plus + minus, plus - minus, plus2 + minus2, plus2 - minus2
  outputs = [
    first + even + even2,
    odd + 2 * odd2,
    even + 4 * even2,
    odd + 8 * odd2 + last,
  ]
  return jnp.stack(outputs, axis=1).reshape(rows, frames, -1)
