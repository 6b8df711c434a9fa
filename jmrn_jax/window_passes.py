"""The joint encoder for a batch: passes over windows of each size, and their gradient.

The number of passes is decided on the device, so the loops are not differentiated by JAX:
the gradient is written here, with the same loops. Over several devices, each runs the
passes that its own clips need; only the kernels' gradients are summed over devices.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from jmrn_jax.empty_map_windows import (
  AFTER,
  BEFORE,
  Kernels,
  Tables,
  activations,
  distinct_lines,
  empty_features,
  empty_responses,
  mean_empty_features,
  prepared,
  pulled_back,
  starts_of,
)
from jmrn_jax.window_plan import (
  CELL,
  Group,
  Plan,
  Schedule,
  groups,
  output_sides,
  schedule,
  supports,
)
from model_lib.each_device import on_each_device, sum_over_devices


class _Spec(NamedTuple):
  """What is fixed when the program is compiled.

  Attributes:
    groups: see `window_plan.groups`, for one device's clips.
    dtype: of the computation.
    mesh: devices that clips are divided over; None for one.
    fewer_products: see `LoopConvolution`.
  """

  groups: tuple[Group, ...]
  dtype: Any
  mesh: Mesh | None
  fewer_products: bool

  @property
  def wide(self) -> Any:
    """The dtype of sums: float32, or float64 in tests."""
    return jnp.promote_types(self.dtype, jnp.float32)


def encoded(
  maps: Float[Array, 'b j h w c'],
  affine: tuple[Float[Array, 'j c'], Float[Array, 'j c']],
  kernels: Kernels,
  biases: Sequence[Float[Array, 'd']],
  plan: Plan,
  dtype: Any,
  mesh: Mesh | None = None,
  *,
  fewer_products: bool = False,
) -> tuple[Float[Array, 'b j d'], Float[Array, 'b j h4 w4 e']]:
  """The encoder's features averaged over the map, and the compressed features.

  Args:
    maps: before the input's BatchNorm; exactly 0 where they are empty.
    affine: a and b, see `InputAffine`.
    kernels, biases: see `kernels_and_biases`.
    plan: see `window_plan.make_plan`.
    dtype: of the computation; the averages are float32 at least.
    mesh: devices that clips are divided over; those of a batch that does not divide
      evenly are all computed together.
    fewer_products: see `LoopConvolution`.
  """
  clips, joints, *size = maps.shape[:4]
  if mesh is not None and (mesh.size == 1 or clips % mesh.size):
    mesh = None
  height, width = size
  a, b = affine
  tables = empty_responses(b.astype(dtype), (height, width), kernels, biases)
  channels = kernels[0].shape[-1], kernels[3].shape[-1]
  own_clips = clips if mesh is None else clips // mesh.size
  found = groups(plan, own_clips, joints, (height, width), channels)
  spec = _Spec(found, jnp.dtype(dtype), mesh, fewer_products)
  changes = _changes(spec, jnp.asarray(maps), a, list(kernels), tables)
  total, changed = cast(tuple[jax.Array, jax.Array], changes)
  pooled = total / (changed.shape[2] * changed.shape[3])
  pooled += mean_empty_features(tables[-2], (height, width), spec.wide)[None]
  return pooled, changed + empty_features(tables[-1], (height, width))[None]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _changes(
  spec: _Spec,
  maps: Float[Array, 'b j h w c'],
  a: Float[Array, 'j c'],
  kernels: Kernels,
  tables: Tables,
) -> tuple[Float[Array, 'b j d'], Float[Array, 'b j h4 w4 e']]:
  """Sums of u of the features over the map, and u of the compressed features."""
  run = _on_each_device(spec, keeps=False)
  total, changed, _ = run(maps, a, kernels, tables)
  return total, changed


def _changes_forward(spec: _Spec, maps, a, kernels, tables):
  run = _on_each_device(spec, keeps=True)
  total, changed, kept = run(maps, a, kernels, tables)
  return (total, changed), (kept, maps, a, kernels, tables)


def _changes_backward(spec: _Spec, saved, gradients):
  kept, maps, a, kernels, tables = saved
  run = on_each_device(
    functools.partial(_backward, spec),
    spec.mesh,
    divided=(True, True, True),  # Gradients, what was kept, and maps.
    results=(True, False),
  )
  of_maps, of_shared = run(gradients, kept, maps, a, kernels, tables)
  return of_maps, *of_shared


_changes.defvjp(_changes_forward, _changes_backward)


def _on_each_device(spec: _Spec, *, keeps: bool):
  forward = functools.partial(_forward, spec, keeps)
  return on_each_device(forward, spec.mesh, divided=(True,), results=True)


class _Batch(NamedTuple):
  """One device's maps, one empty map after them, and where their windows begin.

  Attributes:
    flat: with zeros after the last row and column, so that 4 divides the sides.
    origins: in units of 4 cells.
    joints: number of a clip's joints, whose maps follow each other.
    size: (height, width) of the maps without these zeros.
  """

  flat: Float[Array, 'n h w c']
  origins: Int[Array, 'n 2']
  joints: int
  size: tuple[int, ...]

  def windows(self, group: Group, rows: Int[Array, 'm']):
    """The windows, their origins and their joints."""
    units = np.array([side // CELL for side in self.flat.shape[1:3]], np.int32)
    last = units - np.array(group.shape, np.int32) // CELL
    origin = jnp.minimum(self.origins[rows], last[None])
    cut = _cut(self.flat, rows, CELL * origin, group.shape)
    return cut, origin, rows % self.joints


def _batch(maps: Float[Array, 'b j h w c']) -> tuple[_Batch, jax.Array]:
  """The maps in one row, and `Supports.need`."""
  joints = maps.shape[1]
  found = supports(maps)
  flat = rearrange(maps, 'b j h w c -> (b j) h w c')
  more = [(0, -side % CELL) for side in flat.shape[1:3]]
  origins = jnp.stack([found.top, found.left], axis=-1).reshape(-1, 2)
  whole = jnp.pad(flat, ((0, 1), *more, (0, 0)))
  origins = jnp.pad(origins, ((0, 1), (0, 0)))
  return _Batch(whole, origins, joints, maps.shape[2:4]), found.need.ravel()


def _around(features: jax.Array) -> jax.Array:
  """Zeros around maps, where windows may reach, and an empty map after the last."""
  return jnp.pad(features, ((0, 1), (BEFORE, AFTER), (BEFORE, AFTER), (0, 0)))


def _forward(spec: _Spec, keeps: bool, maps, a, kernels, tables):
  """`_changes` of one device's clips, and what its gradient needs."""
  clips, joints = maps.shape[:2]
  batch, need = _batch(maps)
  plan = schedule(need, spec.groups)
  grid = tuple(side // CELL for side in batch.flat.shape[1:3])
  total = jnp.zeros((len(batch.flat), kernels[-2].shape[-1]), spec.wide)
  empty = jnp.zeros((clips * joints, *grid, kernels[-1].shape[-1]), spec.dtype)
  pasted = _around(empty)
  layers = prepared(kernels, spec.fewer_products, trains=keeps)
  kept = []
  for number, group in enumerate(spec.groups):

    def one(index, carry, number=number, group=group):
      """Writes the changes of a pass's maps, and holds its activations."""
      total, pasted, held = carry
      read = _read(batch, plan, number, group, index, a, tables)
      found = activations(read.u, layers, read.empties)
      features, compressed = (
        v - jax.nn.relu(e) for v, e in zip(found[-2:], read.empties[-2:], strict=True)
      )
      total = total.at[read.rows].set(features.sum((1, 2), dtype=spec.wide))
      pasted = _paste(pasted, compressed, read.rows, read.origin)
      held = [whole.at[index].set(v) for whole, v in zip(held, found, strict=False)]
      return total, pasted, held

    held = _room(spec, group, kernels) if keeps and group.room else []
    total, pasted, held = jax.lax.fori_loop(
      jnp.int32(0), plan.passes[number], one, (total, pasted, held)
    )
    kept.append(held)
  inside = pasted[:-1, BEFORE : BEFORE + grid[0], BEFORE : BEFORE + grid[1]]
  changes = (x.reshape(clips, joints, *x.shape[1:]) for x in (total[:-1], inside))
  return (*changes, kept)


def _backward(spec: _Spec, gradients, kept, maps, a, kernels, tables):
  """The gradients of one device's maps, and of a, kernels and tables over devices."""
  batch, need = _batch(maps)
  plan = schedule(need, spec.groups)
  of_total, of_changed = (x.reshape(-1, *x.shape[2:]) for x in gradients)
  of_total = jnp.pad(of_total, ((0, 1), (0, 0))).astype(spec.dtype)
  of_pasted = _around(of_changed)
  layers = prepared(kernels, spec.fewer_products, trains=True)
  sums = jax.tree.map(
    lambda x: jnp.zeros(x.shape, spec.wide), (batch.flat, a, kernels, tables)
  )
  for number, group in enumerate(spec.groups):

    def one(index, sums, number=number, group=group):
      """Adds the gradients of a pass, with its activations held or made again."""
      of_maps, of_a, of_kernels, of_tables = sums
      read = _read(batch, plan, number, group, index, a, tables)
      rows, joint, origin = read.rows, read.joint, read.origin
      found = [whole[index] for whole in kept[number]]
      found = found or activations(read.u, layers, read.empties)
      side = found[-1].shape[1:3]
      gradients = of_total[rows][:, None, None], _cut(of_pasted, rows, origin, side)
      of_u, *pulled = pulled_back(gradients, read.u, layers, read.empties, found)
      of_u = of_u.astype(spec.wide)
      of_maps = _paste(of_maps, of_u * a[joint][:, None, None], rows, CELL * origin)
      of_a = of_a.at[joint].add((of_u * read.window).sum((1, 2)))
      of_kernels = [x + new for x, new in zip(of_kernels, pulled[0], strict=True)]
      of_tables = [
        _added_to_table(whole, new, joint, cell)
        for whole, new, cell in zip(of_tables, pulled[1], read.cells, strict=True)
      ]
      return of_maps, of_a, of_kernels, of_tables

    sums = jax.lax.fori_loop(jnp.int32(0), plan.passes[number], one, sums)
  of_maps, *shared = sums
  inside = of_maps[:-1, : maps.shape[2], : maps.shape[3]].reshape(maps.shape)
  shared = sum_over_devices(shared, spec.mesh)
  shared = jax.tree.map(
    lambda found, like: found.astype(like.dtype), tuple(shared), (a, kernels, tables)
  )
  return inside.astype(maps.dtype), shared


class _Pass(NamedTuple):
  """What a pass over windows of one size reads.

  Attributes:
    rows: numbers of the maps.
    joint: of each map.
    origin: of each window, in units of 4 cells.
    window: the maps' cells.
    u: u_0.
    cells: see `_cells_of`.
    empties: A_l on the windows of each layer's output.
  """

  rows: Int[Array, 'm']
  joint: Int[Array, 'm']
  origin: Int[Array, 'm 2']
  window: Float[Array, 'm y x c']
  u: Float[Array, 'm y x c']
  cells: list[tuple[Int[Array, 'm y'], Int[Array, 'm x']]]
  empties: list[jax.Array]


def _read(batch: _Batch, plan: Schedule, number: int, group: Group, index, a, tables):
  """Pass `index` of the group with this number."""
  begin = plan.begins[number] + index * group.windows
  rows = jax.lax.dynamic_slice(plan.order, (begin,), (group.windows,))
  window, origin, joint = batch.windows(group, rows)
  u = (window * a[joint][:, None, None]).astype(tables[0].dtype)
  cells = _cells_of(group, batch.size, origin)
  empties = _empties(tables, joint, cells)
  return _Pass(rows, joint, origin, window, u, cells, empties)


def _cells_of(
  group: Group, size: Sequence[int], origin: Int[Array, 'm 2']
) -> list[tuple[Int[Array, 'm y'], Int[Array, 'm x']]]:
  """The rows and columns of each layer's table for the windows of its output."""
  found = []
  for lines, start, sides in zip(
    zip(*map(distinct_lines, size), strict=True),
    starts_of(origin),
    output_sides(group.shape),
    strict=True,
  ):
    rows, columns = (
      jnp.asarray(line.around)[start[:, axis, None] + np.arange(side)[None]]
      for axis, (line, side) in enumerate(zip(lines, sides, strict=True))
    )
    found.append((rows, columns))
  return found


def _empties(tables: Tables, joint: Int[Array, 'm'], cells) -> list[jax.Array]:
  """A_l on the windows of each layer's output."""
  return [
    table[joint[:, None, None], rows[:, :, None], columns[:, None]]
    for table, (rows, columns) in zip(tables, cells, strict=True)
  ]


def _added_to_table(
  sums: Float[Array, 'j h w d'],
  windows: Float[Array, 'm y x d'],
  joint: Int[Array, 'm'],
  cells: tuple[Int[Array, 'm y'], Int[Array, 'm x']],
) -> jax.Array:
  """Adds each window's cells to the cells of the table that stand for them."""
  dtype = sums.dtype
  rows, columns = (
    jax.nn.one_hot(cell, side, dtype=dtype)
    for cell, side in zip(cells, sums.shape[1:3], strict=True)
  )
  of_cells = jnp.einsum('myxd,myr,mxc->mrcd', windows.astype(dtype), rows, columns)
  return sums.at[joint].add(of_cells)


def _room(spec: _Spec, group: Group, kernels: Kernels) -> list[jax.Array]:
  """Memory for the activations of all passes of a group."""
  return [
    jnp.zeros((group.room or 0, group.windows, *side, kernel.shape[-1]), spec.dtype)
    for side, kernel in zip(output_sides(group.shape), kernels, strict=True)
  ]


def _cut(
  maps: Float[Array, 'n h w c'],
  rows: Int[Array, 'm'],
  starts: Int[Array, 'm 2'],
  size: Sequence[int],
) -> Float[Array, 'm y x c']:
  """Windows of the maps `rows`; none reaches over an edge."""

  def window(row, start):
    begin = (row, start[0], start[1], jnp.int32(0))
    return jax.lax.dynamic_slice(maps, begin, (1, *size, maps.shape[-1]))[0]

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
    mode=jax.lax.GatherScatterMode.PROMISE_IN_BOUNDS,
  )
