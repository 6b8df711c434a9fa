"""Which joints' maps get windows of which size, and in which passes (ours).

Shapes of a compiled program are static, and motions differ from batch to batch. So a
plan, made once from a data set's motions, fixes a few sizes of windows. The device
measures each map's support, after augmentation, sorts the maps by the size they need, and
runs through each size in passes of a fixed number of windows, as many passes as the batch
needs. No map is cut, an empty map costs nothing, and nothing is compiled again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

CELL = 4  # Windows begin and end at multiples of the encoder's total stride.
MAX_SIZES = 6  # Besides whole maps; each costs compile time.
# Standard deviations, above the mean number of windows of a size, that there is memory
# for. What goes beyond moves up to the next larger size.
_ROOM = 3.0
# A pass has about this share of the work on all maps, were they whole: few passes have
# little to do besides, and many fit the maps' sizes closely.
_PASS = 1 / 120

# (S, mean, standard deviation): the number of a clip's joints whose smallest window is S.
Plan = Sequence[tuple[int, float, float]]


class Group(NamedTuple):
  """Windows of one size.

  Attributes:
    shape: (height, width) in cells.
    windows: number in a pass.
    room: passes whose features are kept for the gradient; None for any number of
      passes, with features that are computed again.
  """

  shape: tuple[int, int]
  windows: int
  room: int | None


class Supports(NamedTuple):
  """Where maps are not empty, in units of 4 cells.

  Attributes:
    top, left: the first unit.
    need: the side of the square window, in units, that holds the support; 0 for an
      empty map.
  """

  top: Int[Array, 'b j']
  left: Int[Array, 'b j']
  need: Int[Array, 'b j']


class Schedule(NamedTuple):
  """The maps in the order in which passes take them.

  Attributes:
    order: numbers of maps, largest support first; beyond the last, the number of maps.
    begins: the place in `order` of each group's first map.
    passes: each group's number of passes.
  """

  order: Int[Array, 'n']
  begins: Int[Array, 'g']
  passes: Int[Array, 'g']


def supports(maps: Float[Array, 'b j h w c']) -> Supports:
  """The support of each joint's map; cell (0, 0) for an empty map."""
  occupied = (maps != 0).any(axis=-1)
  return supports_of_lines(occupied.any(axis=3), occupied.any(axis=2))


def supports_of_lines(
  rows: Bool[Array, 'b j h'], columns: Bool[Array, 'b j w']
) -> Supports:
  """The same, from the rows and columns in which each joint's map is not empty."""
  top, bottom = _ends(rows)
  left, right = _ends(columns)
  need = jnp.maximum(bottom - top, right - left) + 1
  return Supports(top, left, jnp.where(rows.any(axis=2), need, 0))


def _ends(occupied: Bool[Array, 'b j n']) -> tuple[jax.Array, jax.Array]:
  """The units with the first and the last occupied cell; both 0 without any."""
  length = occupied.shape[-1]
  first = jnp.argmax(occupied, axis=-1)
  last = length - 1 - jnp.argmax(occupied[..., ::-1], axis=-1)
  last = jnp.where(occupied.any(axis=-1), last, 0)
  return (first // CELL).astype(jnp.int32), (last // CELL).astype(jnp.int32)


def groups(
  plan: Plan, clips: int, joints: int, shape: tuple[int, int], features: Sequence[int]
) -> tuple[Group, ...]:
  """The groups of a number of clips, largest windows first.

  The first group's windows are whole maps.

  Args:
    shape: (height, width) of the maps.
    features: channels of the encoder's stages.
  """
  maps = clips * joints

  def windows(size: int) -> int:
    return max(1, round(maps * _PASS / cost(size, shape, features)))

  height, width = (-(-side // CELL) * CELL for side in shape)
  found = [Group((height, width), windows(0), None)]
  for size, mean, deviation in plan:
    most = min(math.ceil(clips * mean + _ROOM * math.sqrt(clips) * deviation), maps)
    if most:
      found.append(Group((size, size), windows(size), -(-most // windows(size))))
  return tuple(found)


def schedule(need: Int[Array, 'n'], found: Sequence[Group]) -> Schedule:
  """Gives each map that is not empty to the smallest group that holds it and has room.

  The last pass of a group takes smaller maps too.

  Args:
    need: `Supports.need` of all maps.
    found: the groups, largest windows first; the first without a limit.
  """
  sides = [group.shape[0] // CELL for group in found[1:]]
  # Maps up to the end of each group: those that the smaller groups do not hold.
  ends = [(need > 0).sum(dtype=jnp.int32)]
  over = jnp.int32(0)
  for side, group in zip(reversed(sides), reversed(found[1:]), strict=True):
    larger = (need > side).sum(dtype=jnp.int32)
    if group.room is not None:
      over = jnp.maximum(ends[0] - larger - group.windows * group.room, 0)
    ends.insert(0, larger + over)
  begin, begins, passes = jnp.int32(0), [], []
  for end, group in zip(ends, found, strict=True):
    begins.append(begin)
    passes.append(jnp.maximum(-(-(end - begin) // group.windows), 0))
    begin += passes[-1] * group.windows
  order = jnp.argsort(-need).astype(jnp.int32)
  beyond = max(group.windows for group in found)
  order = jnp.pad(order, (0, beyond), constant_values=len(need))
  return Schedule(order, jnp.stack(begins), jnp.stack(passes))


def output_sides(shape: Sequence[int]) -> list[tuple[int, int]]:
  """Rows and columns of each layer's output on a window of this many cells."""
  height, width = shape
  grown = ((2, 1), (2, 3), (4, 3), (4, 5), (4, 5))
  return [(height // down + more, width // down + more) for down, more in grown]


def cost(size: int, shape: tuple[int, int], features: Sequence[int]) -> float:
  """Multiplications of the encoder on a window, as a share of the dense network's.

  A window grows by its layers' margins, also one of the whole map, whose features are
  computed again for the gradient: once more of three times.

  Args:
    size: S; 0 for a whole map.
    shape: (height, width) of the maps.
  """
  first, last = features
  weights = (9 * 3 * first, 9 * first * first, 9 * first * last, 9 * last * last)
  halves, quarters = (math.prod(-(-side // down) for side in shape) for down in (2, 4))
  whole = np.dot(weights, (halves, halves, quarters, quarters))
  window = [-(-side // CELL) * CELL for side in shape] if not size else (size, size)
  cells = [math.prod(sides) for sides in output_sides(window)[:-1]]
  again = 1 if size else 4 / 3
  return again * float(np.dot(weights, cells) / whole)


def make_plan(
  needs: Int[np.ndarray, 'b j'],
  shape: tuple[int, int],
  features: Sequence[int],
) -> tuple[tuple[int, float, float], ...]:
  """The plan with the least work for these motions; empty if whole maps are less.

  Args:
    needs: `Supports.need` of clips of the data set, augmented as in training.
    shape: (height, width) of the maps.
    features: channels of the encoder's stages.
  """
  largest = min(-(-side // CELL) for side in shape)
  whole = cost(0, shape, features)
  costs = {u: cost(CELL * u, shape, features) for u in range(2, largest + 1)}
  units = [u for u in costs if costs[u] < whole]
  # Shares of the maps that are not empty and need at most so many units.
  within = {u: float(((needs > 0) & (needs <= u)).mean()) for u in units}
  within[0], of_all = 0.0, float((needs > 0).mean())
  best, least = (), 1.0
  for number in range(1, min(MAX_SIZES, len(units)) + 1):
    for sizes in itertools.combinations(units, number):
      work = (of_all - within[sizes[-1]]) * whole
      below = 0
      for unit in sizes:
        work += (within[unit] - within[below]) * costs[unit]
        below = unit
      if work < least - 1e-3:
        best, least = sizes, work
  smaller = (0, *best)
  of_size = [
    ((needs > below) & (needs <= unit)).sum(axis=1)
    for below, unit in itertools.pairwise(smaller)
  ]
  return tuple(
    (CELL * unit, round(float(number.mean()), 3), round(float(number.std()), 3))
    for unit, number in zip(reversed(best), reversed(of_size), strict=True)
  )
