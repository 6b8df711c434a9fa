"""How many windows of each size the joint encoder runs on (ours).

Shapes of a compiled program are static, and motions differ from batch to batch. So a
plan, made once from a data set's motions, fixes for a few levels how many windows of
each size there are. The device measures each map's support, after augmentation, sorts
the maps by the size they need, and gives the largest windows to those that need the
most. A level fits a batch if every map then fits its window. The first level that fits
is used, and the dense network if none does, so no map is ever cut. Which branch runs is
chosen on the device: nothing is compiled again.
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
# Standard deviations, above the mean count of large motions, that a level has room for.
# With the dense network there are three compiled branches.
LEVELS = (0.5, 3.0)
MAX_SIZES = 4  # Besides whole maps; each costs compile time.

# (S, mean, standard deviation): the number of a clip's joints that need more than S.
Plan = Sequence[tuple[int, float, float]]
Counts = tuple[tuple[int, int], ...]


class Supports(NamedTuple):
  """Where maps are not empty, in units of 4 cells.

  Attributes:
    top, left: the first unit.
    need: the side of the square window, in units, that holds the support; at least 1.
  """

  top: Int[Array, 'b j']
  left: Int[Array, 'b j']
  need: Int[Array, 'b j']


def supports(maps: Float[Array, 'b j h w c']) -> Supports:
  """The support of each joint's map; cell (0, 0) for an empty map."""
  occupied = (maps != 0).any(axis=-1)
  top, bottom = _ends(occupied.any(axis=3))
  left, right = _ends(occupied.any(axis=2))
  need = jnp.maximum(bottom - top, right - left) + 1
  return Supports(top, left, need)


def _ends(occupied: Bool[Array, 'b j n']) -> tuple[jax.Array, jax.Array]:
  """The units with the first and the last occupied cell; both 0 without any."""
  length = occupied.shape[-1]
  first = jnp.argmax(occupied, axis=-1)
  last = length - 1 - jnp.argmax(occupied[..., ::-1], axis=-1)
  last = jnp.where(occupied.any(axis=-1), last, 0)
  return (first // CELL).astype(jnp.int32), (last // CELL).astype(jnp.int32)


def counts(plan: Plan, level: int, clips: int, joints: int) -> Counts:
  """(S, number of windows) for a number of clips, largest S first; S = 0 is whole maps.

  The numbers add up to `clips · joints`. Smaller maps move up into windows that the
  larger leave free. The level after the last has whole maps only.
  """
  if level == len(LEVELS):
    return ((0, clips * joints),)
  spread = LEVELS[level] * math.sqrt(clips)
  beyond = [
    min(math.ceil(clips * mean + spread * deviation), clips * joints)
    for _, mean, deviation in plan
  ]
  sizes = [0, *(size for size, _, _ in plan)]
  ends = [*itertools.accumulate(beyond, max), clips * joints]
  numbers = np.diff([0, *ends])
  return tuple(
    (size, int(number)) for size, number in zip(sizes, numbers, strict=True) if number
  )


def fits(need: Int[Array, 's n'], found: Counts) -> Bool[Array, '']:
  """Whether all maps fit their windows, on each of s devices with n maps."""
  ordered = -jnp.sort(-need, axis=-1)
  begin, fitting = 0, jnp.bool_(True)
  for size, count in found:
    if size:
      fitting &= (ordered[:, begin] <= size // CELL).all()
    begin += count
  return fitting


def level_for(plan: Plan, level: int, shape: Sequence[int], shards: int) -> Counts:
  """The counts of a level for one device's part of maps `[b, j, h, w, c]`."""
  clips = shape[0] // shards_of(shape[0], shards)
  return counts(plan, level, clips, shape[1])


def shards_of(clips: int, shards: int) -> int:
  """Groups of clips with windows of their own: one per device if they divide evenly."""
  return 1 if clips % shards else shards


def first_that_fits(
  plan: Plan, maps: Float[Array, 'b j h w c'], shards: int
) -> Int[Array, '']:
  """The index of the first level that fits; `len(LEVELS)` if none does."""
  need = supports(maps).need.reshape(shards_of(len(maps), shards), -1)
  fitting = [
    fits(need, level_for(plan, level, maps.shape, shards))
    for level in range(len(LEVELS))
  ]
  return jnp.argmax(jnp.stack([*fitting, jnp.bool_(True)]))


def cost(size: int, shape: tuple[int, int], features: Sequence[int]) -> float:
  """Multiplications of the encoder on a window, as a share of those on a whole map.

  Args:
    size: S; 0 for a whole map.
    shape: (height, width) of the maps.
  """
  first, last = features
  weights = (9 * 3 * first, 9 * first * first, 9 * first * last, 9 * last * last)
  halves, quarters = (math.prod(-(-side // down) for side in shape) for down in (2, 4))
  whole = np.dot(weights, (halves, halves, quarters, quarters))
  if not size:
    return 1.0
  sides = (size // 2 + 1, size // 2 + 3, size // 4 + 3, size // 4 + 5)
  return float(np.dot(weights, np.square(sides)) / whole)


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
  units = [u for u in range(2, largest + 1) if cost(CELL * u, shape, features) < 1]
  best, least = (), 1.0
  for number in range(1, min(MAX_SIZES, len(units)) + 1):
    for sizes in itertools.combinations(sorted(units, reverse=True), number):
      work = _work(needs, sizes, shape, features)
      if work < least - 1e-3:
        best, least = sizes, work
  beyond = [(needs > unit).sum(axis=1) for unit in best]
  return tuple(
    (CELL * unit, round(float(over.mean()), 3), round(float(over.std()), 3))
    for unit, over in zip(best, beyond, strict=True)
  )


def _work(needs, sizes: Sequence[int], shape, features) -> float:
  """The mean share of the dense network's work, with windows of these units."""
  edges = [0, *sorted(sizes), math.inf]
  shares = np.histogram(needs, bins=np.array(edges) + 0.5)[0] / needs.size
  costs = [*(cost(CELL * size, shape, features) for size in sorted(sizes)), 1.0]
  return float(np.dot(shares, costs))
