"""A pose network's maps on the grid that a data set stores, free of noise, in 8 bits."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float, UInt8

from input_pipeline.maps.quantization import quantize
from input_pipeline.maps.rendering import map_size_of_frame

# What is below is nothing, and compresses to nothing. Ours: a true peak of a small
# network is about 0.3 high, and its noise about 0.02.
DEFAULT_THRESHOLD = 0.05


def map_size(frame_size: tuple[int, int], short_side: int) -> tuple[int, int]:
  """(height, width) in cells of the stored maps of frames of that size."""
  size = np.array(frame_size, np.int32)
  height, width = map_size_of_frame(size, short_side)  # pyright: ignore (numpy)
  return int(height), int(width)


def resampled(
  values: Float[np.ndarray, 't h w c'],
  cell_size: tuple[float, float],
  frame_size: tuple[int, int],
  size: tuple[int, int],
) -> Float[np.ndarray, 't h2 w2 c']:
  """Maps on a grid of `size` cells that covers the frame; cubic, against aliasing.

  Args:
    cell_size: (height, width) of the given maps' cells, in pixels.
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
  """What each of the old cells on one axis gives to each of the new ones.

  As `jax.image.scale_and_translate` with method 'cubic', which the spatial pose CNN's
  own maps are resampled by; but without a program for each size of frames.
  """
  centres = (np.arange(new_cells) + 0.5) / enlargement - 0.5
  # What becomes smaller is smoothed, against aliasing.
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
  """Joint maps or part affinity fields as `quantization` codes them, without noise.

  Of joints, what is below the threshold is exactly 0; of fields, each of x and y that is
  less from 0.

  Args:
    modality: 'joints' or 'parts'.
    background: the last map is the background, which stays as it is, and is exactly 1
      where it is nearer to 1 than the threshold.
  """
  kept = np.where(np.abs(values) < threshold, 0, values)
  if background:
    last = values[..., -1]
    kept[..., -1] = np.where(1 - last < threshold, 1, last)
  return quantize(kept, modality)
