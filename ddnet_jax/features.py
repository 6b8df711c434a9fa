"""What the networks read from a person's trajectory: distances, positions, motions.

Positions are in the unit of `config.data.trajectories`. Nothing here has parameters.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jaxtyping import Array, Float

# Keeps the gradient of a distance finite where two joints meet; ours.
_MEETING = 1e-6
_STEP_SCALE = 5.0  # ours: brings differences over 1 frame to about 1
_STRIDE, _STRIDE_SCALE = 4, 2.0  # ours: the same for differences over 4 frames


def joint_collection_distances(
  positions: Float[Array, 'n t j 2'],
) -> Float[Array, 'n t p']:
  """DD-Net's JCD: all distances d between two joints, as (d - mean) / mean.

  The p = j (j - 1) / 2 pairs are in the order of the upper triangle, row by row. The mean
  is over all pairs and frames of one person. A person whose distances are all 0 keeps
  zeros.
  """
  first, second = np.triu_indices(positions.shape[2], 1)
  apart = positions[:, :, first] - positions[:, :, second]
  distances = jnp.sqrt(_squared_length(apart))
  mean = distances.mean(axis=(1, 2), keepdims=True)
  return (distances - mean) / jnp.where(mean > 0, mean, 1)


def slow_motion(positions: Float[Array, 'n t j 2']) -> Float[Array, 'n t c']:
  """DD-Net's slow motion: P[t + 1] - P[t], stretched from t - 1 frames to t; c = 2j."""
  return _stretched(positions[:, 1:] - positions[:, :-1], positions.shape[1])


def fast_motion(positions: Float[Array, 'n t j 2']) -> Float[Array, 'n t2 c']:
  """DD-Net's fast motion: `slow_motion` of every second frame, ⌈t / 2⌉ frames."""
  return slow_motion(positions[:, ::2])


def _stretched(motion: Float[Array, 'n s j 2'], frames: int) -> Float[Array, 'n t c']:
  """Resized bilinearly over frames, with half-pixel centres (both official codes)."""
  motion = rearrange(motion, 'n s j xy -> n s (j xy)')
  shape = (motion.shape[0], frames, motion.shape[2])
  return jax.image.resize(motion, shape, 'linear', antialias=False)


def distances_to_all_joints(
  positions: Float[Array, 'n t j 2'],
) -> Float[Array, 'n t j i']:
  """√(d² + 1e-6) from each joint to every joint, itself included; ours."""
  apart = positions[:, :, :, None] - positions[:, :, None]
  return jnp.sqrt(_squared_length(apart) + _MEETING)


def _squared_length(vectors: Float[Array, '*n 2']) -> Float[Array, '*n']:
  """x² + y².

  As a sum over the last axis it takes ten times as long in training on CPUs, where XLA
  hands reductions to a library.
  """
  return jnp.square(vectors[..., 0]) + jnp.square(vectors[..., 1])


def centred(positions: Float[Array, 'n t j 2']) -> Float[Array, 'n t j 2']:
  """Positions minus the mean joint of their frame; ours."""
  return positions - positions.mean(axis=2, keepdims=True)


def steps(positions: Float[Array, 'n t j 2']) -> Float[Array, 'n t j 2']:
  """Five times the difference to the next frame; the last is repeated; ours."""
  motion = positions[:, 1:] - positions[:, :-1]
  return _STEP_SCALE * jnp.concatenate([motion, motion[:, -1:]], axis=1)


def strides(positions: Float[Array, 'n t j 2']) -> Float[Array, 'n t j 2']:
  """Twice the difference from 2 frames before to 2 frames after; ours.

  The first two frames have the third one's difference, and the last two that of the one
  before them.
  """
  motion = positions[:, _STRIDE:] - positions[:, :-_STRIDE]
  half = _STRIDE // 2
  padding = ((0, 0), (half, half), (0, 0), (0, 0))
  return _STRIDE_SCALE * jnp.pad(motion, padding, mode='edge')


def _pairs(positions: Float[Array, 'n t j 2']) -> Float[Array, 'n t p']:
  """√(d² + 1e-6) for the pairs of `joint_collection_distances`."""
  first, second = np.triu_indices(positions.shape[2], 1)
  apart = positions[:, :, first] - positions[:, :, second]
  return jnp.sqrt(_squared_length(apart) + _MEETING)


def _flat(feature: Callable[[jax.Array], jax.Array]):
  return lambda positions: rearrange(feature(positions), 'n t j xy -> n t (j xy)')


# What one stem of `StreamEncoder` reads, by the name in `config.model.streams`: from
# positions [n, t, j, 2] to [n, t, c].
STREAMS: dict[str, Callable[[jax.Array], jax.Array]] = {
  'distances': _pairs,
  'positions': _flat(centred),
  'steps': _flat(steps),
  'strides': _flat(strides),
}
