"""Brings positions in map cells to a range that a model reads well."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from input_pipeline.maps.canvas import MapSettings

NORMALIZATIONS = ('clip', 'frame')
_NO_EXTENT = 1e-3  # In cells: a clip that shows single joints has no scale.


def normalize_by_clip(
  cells: Float[Array, 't m j 2'],
  seen_cells: Float[Array, 't m j 2'],
  seen: Bool[Array, 't m j'],
  scale: Float[Array, ''],
) -> Float[Array, 't m j 2']:
  """Returns (cells - mean) / scale; ours.

  Args:
    cells: the positions to normalise, without gaps.
    seen_cells: positions whose mean over seen joints, people and frames is subtracted.
    seen: whether a joint is present.
    scale: from `clip_scale`.
  """
  weights = seen[..., None].astype(cells.dtype)
  count = jnp.maximum(weights.sum(), 1)
  mean = (weights * seen_cells).sum(axis=(0, 1, 2), keepdims=True) / count
  return (cells - mean) / scale


def clip_scale(
  cells: Float[Array, 't m j 2'], seen: Bool[Array, 't m j']
) -> Float[Array, '']:
  """Returns a clip's scale in cells: how far joints are from their person's middle.

  The root mean square distance of seen joints from the mean of their person's seen joints
  in the same frame, over the clip; 1 if that is 0 (ours).
  """
  weights = seen[..., None].astype(cells.dtype)
  joints = jnp.maximum(weights.sum(axis=2, keepdims=True), 1)
  middles = (weights * cells).sum(axis=2, keepdims=True) / joints
  squares = (weights * (cells - middles) ** 2).sum()
  scale = jnp.sqrt(squares / jnp.maximum(weights.sum(), 1))
  return jnp.where(scale > _NO_EXTENT, scale, 1)


def normalize_by_frame(
  cells: Float[Array, 't m j 2'], settings: MapSettings
) -> Float[Array, 't m j 2']:
  """Returns positions from the canvas's centre, in short sides of the frame.

  Like JHMDB's `pos_world`, which DD-Net reads, but without the person's scale.
  """
  height, width = settings.size
  centre = jnp.array([width - 1, height - 1], cells.dtype).reshape(1, 1, 1, 2) / 2
  return (cells - centre) / settings.short_side
