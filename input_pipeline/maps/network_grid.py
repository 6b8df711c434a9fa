"""Converts a pose network's maps to a data set's grid: resampled, denoised, 8-bit."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float, UInt8

from input_pipeline.maps.quantization import quantize
from input_pipeline.maps.rendering import map_size_of_frame

# Smaller values are set to 0, which compresses well. Ours: a small network's true peaks
# are about 0.3 high, and its noise is about 0.02.
DEFAULT_THRESHOLD = 0.05


def map_size(frame_size: tuple[int, int], short_side: int) -> tuple[int, int]:
  """Size of the stored maps for a frame size: (height, width) in cells."""
  size = np.array(frame_size, np.int32)
  height, width = map_size_of_frame(size, short_side)  # pyright: ignore (numpy)
  return int(height), int(width)


def resampled(
  values: Float[np.ndarray, 't h w c'],
  cell_size: tuple[float, float],
  frame_size: tuple[int, int],
  size: tuple[int, int],
) -> Float[np.ndarray, 't h2 w2 c']:
  """Resamples maps to a grid of `size` cells over the frame; cubic, antialiased.

  Args:
    cell_size: (height, width) of an input cell, in pixels.
  """
  rows, columns = (
    _weights(cells, new, cell * new / side)
    for cells, new, cell, side in zip(
      values.shape[1:3], size, cell_size, frame_size, strict=True
    )
  )
  count, height, width, channels = values.shape
  tall = np.matmul(rows, values.reshape(count, height, width * channels))
  return np.matmul(columns, tall.reshape(count, size[0], width, channels))


@functools.lru_cache(maxsize=64)
def _weights(
  cells: int, new_cells: int, enlargement: float
) -> Float[np.ndarray, 'new old']:
  """Weight of each old cell in each new cell, along one axis.

  Equals `jax.image.scale_and_translate` with method 'cubic', which resamples the spatial
  pose CNN's own maps, but needs no compilation per frame size.
  """
  centres = (np.arange(new_cells) + 0.5) / enlargement - 0.5
  # A wider kernel for downsampling avoids aliasing.
  width = max(1.0, 1 / enlargement)
  distance = np.abs(centres[:, None] - np.arange(cells)) / width
  weights = np.where(distance < 2, _cubic(distance), 0)
  return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _cubic(distance: np.ndarray) -> np.ndarray:
  """Keys' kernel (1981), a = -0.5, for distances below 2."""
  inner = (1.5 * distance - 2.5) * distance**2 + 1
  outer = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
  return np.where(distance < 1, inner, outer)


def coded(
  values: Float[np.ndarray, 't h w c'],
  modality: str,
  *,
  threshold: float,
  background: bool = False,
) -> UInt8[np.ndarray, 't h w c']:
  """Removes noise from joint maps or part affinity fields, and quantizes the result.

  Values closer to 0 than the threshold become exactly 0; in part affinity fields, x and y
  are treated separately.

  Args:
    modality: 'joints' or 'parts'.
    background: whether the last map is the background. Only background values closer to
      1 than the threshold change: they become exactly 1.
  """
  kept = np.where(np.abs(values) < threshold, 0, values)
  if background:
    last = values[..., -1]
    kept[..., -1] = np.where(1 - last < threshold, 1, last)
  return quantize(kept, modality)
