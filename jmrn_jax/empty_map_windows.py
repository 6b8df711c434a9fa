"""The joint encoder on windows around each joint's motion: exact, and less work (ours).

PoTion maps are almost empty. The encoder's response to an *empty* map is known: after
the input's BatchNorm, x ↦ a_j x + b_j, the empty map of joint j is the constant b_j.
Let A_l be the pre-activation of layer l for that map, E_l = relu(A_l), and u_l a real
map's activation minus E_l:

    E_0 = b_j                     A_l = conv_l(E_(l-1)) + bias_l     E_l = relu(A_l)
    u_0 = a_j x                   u_l = relu(conv_l(u_(l-1)) + A_l) - relu(A_l)
    A_l = -inf outside the map    (there the dense network pads with zeros, so u_l = 0)
    features of the map = E_l + u_l

This is an identity in the parameters: outputs and gradients, which flow through A_l too,
are those of the dense network. u_l is exactly 0 off the map's support, dilated by the
layers so far, so it is computed on a window only. A window of S cells (S a multiple of
4), with its origin at 4·k cells, grows with each layer; `_LAYERS` says how. A_l is
constant away from the border and is computed on a small map, see `_tables`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jaxtyping import Array, Float, Int

from jmrn_jax.convolution import switchable_convolution
from jmrn_jax.window_plan import CELL, Counts, supports


class _Layer(NamedTuple):
  """How a layer changes a window whose origin is at 4·k cells of the input.

  Attributes:
    stride: of the convolution.
    pad: cells of zeros before and after the window.
    unit, shift: the output's origin is at unit·k + shift.
    down: cells of the input per cell of the output.
  """

  stride: int
  pad: tuple[int, int]
  unit: int
  shift: int
  down: int


# By output: S/2 + 1, S/2 + 3, S/4 + 3, S/4 + 5 and S/4 + 5 cells.
_LAYERS = (
  _Layer(stride=2, pad=(1, 2), unit=2, shift=0, down=2),  # conv1_1
  _Layer(stride=1, pad=(2, 2), unit=2, shift=-1, down=2),  # conv1_2
  _Layer(stride=2, pad=(2, 2), unit=1, shift=-1, down=4),  # conv2_1
  _Layer(stride=1, pad=(2, 2), unit=1, shift=-2, down=4),  # conv2_2
  _Layer(stride=1, pad=(0, 0), unit=1, shift=-2, down=4),  # compression, 1×1
)
_NAMES = ('conv1_1', 'conv1_2', 'conv2_1', 'conv2_2')
# Zeros around tables and results: the first window begins 2 cells before the map, and
# the last one ends 3 cells after it.
_BEFORE, _AFTER = 2, 3

Kernels = Sequence[tuple[jax.Array, jax.Array]]
# (maps, kernel, stride, pad) → maps.
Convolve = Callable[..., jax.Array]


class InputAffine(nn.Module):
  """The input's BatchNorm as a_j and b_j, with the variables of `nn.BatchNorm`.

  Same as `nn.BatchNorm(axis=(1, -1), momentum=0.9, epsilon=1e-5)` on `[b, j, h, w, c]`.
  """

  @nn.compact
  def __call__(
    self, maps: Float[Array, 'b j h w c'], train: bool
  ) -> tuple[Float[Array, 'j c'], Float[Array, 'j c']]:
    shape = (maps.shape[1], maps.shape[-1])
    mean = self.variable('batch_stats', 'mean', jnp.zeros, shape)
    var = self.variable('batch_stats', 'var', jnp.ones, shape)
    scale = self.param('scale', nn.initializers.ones, shape)
    bias = self.param('bias', nn.initializers.zeros, shape)
    if not train:
      return _affine(mean.value, var.value, scale, bias)
    maps = maps.astype(jnp.promote_types(maps.dtype, jnp.float32))
    found_mean = maps.mean((0, 2, 3))
    found_var = jnp.square(maps).mean((0, 2, 3)) - jnp.square(found_mean)
    found_var = jnp.maximum(found_var, 0)
    mean.value = 0.9 * mean.value + (1 - 0.9) * found_mean
    var.value = 0.9 * var.value + (1 - 0.9) * found_var
    return _affine(found_mean, found_var, scale, bias)


def _affine(mean, var, scale, bias) -> tuple[jax.Array, jax.Array]:
  a = scale * jax.lax.rsqrt(var + 1e-5)
  return a, bias - a * mean


def kernels_of(params: Mapping[str, Any], dtype: jnp.dtype) -> Kernels:
  """Kernel and bias of each layer, from the parameters of the dense network."""
  layers = [*(params['joint_encoder'][name] for name in _NAMES), params['compression']]
  kernels = [
    (layer['kernel'].astype(dtype), layer['bias'].astype(dtype)) for layer in layers
  ]
  compression, bias = kernels[-1]
  return [*kernels[:-1], (compression[None, None], bias)]


def encoded_on_devices(
  maps: Float[Array, 'b j h w c'],
  affine: tuple[Float[Array, 'j c'], Float[Array, 'j c']],
  kernels: Kernels,
  counts: Counts,
  dtype: jnp.dtype,
) -> tuple[Float[Array, 'b j d'], Float[Array, 'b j h4 w4 e']]:
  """`encoded` for each device's clips by themselves, so that none are exchanged.

  Args:
    counts: those of one device, as many maps as its clips have.
  """
  clips = sum(count for _, count in counts) // maps.shape[1]
  if clips == len(maps):
    return encoded(maps, affine, kernels, counts, dtype)
  by_device = rearrange(maps, '(s b) ... -> s b ...', b=clips)
  of_device = functools.partial(
    encoded,
    affine=affine,
    kernels=kernels,
    counts=counts,
    dtype=dtype,
    convolve=_vmappable,
  )
  found = jax.vmap(of_device)(by_device)
  pooled, compressed = (rearrange(x, 's b ... -> (s b) ...') for x in found)
  return pooled, compressed


def encoded(
  maps: Float[Array, 'b j h w c'],
  affine: tuple[Float[Array, 'j c'], Float[Array, 'j c']],
  kernels: Kernels,
  counts: Counts,
  dtype: jnp.dtype,
  convolve: Convolve = switchable_convolution,
) -> tuple[Float[Array, 'b j d'], Float[Array, 'b j h4 w4 e']]:
  """The encoder's features averaged over the map, and the compressed features.

  Args:
    maps: before the input's BatchNorm; exactly 0 where they are empty.
    affine: a and b, see `InputAffine`.
    kernels: see `kernels_of`.
    counts: (S, number of windows), largest S first, b·j windows in all; S = 0 is whole
      maps. The supports must fit, see `window_plan.fits`.
  """
  clips, joints, height, width = maps.shape[:4]
  grid = -(-height // CELL), -(-width // CELL)
  a, b = affine
  tables = _tables(b.astype(dtype), (height, width), kernels, convolve)
  found = supports(maps)
  order = jnp.argsort(-found.need.reshape(-1)).astype(jnp.int32)
  flat = rearrange(jnp.asarray(maps), 'b j h w c -> (b j) h w c')
  origins = jnp.stack([found.top, found.left], axis=-1).reshape(-1, 2)
  features, compressed = (empty_features(tables[layer]) for layer in (-2, -1))
  wide = jnp.promote_types(dtype, jnp.float32)
  pooled = jnp.zeros((clips * joints, features.shape[-1]), wide)
  around = (clips * joints, grid[0] + _BEFORE + _AFTER, grid[1] + _BEFORE + _AFTER)
  pasted = jnp.zeros((*around, compressed.shape[-1]), dtype)
  begin = 0
  for size, count in counts:
    rows = order[begin : begin + count]
    begin += count
    joint = rows % joints
    if size:
      origin = jnp.minimum(origins[rows], np.array([grid], np.int32) - size // CELL)
      window = _cut(_to_whole_cells(flat), rows, CELL * origin, (size, size))
      u = (window * a[joint][:, None, None]).astype(dtype)
      u, changed = _windows(u, kernels, tables, joint, origin, convolve)
      place = origin
    else:
      dense = flat[rows] * a[joint][:, None, None] + b[joint][:, None, None]
      u, changed = _dense(dense.astype(dtype), kernels, convolve)
      u, changed = u - features[joint], changed - compressed[joint]
      place = jnp.full((count, 2), _BEFORE, jnp.int32)
    pooled = pooled.at[rows].set(u.sum((1, 2), dtype=wide), unique_indices=True)
    pasted = _paste(pasted, changed, rows, place)
  inside = pasted[:, _BEFORE : _BEFORE + grid[0], _BEFORE : _BEFORE + grid[1]]
  pooled = pooled.reshape(clips, joints, -1) / (grid[0] * grid[1])
  pooled += features.mean((1, 2), dtype=wide)[None]
  return pooled, inside.reshape(clips, joints, *grid, -1) + compressed[None]


def _vmappable(maps, kernel, stride, pad=((1, 1), (1, 1))) -> jax.Array:
  """Same as `switchable_convolution`, for use under `vmap`."""
  return jax.lax.conv_general_dilated(
    maps,
    kernel,
    (stride, stride),
    pad,
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
  )


def empty_features(table: Float[Array, 'j h w d']) -> Float[Array, 'j h4 w4 d']:
  """E_l of the whole map, from A_l with its border of -inf."""
  return nn.relu(table[:, _BEFORE:-_AFTER, _BEFORE:-_AFTER])


def _windows(
  u: Float[Array, 'm s s c'],
  kernels: Kernels,
  tables: Sequence[jax.Array],
  joint: Int[Array, 'm'],
  origin: Int[Array, 'm 2'],
  convolve: Convolve,
) -> tuple[Float[Array, 'm r r d'], Float[Array, 'm r r e']]:
  """u of the features and of the compressed features, r = S/4 + 5, from u_0."""
  found = []
  for layer, (kernel, _), table in zip(_LAYERS, kernels, tables, strict=True):
    z = _convolution(u, kernel, layer, convolve)
    start = origin * layer.unit + layer.shift + _BEFORE
    empty = _cut(table, joint, start, z.shape[1:3])
    u = nn.relu(z + empty) - nn.relu(empty)
    found.append(u)
  return found[-2], found[-1]


def _dense(
  maps: Float[Array, 'm h w c'], kernels: Kernels, convolve: Convolve
) -> tuple[jax.Array, jax.Array]:
  """Features and compressed features of whole normalised maps."""
  x, found = maps, []
  for layer, (kernel, bias) in zip(_LAYERS, kernels, strict=True):
    if kernel.shape[0] == 1:
      x = nn.relu(x @ kernel[0, 0] + bias[None, None, None])
    else:
      x = convolve(x, kernel, layer.stride)
      x = nn.relu(x + bias[None, None, None])
    found.append(x)
  return found[-2], found[-1]


def _tables(
  empty: Float[Array, 'j c'],
  size: tuple[int, int],
  kernels: Kernels,
  convolve: Convolve,
) -> list[Float[Array, 'j h w d']]:
  """A_l for each joint and layer, -inf outside the map.

  Only the border's cells differ: at most 3 cells of the last layer on either side. So a
  small map, with the same remainder by 4, has every value; the row and the column in
  its middle are repeated.
  """
  small = tuple(map(_small, size))
  x = jnp.broadcast_to(empty[:, None, None], (len(empty), *small, empty.shape[-1]))
  tables = []
  for layer, (kernel, bias) in zip(_LAYERS, kernels, strict=True):
    if kernel.shape[0] == 1:
      table = x @ kernel[0, 0]
    else:
      table = convolve(x, kernel, layer.stride)
    table += bias[None, None, None]
    x = nn.relu(table)
    for axis, length in enumerate(size, start=1):
      table = _stretched(table, axis, -(-length // layer.down), 12 // layer.down)
    edges = ((0, 0), (_BEFORE, _AFTER), (_BEFORE, _AFTER), (0, 0))
    tables.append(jnp.pad(table, edges, constant_values=-jnp.inf))
  return tables


def _small(length: int) -> int:
  """The shortest map side with a cell far from both borders, and this remainder by 4."""
  return min(length, (24, 25, 22, 23)[length % CELL])


def _stretched(table: jax.Array, axis: int, length: int, middle: int) -> jax.Array:
  """Repeats the slice at `middle` so that the axis gets a length."""
  more = length - table.shape[axis]
  if not more:
    return table
  repeats = np.ones(table.shape[axis], int)
  repeats[middle] += more
  return jnp.repeat(table, repeats, axis=axis, total_repeat_length=length)


def _convolution(
  x: Float[Array, 'm h w c'],
  kernel: Float[Array, 'y x c d'],
  layer: _Layer,
  convolve: Convolve,
) -> jax.Array:
  """A convolution of windows, without bias.

  XLA's filter gradient on CPU is 60 times slower where more than 1 cell is padded in the
  convolution, so that zeros are added before it, behind a barrier.
  """
  if kernel.shape[0] == 1:
    return x @ kernel[0, 0]
  edges = ((0, 0), layer.pad, layer.pad, (0, 0))
  padded = jax.lax.optimization_barrier(jnp.pad(x, edges))
  return convolve(padded, kernel, layer.stride, ((0, 0), (0, 0)))


def _to_whole_cells(maps: Float[Array, 'm h w c']) -> jax.Array:
  """Zeros after the last row and column, so that 4 divides the sides."""
  more = [(0, -side % CELL) for side in maps.shape[1:3]]
  return jnp.pad(maps, ((0, 0), *more, (0, 0)))


def _cut(
  maps: Float[Array, 'n h w c'],
  rows: Int[Array, 'm'],
  starts: Int[Array, 'm 2'],
  size: tuple[int, ...],
) -> Float[Array, 'm y x c']:
  """Windows of the maps `rows`; none reaches over an edge."""
  channels = maps.shape[-1]

  def window(row, start):
    begin = (row, start[0], start[1], jnp.int32(0))
    return jax.lax.dynamic_slice(maps, begin, (1, *size, channels))[0]

  return jax.vmap(window)(rows.astype(jnp.int32), starts.astype(jnp.int32))


def _paste(
  whole: Float[Array, 'n h w c'],
  windows: Float[Array, 'm y x c'],
  rows: Int[Array, 'm'],
  starts: Int[Array, 'm 2'],
) -> jax.Array:
  """Adds each window to its own map; none reaches over an edge."""
  numbers = jax.lax.ScatterDimensionNumbers(
    update_window_dims=(1, 2, 3),
    inserted_window_dims=(0,),
    scatter_dims_to_operand_dims=(0, 1, 2),
  )
  return jax.lax.scatter_add(
    whole,
    jnp.concatenate([rows[:, None].astype(jnp.int32), starts], axis=1),
    windows,
    numbers,
    unique_indices=True,
    mode=jax.lax.GatherScatterMode.PROMISE_IN_BOUNDS,
  )
