"""The maps that a heatmap data set stores: a clip's keypoints, rendered once."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from input_pipeline.pose_clip import PoseClip
from input_pipeline.rendering import (
  map_size_of_frame,
  pixels_to_cells,
  render_joint_maps,
)

DEFAULT_SHORT_SIDE = 64  # Cells; JMRN's official code.
DEFAULT_SIGMA = 2.0  # Cells, at a short side of 64; ours.

# Shapes are padded to these, so that clips of many sizes share a few programs.
_FRAMES_PER_CHUNK = 16
_GRID_STEP = 16


def render_clip(
  clip: PoseClip, *, short_side: int, sigma: float
) -> UInt8[np.ndarray, 't h w c']:
  """The joint maps of a clip, all persons together, as round(255 · value).

  `h, w` are `map_size_of_frame`; a chunk of frames is rendered at a time, on a grid
  slightly larger than the map, so that clips of many sizes share a few programs.
  """
  frame_size = np.array(clip.frame_size, np.int32)
  map_size = map_size_of_frame(frame_size, short_side)  # pyright: ignore (numpy too)
  height, width = (int(side) for side in map_size)
  grid = (_rounded_up(height, _GRID_STEP), _rounded_up(width, _GRID_STEP))
  persons = 1 << (clip.num_persons - 1).bit_length()  # The next power of two.
  maps = np.empty(
    (clip.num_frames, height, width, clip.skeleton.num_maps), dtype=np.uint8
  )
  for start in range(0, clip.num_frames, _FRAMES_PER_CHUNK):
    chunk = slice(start, start + _FRAMES_PER_CHUNK)
    rendered = _render_chunk(
      _padded(clip.keypoints[chunk], _FRAMES_PER_CHUNK, persons),
      _padded(clip.scores[chunk], _FRAMES_PER_CHUNK, persons),
      frame_size,
      map_size,
      grid=grid,
      sigma=float(sigma),
      background=clip.skeleton.background,
    )
    frames = len(maps[chunk])
    maps[chunk] = np.asarray(rendered)[:frames, :height, :width]
  return maps


@functools.partial(jax.jit, static_argnames=('grid', 'sigma', 'background'))
def _render_chunk(
  keypoints: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  frame_size: Int[Array, '2'],
  map_size: Int[Array, '2'],
  *,
  grid: tuple[int, int],
  sigma: float,
  background: bool,
) -> UInt8[Array, 't h w c']:
  maps = render_joint_maps(
    pixels_to_cells(keypoints, frame_size, map_size),
    scores,
    map_size=grid,
    sigma=sigma,
    background=background,
  )
  return jnp.round(255 * maps).astype(jnp.uint8)


def _padded(array: np.ndarray, frames: int, persons: int) -> np.ndarray:
  """Zeros after the last frame and person: missing joints, which leave nothing."""
  pad = [(0, frames - array.shape[0]), (0, persons - array.shape[1])]
  return np.pad(array, pad + [(0, 0)] * (array.ndim - 2))


def _rounded_up(value: int, step: int) -> int:
  return -(-value // step) * step
