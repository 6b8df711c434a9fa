"""Renders keypoints as joint maps, in pure JAX.

A map cell (row, column) covers a rectangle in the frame. Positions in cells are 0-based
with integers at cell centres, same as pixels in the frame.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

TRUNCATE = 3.0  # In σ; ours. Maps are exactly 0 beyond, so that they compress well.


def map_size_of_frame(frame_size: Int[Array, '2'], short_side: int) -> Int[Array, '2']:
  """Map size for a frame: `short_side` cells on the shorter side, aspect ratio kept.

  Converts (height, width) in pixels to (height, width) in cells. Uses integer arithmetic
  (rounding half up), so that host (numpy) and device (jax) agree.
  """
  short = frame_size.min()
  return (2 * frame_size * short_side + short) // (2 * short)


def pixels_to_cells(
  keypoints: Float[Array, 't m j 2'],
  frame_size: Int[Array, '2'],
  map_size: Int[Array, '2'],
) -> Float[Array, 't m j 2']:
  """Converts frame pixels to map cells, both (x, y); sizes are (height, width)."""
  cells_per_pixel = (map_size / frame_size)[::-1].reshape(1, 1, 1, 2)
  return (keypoints + 0.5) * cells_per_pixel - 0.5


def render_joint_maps(
  cells: Float[Array, '*b m j 2'],
  scores: Float[Array, '*b m j'],
  *,
  map_size: tuple[int, int],
  sigma: float,
  background: bool = False,
  truncate: float = TRUNCATE,
) -> Float[Array, '*b h w c']:
  """Renders Gaussian joint maps, with the maximum over persons.

  The map of joint `j` is `max_m scores[m, j] · exp(-d² / 2σ²)`, where `d` is the cell's
  distance to the joint. The map is exactly 0 beyond `truncate`·σ; a joint with score 0 is
  not rendered. Source: ours, after OpenPose's training targets (maximum, not sum, so that
  close people keep their peaks).

  Args:
    cells: positions (x, y) in map cells; may lie outside the map.
    scores: 0..1, 0 = missing; the value at the peak.
    map_size: (h, w) in cells.
    sigma: in map cells.
    background: append the channel 1 - max over joints.
    truncate: radius, in σ, beyond which the map is 0.

  Returns:
    float32 maps in 0..1, channels last: `c` = `j`, plus one for the background.
  """
  height, width = map_size
  rows = _squared_distances(height, cells[..., 1])[..., :, None, :, :]
  columns = _squared_distances(width, cells[..., 0])[..., None, :, :, :]
  # A Gaussian factors over its axes: one exponential per row and column, not per cell.
  peak = scores[..., None, None, :, :] * jnp.exp(-rows / (2 * sigma**2))
  value = peak * jnp.exp(-columns / (2 * sigma**2))
  value = jnp.where(rows + columns <= (truncate * sigma) ** 2, value, 0)
  maps = value.max(axis=-2)
  if background:
    maps = append_background(maps)
  return maps


def occupied_lines(
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  *,
  map_size: tuple[int, int],
  sigma: float,
  truncate: float = TRUNCATE,
) -> tuple[Bool[Array, 'j h'], Bool[Array, 'j w']]:
  """The rows and columns in which each joint's map is not 0 in all frames.

  Without rendering: a row has a value if its distance to the joint and that of the
  nearest column are within the radius. The same as of rendered maps.

  Args:
    cells, scores, map_size, sigma, truncate: same as in `render_joint_maps`.
  """
  rows, columns = (
    _squared_distances(side, cells[..., axis])
    for side, axis in zip(map_size, (1, 0), strict=True)
  )  # [t, n, m, j]
  reach = (truncate * sigma) ** 2

  def occupied(own: jax.Array, other: jax.Array) -> jax.Array:
    inside = own + other.min(axis=1, keepdims=True) <= reach
    return (inside & (scores != 0)[:, None]).any(axis=(0, 2)).T

  return occupied(rows, columns), occupied(columns, rows)


def append_background(maps: Float[Array, '*b h w j']) -> Float[Array, '*b h w c']:
  """Adds the background channel, 1 - max over joints, after the joints."""
  return jnp.concatenate([maps, 1 - maps.max(axis=-1, keepdims=True)], axis=-1)


def _squared_distances(
  side: int, positions: Float[Array, '*b m j']
) -> Float[Array, '*b n m j']:
  """(cell - position)² along one axis of `side` cells."""
  grid = jnp.arange(side, dtype=jnp.float32)
  grid = grid.reshape((1,) * (positions.ndim - 2) + (side, 1, 1))
  return jnp.square(grid - positions[..., None, :, :])
