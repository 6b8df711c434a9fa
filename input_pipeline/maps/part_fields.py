"""Renders keypoints as part affinity fields (PA3D Sec. 3.1; Cao et al., CVPR 2017).

A limb's field has a vector in every cell: the limb's direction within the limb's width,
0 elsewhere. It encodes a limb's position and direction. Pure JAX.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Cells from a limb's axis. Ours: OpenPose trains with 1 cell at 46 cells per short side,
# which is 1.4 cells at 64.
DEFAULT_WIDTH = 1.5
_SHORTEST = 1e-3  # Cells; a shorter limb has no direction.


def render_part_fields(
  cells: Float[Array, '*b m j 2'],
  scores: Float[Array, '*b m j'],
  *,
  limbs: Sequence[tuple[int, int]],
  map_size: tuple[int, int],
  width: float,
) -> Float[Array, '*b h w c']:
  """Renders part affinity fields, (x, y) for each limb in turn: `c` is 2 · limbs.

  Let v be the unit vector from a limb's first joint a to its second joint, and l their
  distance. A person's field at p is s·v where 0 ≤ v·(p - a) ≤ l and |v⊥·(p - a)| ≤
  `width` (Cao et al. Eq. 8 and 9). Overlapping fields of several people are averaged
  (Eq. 10). s is the smaller of both joints' scores (ours; Cao et al. use 1), so a limb
  with a missing joint has no field.

  Args:
    cells: positions (x, y) in map cells; may lie outside the map.
    scores: 0..1, 0 = missing.
    limbs: pairs of joint indices, from the skeleton.
    map_size: (h, w) in cells.
    width: largest distance from the limb's axis, in cells.
  """
  first, second = (np.array(ends) for ends in zip(*limbs, strict=True))
  start = cells[..., first, :]
  along = cells[..., second, :] - start
  length = jnp.sqrt(jnp.square(along).sum(axis=-1))
  direction = along / jnp.maximum(length, _SHORTEST)[..., None]
  score = jnp.minimum(scores[..., first], scores[..., second])
  score = jnp.where(length >= _SHORTEST, score, 0)

  x, y = direction[..., 0], direction[..., 1]
  height, columns = map_size
  down = _from_start(height, start[..., 1])[..., :, None, :, :]
  right = _from_start(columns, start[..., 0])[..., None, :, :, :]
  x_, y_ = x[..., None, None, :, :], y[..., None, None, :, :]
  forward = right * x_ + down * y_
  aside = right * y_ - down * x_
  inside = (forward >= 0) & (forward <= length[..., None, None, :, :])
  inside &= (jnp.abs(aside) <= width) & (score[..., None, None, :, :] > 0)

  people = jnp.maximum(inside.sum(axis=-2), 1).astype(jnp.float32)
  fields = [
    jnp.where(inside, (score * part)[..., None, None, :, :], 0).sum(axis=-2) / people
    for part in (x, y)
  ]
  interleaved = jnp.stack(fields, axis=-1)
  return interleaved.reshape(*interleaved.shape[:-2], 2 * len(limbs))


def _from_start(
  side: int, positions: Float[Array, '*b m l']
) -> Float[Array, '*b n m l']:
  """cell - position along one axis of `side` cells."""
  grid = jnp.arange(side, dtype=jnp.float32)
  grid = grid.reshape((1,) * (positions.ndim - 2) + (side, 1, 1))
  return grid - positions[..., None, :, :]
