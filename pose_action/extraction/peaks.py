"""Keypoints out of a pose network's joint maps: the highest point of each."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def pick_peaks(
  maps: Float[np.ndarray, 't h w j'], *, threshold: float
) -> tuple[Float[np.ndarray, 't j 2'], Float[np.ndarray, 't j']]:
  """The highest point of each joint map: one person, the clearest of each joint.

  Its place is refined below a cell by the parabola through the cell and its two
  neighbours, along each axis: at most half a cell, not at a border. Ours.

  Args:
    maps: of joints alone, without the background.
    threshold: a lower peak is a missing joint.

  Returns:
    Positions (x, y) in map cells, 0-based with whole numbers at centres, and scores:
    the value of the highest cell within 0..1, 0 where missing.
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
  """Map cells to frame pixels, both (x, y); a cell's (height, width) is in pixels.

  The inverse of `rendering.pixels_to_cells`.
  """
  size = np.array(cell_size[::-1], np.float32)
  return (cells + np.float32(0.5)) * size.reshape((1,) * (cells.ndim - 1) + (2,)) - 0.5


def _offset(
  maps: Float[np.ndarray, 't h w j'], rows: np.ndarray, columns: np.ndarray, axis: int
) -> Float[np.ndarray, 't j']:
  """From the centre of the highest cell to the parabola's top, -0.5..0.5 cells."""
  frame = np.arange(maps.shape[0])[:, None]
  joint = np.arange(maps.shape[3])
  position, last = (rows, columns)[axis], maps.shape[1 + axis] - 1

  def value(step: int) -> np.ndarray:
    moved = np.clip(position + step, 0, last)
    place = (moved, columns) if axis == 0 else (rows, moved)
    return maps[frame, place[0], place[1], joint]

  before, here, after = value(-1), value(0), value(1)
  curvature = before - 2 * here + after  # Not above 0 at the highest cell.
  bent = (curvature < 0) & (position > 0) & (position < last)
  return np.where(bent, (before - after) / np.where(bent, 2 * curvature, 1), 0)
