"""Reads trajectories at given moments, or as a cubic spline; filters them over time."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import scipy  # Loads its parts when they are used.
from jaxtyping import Array, Float, Int

RESAMPLINGS = ('linear', 'cubic')
_ON_A_FRAME = 1e-3  # In frames: a moment this near to a frame is the frame itself.


def resample_linear(
  values: Float[Array, 't m j c'], places: Float[Array, 'T']
) -> Float[Array, 'T m j c']:
  """Interpolates linearly at `places`, in frames from the first."""
  lower, upper, share = _neighbours(places, len(values))
  share = share.reshape(-1, 1, 1, 1)
  return (1 - share) * values[lower] + share * values[upper]


def resample_scores(
  scores: Float[Array, 't m j'], places: Float[Array, 'T']
) -> Float[Array, 'T m j']:
  """Interpolates scores at `places`; 0 where a joint is missing in a neighbouring frame.

  A moment on a frame has no other neighbour. The scores of a person who would lose all
  of them so, seen only in single frames, are interpolated with missing joints as 0:
  without any score the person would count as absent.
  """
  lower, upper, share = _neighbours(places, len(scores))
  share = share.reshape(-1, 1, 1)
  before, after = scores[lower], scores[upper]
  mean = (1 - share) * before + share * after
  seen = (before > 0) & ((after > 0) | (share == 0))
  sure = jnp.where(seen, mean, 0)
  absent = ~seen.any(axis=(0, 2), keepdims=True)
  return jnp.where(absent, mean, sure)


def _neighbours(places: Float[Array, 'T'], length: int):
  """The frames before and after each place, and the share of the later one."""
  nearest = jnp.round(places)
  # Rounding would otherwise put a frame between itself and its neighbour.
  places = jnp.where(jnp.abs(places - nearest) < _ON_A_FRAME, nearest, places)
  lower = jnp.clip(jnp.floor(places), 0, length - 1)
  share = places - lower
  lower = lower.astype(jnp.int32)
  return lower, jnp.minimum(lower + 1, length - 1), share


def resample_cubic(
  values: Float[Array, 't m j c'], num_frames: Int[Array, ''], count: int
) -> Float[Array, 'T m j c']:
  """Resamples the first `num_frames` frames to `count`, as DD-Net's code does.

  Each coordinate is an interpolating cubic spline, `scipy.ndimage.zoom` of order 3, from
  the first frame to the last. For one length this is a linear map, so that a table of
  them, made on the host, serves clips of all lengths.
  """
  table = jnp.asarray(_zoom_table(len(values), count))
  return jnp.einsum(
    'T t, t m j c -> T m j c',
    table[num_frames],
    values,
    precision=jax.lax.Precision.HIGHEST,
  )


@functools.lru_cache(maxsize=8)
def _zoom_table(longest: int, count: int) -> Float[np.ndarray, 'n T t']:
  """The weights of `longest` frames for each length up to `longest`; zeros for 0."""
  table = np.zeros((longest + 1, count, longest), np.float32)
  for length in range(1, longest + 1):
    table[length, :, :length] = scipy.ndimage.zoom(np.eye(length), (count / length, 1))
  return table


def median_of_three(
  values: Float[Array, 't m j c'], num_frames: Int[Array, '']
) -> Float[Array, 't m j c']:
  """Returns the median of each frame and its neighbours, zeros beyond the ends.

  `scipy.signal.medfilt` over 3 frames, as in DD-Net's PyTorch port. Frames from
  `num_frames` on are padding.
  """
  real = jnp.arange(len(values)) < num_frames
  values = jnp.where(real.reshape(-1, 1, 1, 1), values, 0)
  nothing = jnp.zeros_like(values[:1])
  before = jnp.concatenate([nothing, values[:-1]])
  after = jnp.concatenate([values[1:], nothing])
  low, high = jnp.minimum(before, values), jnp.maximum(before, values)
  return jnp.maximum(low, jnp.minimum(high, after))
