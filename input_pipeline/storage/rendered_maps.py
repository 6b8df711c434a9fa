"""Renders the maps that a data set stores: 8-bit joint maps and fields, PoTion maps."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int, UInt8

from input_pipeline.maps.part_fields import render_part_fields
from input_pipeline.maps.potion import PotionSettings, colour_weights
from input_pipeline.maps.quantization import quantize
from input_pipeline.maps.rendering import (
  map_size_of_frame,
  pixels_to_cells,
  render_joint_maps,
)
from input_pipeline.poses.clip import PoseClip

DEFAULT_SHORT_SIDE = 64  # Cells; JMRN's official code.
DEFAULT_SIGMA = 2.0  # Cells, at a short side of 64 (our choice).

# Shapes are padded to multiples of these, so that clips of many sizes share a few
# compiled programs.
_FRAMES_PER_CHUNK = 16
_GRID_STEP = 16
_STATIC = ('grid', 'sigma', 'background')


def render_clip(
  clip: PoseClip, *, short_side: int, sigma: float
) -> UInt8[np.ndarray, 't h w c']:
  """Renders a clip's joint maps, all people together, as round(255 · value).

  `h, w` are `map_size_of_frame`. Frames are rendered in chunks, on a grid slightly larger
  than the map, so that clips of many sizes share a few compiled programs.
  """
  height, width = _map_size(clip, short_side)
  maps = np.empty(
    (clip.num_frames, height, width, clip.skeleton.num_maps), dtype=np.uint8
  )
  for chunk, poses in _chunks(clip, short_side, sigma):
    rendered = np.asarray(_render_chunk(**poses))
    maps[chunk] = rendered[: len(maps[chunk]), :height, :width]
  return maps


def render_clip_parts(
  clip: PoseClip, *, short_side: int, width: float
) -> UInt8[np.ndarray, 't h w c']:
  """Renders a clip's part affinity fields, quantized as 'parts' (see `quantization`).

  Args:
    width: half width of a limb, in cells from its axis; see `part_fields`.
  """
  height, columns = _map_size(clip, short_side)
  shape = (clip.num_frames, height, columns, clip.skeleton.num_part_maps)
  fields = np.empty(shape, dtype=np.uint8)
  for chunk, poses in _chunks(clip, short_side, sigma=0.0):
    rendered = _render_chunk_parts(
      poses['keypoints'],
      poses['scores'],
      poses['frame_size'],
      poses['map_size'],
      grid=poses['grid'],
      limbs=clip.skeleton.limb_indices,
      width=float(width),
    )
    fields[chunk] = np.asarray(rendered)[: len(fields[chunk]), :height, :columns]
  return fields


def potion_clip_maps(
  clip: PoseClip, *, short_side: int, sigma: float, potion: PotionSettings
) -> Float32[np.ndarray, 'j h w c']:
  """The PoTion maps of a whole clip: time-weighted means of its joint maps, 0..1.

  Equals `potion.aggregate_maps` applied to `render_clip`'s maps before rounding. The
  normalization and the variant in `potion` are applied when the maps are read.
  """
  height, width = _map_size(clip, short_side)
  weights = _padded_weights(clip.num_frames, potion)
  total = 0.0
  for chunk, poses in _chunks(clip, short_side, sigma):
    total = total + _weighted_sum(weights[chunk], **poses)
  weight_sums = weights.sum(axis=0)
  means = np.asarray(total) / np.where(weight_sums > 0, weight_sums, 1)
  return means[:, :height, :width]


def _map_size(clip: PoseClip, short_side: int) -> tuple[int, int]:
  frame_size = np.array(clip.frame_size, np.int32)
  height, width = map_size_of_frame(frame_size, short_side)  # pyright: ignore (numpy)
  return int(height), int(width)


def _chunks(
  clip: PoseClip, short_side: int, sigma: float
) -> Iterator[tuple[slice, dict[str, Any]]]:
  """A clip's chunks of frames, each with its arguments for `_chunk_maps`."""
  map_size = _map_size(clip, short_side)
  persons = _next_power_of_two(clip.num_persons)
  for start in range(0, clip.num_frames, _FRAMES_PER_CHUNK):
    chunk = slice(start, start + _FRAMES_PER_CHUNK)
    yield (
      chunk,
      {
        'keypoints': _padded(clip.keypoints[chunk], _FRAMES_PER_CHUNK, persons),
        'scores': _padded(clip.scores[chunk], _FRAMES_PER_CHUNK, persons),
        'frame_size': np.array(clip.frame_size, np.int32),
        'map_size': np.array(map_size, np.int32),
        'grid': tuple(_rounded_up(side, _GRID_STEP) for side in map_size),
        'sigma': float(sigma),
        'background': clip.skeleton.background,
      },
    )


def _chunk_maps(
  keypoints: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  frame_size: Int[Array, '2'],
  map_size: Int[Array, '2'],
  *,
  grid: tuple[int, int],
  sigma: float,
  background: bool,
) -> Float[Array, 't h w c']:
  return render_joint_maps(
    pixels_to_cells(keypoints, frame_size, map_size),
    scores,
    map_size=grid,
    sigma=sigma,
    background=background,
  )


@functools.partial(jax.jit, static_argnames=_STATIC)
def _render_chunk(**poses) -> UInt8[Array, 't h w c']:
  return quantize(_chunk_maps(**poses), 'joints')


@functools.partial(jax.jit, static_argnames=('grid', 'limbs', 'width'))
def _render_chunk_parts(
  keypoints: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  frame_size: Int[Array, '2'],
  map_size: Int[Array, '2'],
  *,
  grid: tuple[int, int],
  limbs: tuple[tuple[int, int], ...],
  width: float,
) -> UInt8[Array, 't h w c']:
  cells = pixels_to_cells(keypoints, frame_size, map_size)
  fields = render_part_fields(cells, scores, limbs=limbs, map_size=grid, width=width)
  return quantize(fields, 'parts')


@functools.partial(jax.jit, static_argnames=_STATIC)
def _weighted_sum(weights: Float[Array, 't c'], **poses) -> Float[Array, 'j h w c']:
  # With a lower precision, a GPU would round the maps to 10 bits before multiplying.
  return jnp.einsum('thwj,tc->jhwc', _chunk_maps(**poses), weights, precision='highest')


def _padded_weights(
  num_frames: int, potion: PotionSettings
) -> Float32[np.ndarray, 't c']:
  """The weights for a clip's frames, followed by zeros that fill the last chunk."""
  max_frames = max(_next_power_of_two(num_frames), _FRAMES_PER_CHUNK)
  return np.asarray(_colour_weights(np.int32(num_frames), max_frames, potion))


_colour_weights = jax.jit(colour_weights, static_argnums=(1, 2))


def _padded(array: np.ndarray, frames: int, persons: int) -> np.ndarray:
  """Pads with zeros after the last frame and person: missing joints, which draw nothing."""
  pad = [(0, frames - array.shape[0]), (0, persons - array.shape[1])]
  return np.pad(array, pad + [(0, 0)] * (array.ndim - 2))


def _next_power_of_two(value: int) -> int:
  return 1 << (value - 1).bit_length()


def _rounded_up(value: int, step: int) -> int:
  return -(-value // step) * step
