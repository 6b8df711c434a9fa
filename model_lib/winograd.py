"""3×3 convolutions with stride 1 in 4/9 of the multiplications (Winograd's F(2×2, 3×3)).

A tile of 2×2 outputs needs 4×4 inputs d and the kernel g. With evaluation at the points
0, 1, -1 and ∞ (Lavin and Gray, CVPR 2016),

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A        16 products where the plain sum has 36

so for all tiles and channels there are 16 matrix products, [tiles, c] by [c, d]. B holds 0
and ±1, G also ±½, A 0 and ±1. This is an identity: in float64 outputs and gradients are
those of the plain convolution up to its rounding; in float32 the error is 6e-7 to 9e-7 of
the largest element, about that of the plain sum. Both gradients have the same form: with
respect to the maps it is the convolution with the turned kernel, whose transform is that
of the kernel with points 0 and ∞ exchanged, and with respect to the kernel it is

    Gᵀ [Σ (Bᵀ d B)ᵀ (A y' Aᵀ)] G

Tiles are taken a few clips at a time, so that they stay in a core's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# What is done to 4 rows is done to 4 columns. [16][..]: rows first.
Transformed = Sequence[jax.Array]
_EXCHANGED = (3, 1, 2, 0)  # The points ∞, 1, -1, 0.
_ROWS = 256  # of a matrix product, at least: fewer do not use its kernels well.
# Ours: with fewer, making and gathering the tiles of three convolutions, the forward one and
# two gradients, takes longer than what is saved.
_TRAINED_CHANNELS = 128


def pays(clips: int, height: int, width: int, *, times: int = 1) -> bool:
  """Whether outputs of this size have tiles enough to be worth the kernel's transform.

  Args:
    times: how often one transform is used.
  """
  return times * clips * _tiles(height) * _tiles(width) >= _ROWS


def pays_in_training(kernel: Float[Array, '3 3 c d']) -> bool:
  """Whether a convolution with this kernel and both its gradients are faster together."""
  return min(kernel.shape[2:]) >= _TRAINED_CHANNELS


@jax.custom_vjp
def convolution(
  maps: Float[Array, 'b h w c'], kernel: Float[Array, '3 3 c d']
) -> Float[Array, 'b h w d']:
  """A 3×3 convolution with stride 1 and one cell of zeros on every side.

  Has a first reverse gradient only: no forward gradient and no second one.
  """
  return convolved(maps, transformed(kernel), (1, 1))


def _forward(maps, kernel):
  return convolution(maps, kernel), (maps, kernel)


def _backward(saved, gradient):
  maps, kernel = saved
  of_maps = input_gradient(gradient, transformed(kernel), (1, 1))
  return of_maps, kernel_gradient(maps, gradient, (1, 1))


convolution.defvjp(_forward, _backward)


def transformed(kernel: Float[Array, '3 3 c d']) -> list[Float[Array, 'c d']]:
  """G g Gᵀ, which `convolved` and `input_gradient` multiply by."""

  def expanded(taps):
    first, middle, last = taps
    ends, middle = (first + last) / 2, middle / 2
    return [first, ends + middle, ends - middle, last]

  rows = expanded(list(kernel))
  return jax.lax.optimization_barrier([x for row in rows for x in expanded(list(row))])


def convolved(
  maps: Float[Array, 'b h w c'], kernel: Transformed, pad: tuple[int, int]
) -> Float[Array, 'b h2 w2 d']:
  """A convolution with stride 1, with `pad` zeros before and after rows and columns."""
  return _products(maps, pad, lambda x: [a @ k for a, k in zip(x, kernel, strict=True)])


def input_gradient(
  gradient: Float[Array, 'b h2 w2 d'], kernel: Transformed, pad: tuple[int, int]
) -> Float[Array, 'b h w c']:
  """The gradient of `convolved`'s maps."""
  turned = [kernel[4 * row + column] for row in _EXCHANGED for column in _EXCHANGED]
  # Not a transposed matrix, which would have to be made first.
  by = (((1,), (1,)), ((), ()))
  return _products(
    gradient,
    (2 - pad[0], 2 - pad[1]),
    lambda x: [jax.lax.dot_general(a, k, by) for a, k in zip(x, turned, strict=True)],
  )


def kernel_gradient(
  maps: Float[Array, 'b h w c'],
  gradient: Float[Array, 'b h2 w2 d'],
  pad: tuple[int, int],
) -> Float[Array, '3 3 c d']:
  """The gradient of `convolved`'s kernel before it is transformed."""

  def added(sums, some):
    """Adds the sums over the tiles of some clips."""
    tiles = _input_tiles(some[0], pad)
    outputs = _barrier(_output_tiles(some[1]))
    return [s + x.T @ y for s, x, y in zip(sums, tiles, outputs, strict=True)], None

  clips, channels, features = len(maps), maps.shape[-1], gradient.shape[-1]
  parts = clips // _at_a_time(clips, *gradient.shape[1:3])
  zeros = [jnp.zeros((channels, features), maps.dtype)] * 16
  of_kernel, _ = jax.lax.scan(
    added, zeros, (_parted(maps, parts), _parted(gradient, parts))
  )

  def gathered(four):
    first, one, minus_one, last = four
    even, odd = (one + minus_one) / 2, (one - minus_one) / 2
    return [first + even, odd, even + last]

  rows = [gathered(of_kernel[4 * row : 4 * row + 4]) for row in range(4)]
  columns = [gathered([row[column] for row in rows]) for column in range(3)]
  return jnp.stack([jnp.stack([c[row] for c in columns]) for row in range(3)])


def _products(
  maps: jax.Array, pad: tuple[int, int], multiply: Callable[[Transformed], Transformed]
) -> jax.Array:
  """From maps through tiles and their matrix products to maps."""
  size = tuple(side + sum(pad) - 2 for side in maps.shape[1:3])
  clips = len(maps)
  parts = clips // _at_a_time(clips, *size)

  def of_some(maps):
    products = _barrier(multiply(_input_tiles(maps, pad)))
    return _from_tiles(products, len(maps), size)

  if parts == 1:
    return of_some(maps)
  found = jax.lax.map(of_some, _parted(maps, parts))
  return found.reshape(clips, *found.shape[2:])


def _parted(x: jax.Array, parts: int) -> jax.Array:
  return x.reshape(parts, len(x) // parts, *x.shape[1:])


def _at_a_time(clips: int, height: int, width: int) -> int:
  """The least divisor of the number of clips that gives products enough rows."""
  enough = (n for n in range(1, clips) if clips % n == 0 and pays(n, height, width))
  return next(enough, clips)


def _tiles(side: int) -> int:
  return -(-side // 2)


def _input_tiles(maps: jax.Array, pad: tuple[int, int]) -> Transformed:
  """Bᵀ d B of all tiles, which overlap by two cells."""
  outputs = (side + sum(pad) - 2 for side in maps.shape[1:3])
  tiles = [_tiles(side) for side in outputs]
  # One more row or column where the last tile is only half needed.
  edges = [
    (pad[0], 2 * n + 2 - side - pad[0])
    for n, side in zip(tiles, maps.shape[1:3], strict=True)
  ]
  padded = jnp.pad(maps, ((0, 0), *edges, (0, 0)))

  def combined(four):
    a, b, c, d = four
    return [a - c, b + c, c - b, b - d]

  down, across = (2 * n for n in tiles)
  rows = combined([padded[:, i : i + down : 2] for i in range(4)])
  found = []
  for row in rows:
    found += combined([row[:, :, i : i + across : 2] for i in range(4)])
  return _barrier([x.reshape(-1, maps.shape[-1]) for x in found])


def _from_tiles(
  products: Transformed, clips: int, size: tuple[int, ...]
) -> Float[Array, 'b h w d']:
  """Aᵀ m A of all tiles, side by side."""
  height, width = size
  tiles = [_tiles(side) for side in size]
  m = [x.reshape(clips, *tiles, x.shape[-1]) for x in products]

  def combined(four):
    a, b, c, d = four
    return [a + b + c, b - c - d]

  rows = [combined(m[4 * row : 4 * row + 4]) for row in range(4)]
  left, right = (combined([row[column] for row in rows]) for column in range(2))
  cells = [jnp.stack(pair, axis=3) for pair in zip(left, right, strict=True)]
  whole = jnp.stack(cells, axis=2).reshape(clips, 2 * tiles[0], 2 * tiles[1], -1)
  return whole[:, :height, :width]


def _output_tiles(gradient: Float[Array, 'b h w d']) -> list[Float[Array, 'n d']]:
  """A y Aᵀ of all tiles."""
  edges = [(0, side % 2) for side in gradient.shape[1:3]]
  padded = jnp.pad(gradient, ((0, 0), *edges, (0, 0)))

  def expanded(two):
    a, b = two
    return [a, a + b, a - b, -b]

  rows = expanded([padded[:, ::2], padded[:, 1::2]])
  found = []
  for row in rows:
    found += expanded([row[:, :, ::2], row[:, :, 1::2]])
  return [x.reshape(-1, gradient.shape[-1]) for x in found]


def _barrier(arrays: Transformed) -> Transformed:
  """Keeps tiles and products apart: in one piece, XLA makes them slower (measured)."""
  return jax.lax.optimization_barrier(arrays)
