"""Which moments of a clip a model reads: evenly spread, or drawn at random; pure JAX."""

from __future__ import annotations

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int


@struct.dataclass
class TimeMotion:
  """One draw: the part of a clip that is read, and how time passes in it."""

  start: Float[Array, '']  # of the part, 0..1, as a share of what it can move by
  share: Float[Array, '']  # the part's length, above 0 up to 1, as a share of the clip
  tempo: Float[Array, '']  # γ: the part is read at u^γ for u from 0 to 1


def frame_places(
  num_frames: Int[Array, ''], count: int, motion: TimeMotion | None = None
) -> Float[Array, 't']:
  """The `count` moments to read, in frames from the clip's first, in order.

  Without a motion they are evenly spread from frame 0 to `num_frames` - 1.
  """
  along = jnp.linspace(0, 1, count)
  last = num_frames.astype(jnp.float32) - 1
  if motion is None:
    return along * last
  length = motion.share * last
  return motion.start * (last - length) + along**motion.tempo * length
