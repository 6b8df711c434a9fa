"""Draws a clip's augmentation, and moves keypoints by it, in pure JAX.

All frames in a clip share one draw, and so do all representations of the clip. Joints
move group by group first (`pose_aware`), then the clip moves as a whole. Stored maps move
by the same draw in `maps.stored_motion`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Key

from input_pipeline.augmentation import pose_aware
from input_pipeline.augmentation.pose_aware import JointMotion, PoseAwareSettings
from input_pipeline.skeletons.registry import Skeleton


@dataclasses.dataclass(frozen=True)
class AugmentSettings:
  """Ranges for augmentation.

  Attributes:
    flip_probability: probability of mirroring left and right.
    scale: (smallest, largest) magnification about the map's centre.
    shift: largest translation in each direction, as a share of the map's side.
    pose_aware: JMRN's translation and rotation of joint groups.
    views: independently augmented views per clip in a batch (JMRN Sec. 3.1 uses 2).
  """

  flip_probability: float = 0.5
  scale: tuple[float, float] = (1.0, 1.0)
  shift: float = 0.0
  pose_aware: PoseAwareSettings = dataclasses.field(default_factory=PoseAwareSettings)
  views: int = 1

  def __post_init__(self):
    if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
      raise ValueError(
        f'augment.scale is {self.scale}; it is (smallest, largest), both above 0'
        ' (repeating a tuple flag appends to it instead of replacing it)'
      )
    if self.views < 1:
      raise ValueError(f'augment.views is {self.views}, but must be at least 1')

  @property
  def moves(self) -> bool:
    """Whether a clip can be scaled or shifted."""
    return self.shift > 0 or tuple(self.scale) != (1.0, 1.0)


@struct.dataclass
class Augmentation:
  """One clip's draw."""

  flip: Bool[Array, '']
  scale: Float[Array, '']
  shift: Float[Array, '2']  # (x, y) in cells
  joint_motion: JointMotion | None = None  # None without pose-aware augmentation


def mirror() -> Augmentation:
  """The mirror image of a clip, and nothing else."""
  return Augmentation(
    flip=jnp.array(True), scale=jnp.float32(1), shift=jnp.zeros(2, jnp.float32)
  )


def draw(
  key: Key[Array, ''],
  settings: AugmentSettings,
  map_size: tuple[int, int],
  skeleton: Skeleton,
) -> Augmentation:
  """Draws one view's augmentation; `map_size` is (h, w) in cells."""
  flip_key, scale_key, shift_key = jax.random.split(key, 3)
  low, high = settings.scale
  reach = settings.shift * jnp.array(map_size[::-1], jnp.float32)
  joint_motion = None
  if settings.pose_aware.moves:
    joint_key = jax.random.fold_in(key, 3)
    joint_motion = pose_aware.draw(joint_key, settings.pose_aware, skeleton)
  return Augmentation(
    flip=jax.random.bernoulli(flip_key, settings.flip_probability),
    scale=jax.random.uniform(scale_key, minval=low, maxval=high),
    shift=jax.random.uniform(shift_key, (2,), minval=-reach, maxval=reach),
    joint_motion=joint_motion,
  )


def augment_keypoints(
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  augmentation: Augmentation,
  *,
  map_size: tuple[int, int],
  flip_permutation: Sequence[int],
) -> tuple[Float[Array, 't m j 2'], Float[Array, 't m j']]:
  """Mirrors, then scales and shifts positions (x, y) in map cells.

  Args:
    flip_permutation: `Skeleton.flip_permutation`.
  """
  height, width = map_size
  permutation = jnp.array(flip_permutation)
  mirrored = jnp.stack([width - 1 - cells[..., 0], cells[..., 1]], axis=-1)
  cells = jnp.where(augmentation.flip, mirrored[:, :, permutation], cells)
  scores = jnp.where(augmentation.flip, scores[:, :, permutation], scores)
  centre = jnp.array([width - 1, height - 1], jnp.float32).reshape(1, 1, 1, 2) / 2
  moved = centre + augmentation.scale * (cells - centre)
  return moved + augmentation.shift.reshape(1, 1, 1, 2), scores
