"""Picks keypoints from a pose network's joint maps: the highest point of each map."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def pick_peaks(
  maps: Float[np.ndarray, 't h w j'], *, threshold: float
) -> tuple[Float[np.ndarray, 't j 2'], Float[np.ndarray, 't j']]:
  """The highest point of each joint map, so one person at most.

  Positions are refined to less than a cell: along each axis, a parabola through the
  highest cell and its two neighbours moves the peak by at most half a cell. Cells at a
  border are not refined along that axis. Our choice.

  Args:
    maps: joint maps, without the background.
    threshold: a joint with a lower peak is missing.

  Returns:
    Positions (x, y) in map cells, 0-based with whole numbers at cell centres; and scores,
    the value of the highest cell clipped to 0..1, or 0 for a missing joint.
  """
  count, height, width, joints = maps.shape
  flat = maps.reshape(count, height * width, joints)
  highest = flat.argmax(axis=1)
  peaks = np.take_along_axis(flat, highest[:, None], axis=1)[:, 0]
  rows, columns = np.divmod(highest, width)
  y = rows + _offset(maps, rows, columns, axis=0)
  x = columns + _offset(maps, rows, columns, axis=1)
  scores = np.where(peaks >= threshold, np.clip(peaks, 0, 1), 0)
  return np.stack([x, y], axis=-1).astype(np.float32), scores.astype(np.float32)


def cells_to_pixels(
  cells: Float[np.ndarray, '*b 2'], cell_size: tuple[float, float]
) -> Float[np.ndarray, '*b 2']:
  """Converts (x, y) in map cells to frame pixels; inverse of `pixels_to_cells`.

  Args:
    cell_size: (height, width) of a cell in pixels.
  """
  size = np.array(cell_size[::-1], np.float32)
  return (cells + np.float32(0.5)) * size.reshape((1,) * (cells.ndim - 1) + (2,)) - 0.5


def _offset(
  maps: Float[np.ndarray, 't h w j'], rows: np.ndarray, columns: np.ndarray, axis: int
) -> Float[np.ndarray, 't j']:
  """Offset of the parabola's top from the centre of the highest cell, -0.5..0.5 cells."""
  frame = np.arange(maps.shape[0])[:, None]
  joint = np.arange(maps.shape[3])
  position, last = (rows, columns)[axis], maps.shape[1 + axis] - 1

  def value(step: int) -> np.ndarray:
    moved = np.clip(position + step, 0, last)
    place = (moved, columns) if axis == 0 else (rows, moved)
    return maps[frame, place[0], place[1], joint]

  before, here, after = value(-1), value(0), value(1)
  curvature = before - 2 * here + after  # At most 0 at the highest cell.
  bent = (curvature < 0) & (position > 0) & (position < last)
  return np.where(bent, (before - after) / np.where(bent, 2 * curvature, 1), 0)
