"""Fills missing joints in, so that every joint has a position at every moment."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def fill_missing(
  cells: Float[Array, 't m j 2'], seen: Bool[Array, 't m j']
) -> Float[Array, 't m j 2']:
  """Returns positions in which missing joints are estimated (our rule).

  A missing joint moves in a straight line between the nearest frames in which it is seen;
  before the first and after the last of them it stays in place. A joint that is never
  seen sits at the mean of its person's other joints in each frame. A person without any
  joint gets zeros.

  Args:
    cells: positions (x, y); those of missing joints are not read.
    seen: whether a joint is present; False in frames of padding.
  """
  over_time = _between_seen_frames(jnp.where(seen[..., None], cells, 0), seen)
  ever = seen.any(axis=0)  # [m, j]
  others = jnp.where(ever[None, ..., None], over_time, 0)
  count = jnp.maximum(ever.sum(axis=-1), 1).astype(cells.dtype)[None, :, None, None]
  middle = others.sum(axis=2, keepdims=True) / count
  return jnp.where(ever[None, ..., None], over_time, middle)


def _between_seen_frames(
  cells: Float[Array, 't m j 2'], seen: Bool[Array, 't m j']
) -> Float[Array, 't m j 2']:
  """Interpolates each joint linearly between frames; arbitrary for one never seen."""
  length = len(cells)
  frame = jnp.arange(length).reshape(-1, 1, 1)
  before = jax.lax.cummax(jnp.where(seen, frame, -1))
  after = jax.lax.cummin(jnp.where(seen, frame, length), reverse=True)
  first = jnp.where(before < 0, after, before)
  last = jnp.where(after == length, before, after)
  share = (frame - first) / jnp.maximum(last - first, 1)
  start = _at_frames(cells, first)
  return start + share[..., None] * (_at_frames(cells, last) - start)


def _at_frames(cells, frames):
  """The position of each joint in a frame of its own; `frames` is int `[t, m, j]`."""
  inside = jnp.clip(frames, 0, len(cells) - 1)
  return jnp.take_along_axis(cells, inside[..., None], axis=0)
