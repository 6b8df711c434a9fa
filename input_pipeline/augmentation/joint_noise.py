"""Joint noise: each joint is displaced by itself in every frame; pure JAX.

Ours: pose estimators err independently from joint to joint and frame to frame.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Key


@struct.dataclass
class JointNoise:
  """One draw. The displacements follow from the key, for any number of frames."""

  key: Key[Array, '']
  deviation: Float[Array, '2']  # standard deviation (x, y), in cells


def displacements(
  noise: JointNoise, num_frames: int, num_joints: int
) -> Float[Array, 't j 2']:
  """Independent Gaussian displacements (x, y) in cells, the same for all people.

  People share them because they share a stored map.
  """
  shape = (num_frames, num_joints, 2)
  return noise.deviation.reshape(1, 1, 2) * jax.random.normal(
    noise.key, shape, jnp.float32
  )
