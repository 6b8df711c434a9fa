"""Limbs that turn and grow about their root joints; keypoints only, pure JAX.

Ours. An arm turns and stretches about its shoulder, a leg about its hip and the head
about the neck, wherever that joint is in each frame: the pose changes, and the motion of
the body stays. JMRN's groups (`pose_aware`) move about one point in all frames instead.
"""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Key

from input_pipeline.augmentation import plane
from input_pipeline.augmentation.pose_aware import moving_groups, pivot_positions
from input_pipeline.augmentation.ranges import check_amount, check_factors
from input_pipeline.skeletons.registry import Skeleton


@dataclasses.dataclass(frozen=True)
class LimbSettings:
  """Ranges for each limb (arm, leg, head) of `Skeleton.groups`.

  Attributes:
    turn: largest turn about the root joint, in degrees, in either direction.
    stretch: (smallest, largest) factor of the distances from the root joint.
  """

  turn: float = 0.0
  stretch: tuple[float, float] = (1.0, 1.0)

  def __post_init__(self):
    check_amount('limbs.turn', self.turn, 'in degrees', most=180)
    check_factors('limbs.stretch', self.stretch)

  @property
  def moves(self) -> bool:
    """Whether a limb can turn or stretch."""
    return self.turn > 0 or tuple(self.stretch) != (1.0, 1.0)


@struct.dataclass
class LimbMotion:
  """One draw, the same for all people and frames of a clip."""

  linear: Float[Array, 'j 2 2']  # about the root; the identity for the torso


def draw(key: Key[Array, ''], settings: LimbSettings, skeleton: Skeleton) -> LimbMotion:
  """Draws the motion for one view of a clip, for each limb by itself."""
  turn_key, stretch_key = jax.random.split(key)
  group_of_joint, joins_in = moving_groups(skeleton)
  number = (len(joins_in),)
  most = math.radians(settings.turn)
  angle = jax.random.uniform(turn_key, number, minval=-most, maxval=most)
  short, long = settings.stretch
  stretch = jax.random.uniform(stretch_key, number, minval=short, maxval=long)
  turns = plane.linear_map(jnp.ones(number), jnp.zeros(number), angle)
  linear = stretch[:, None, None] * turns
  linear = jnp.where(joins_in[:, None, None], linear, jnp.eye(2)[None])
  return LimbMotion(linear=linear[group_of_joint])


def move_keypoints(
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  motion: LimbMotion,
  skeleton: Skeleton,
) -> Float[Array, 't m j 2']:
  """Moves each limb about its root joint's position in the frame.

  The root is `Skeleton.group_pivots`. In a frame where it is missing, the limb moves about
  the score-weighted mean position of its own joints.
  """
  roots = pivot_positions(scores, scores[..., None] * cells, skeleton)
  change = motion.linear - jnp.eye(2)[None]
  return cells + plane.transformed(cells - roots, change[None, None])
