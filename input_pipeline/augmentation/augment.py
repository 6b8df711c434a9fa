"""Draws a clip's augmentation, and moves keypoints by it, in pure JAX.

All representations of a clip share one draw, and so do all its frames, except for joint
noise. Joints move by themselves and group by group first, then the clip moves as a whole:
flip, aspect, shear, rotation, scale, shift. Stored maps move by the same draw in
`maps.stored_motion`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Key

from input_pipeline.augmentation import joint_masking, limbs, plane, pose_aware, time
from input_pipeline.augmentation.joint_masking import JointMaskingSettings
from input_pipeline.augmentation.joint_noise import JointNoise
from input_pipeline.augmentation.limbs import LimbMotion, LimbSettings
from input_pipeline.augmentation.plane import transformed
from input_pipeline.augmentation.pose_aware import JointMotion, PoseAwareSettings
from input_pipeline.augmentation.ranges import (
  check_amount,
  check_factors,
  check_share,
)
from input_pipeline.augmentation.time import TimeMotion, TimeSettings
from input_pipeline.skeletons.registry import Skeleton

# What each draw folds into the view's key. Flip, scale and shift split the key in three,
# which uses 0 to 2. A number never changes: older runs must draw what they drew.
_JOINT_MOTION = 3
_LINEAR = 4
_JOINT_NOISE = 5
_JOINT_MASKING = 6
_TIME = 7
_LIMBS = 8


@dataclasses.dataclass(frozen=True)
class AugmentSettings:
  """Ranges for augmentation.

  Attributes:
    flip_probability: probability of mirroring left and right.
    scale: (smallest, largest) magnification about the map's centre.
    shift: largest translation in each direction, as a share of the map's side.
    rotation: largest turn about the map's centre, in degrees, in either direction.
    aspect: (smallest, largest) factor of x alone; y keeps its length.
    shear: largest shift of x per cell of y, in either direction.
    joint_noise: standard deviation of each joint's displacement in each frame, as a share
      of the map's side.
    joint_masking: joints that are missing in the whole clip.
    time: the part of a clip that is read, its tempo, and missing frames.
    limbs: turns and stretches of limbs about their root joints; keypoints only.
    pose_aware: JMRN's translation and rotation of joint groups.
    views: independently augmented views per clip in a batch (JMRN Sec. 3.1 uses 2).
  """

  flip_probability: float = 0.5
  scale: tuple[float, float] = (1.0, 1.0)
  shift: float = 0.0
  pose_aware: PoseAwareSettings = dataclasses.field(default_factory=PoseAwareSettings)
  views: int = 1
  rotation: float = 0.0
  aspect: tuple[float, float] = (1.0, 1.0)
  shear: float = 0.0
  joint_noise: float = 0.0
  joint_masking: JointMaskingSettings = dataclasses.field(
    default_factory=JointMaskingSettings
  )
  time: TimeSettings = dataclasses.field(default_factory=TimeSettings)
  limbs: LimbSettings = dataclasses.field(default_factory=LimbSettings)

  def __post_init__(self):
    check_share('flip_probability', self.flip_probability)
    check_factors('scale', self.scale)
    check_amount('shift', self.shift, "a share of the map's side")
    check_amount('rotation', self.rotation, 'in degrees', most=180)
    check_factors('aspect', self.aspect)
    check_amount('shear', self.shear, 'the largest shift of x per cell of y')
    check_amount('joint_noise', self.joint_noise, "a share of the map's side")
    if self.views < 1:
      raise ValueError(f'config.augment.views is {self.views}, but must be at least 1')

  @property
  def bends(self) -> bool:
    """Whether a clip can be rotated, sheared or stretched along x."""
    return self.rotation > 0 or self.shear > 0 or tuple(self.aspect) != (1.0, 1.0)

  @property
  def moves(self) -> bool:
    """Whether a clip can be scaled, shifted or bent."""
    return self.shift > 0 or tuple(self.scale) != (1.0, 1.0) or self.bends


@struct.dataclass
class Augmentation:
  """One clip's draw. What is None is off, and adds nothing to the compiled program."""

  flip: Bool[Array, '']
  scale: Float[Array, '']
  shift: Float[Array, '2']  # (x, y) in cells
  joint_motion: JointMotion | None = None  # None without pose-aware augmentation
  linear: Float[Array, '2 2'] | None = None  # aspect, shear and rotation
  noise: JointNoise | None = None
  hidden_joints: Bool[Array, 'j'] | None = None  # missing in the whole clip
  time: TimeMotion | None = None
  limbs: LimbMotion | None = None  # not applied to stored maps


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
  optional = _draw_optional(key, settings, map_size, skeleton)
  return Augmentation(
    flip=jax.random.bernoulli(flip_key, settings.flip_probability),
    scale=jax.random.uniform(scale_key, minval=low, maxval=high),
    shift=jax.random.uniform(shift_key, (2,), minval=-reach, maxval=reach),
    **optional,
  )


def _draw_optional(
  key: Key[Array, ''],
  settings: AugmentSettings,
  map_size: tuple[int, int],
  skeleton: Skeleton,
) -> dict[str, Any]:
  """The fields of `Augmentation` whose augmentation is on."""
  drawn = {}
  if settings.pose_aware.moves:
    joint_key = jax.random.fold_in(key, _JOINT_MOTION)
    drawn['joint_motion'] = pose_aware.draw(joint_key, settings.pose_aware, skeleton)
  if settings.bends:
    drawn['linear'] = _draw_linear(jax.random.fold_in(key, _LINEAR), settings)
  if settings.joint_noise > 0:
    drawn['noise'] = JointNoise(
      key=jax.random.fold_in(key, _JOINT_NOISE),
      deviation=settings.joint_noise * jnp.array(map_size[::-1], jnp.float32),
    )
  if settings.joint_masking.masks:
    drawn['hidden_joints'] = joint_masking.draw(
      jax.random.fold_in(key, _JOINT_MASKING),
      settings.joint_masking,
      skeleton.num_joints,
    )
  if settings.time.moves:
    drawn['time'] = time.draw(jax.random.fold_in(key, _TIME), settings.time)
  if settings.limbs.moves:
    limb_key = jax.random.fold_in(key, _LIMBS)
    drawn['limbs'] = limbs.draw(limb_key, settings.limbs, skeleton)
  return drawn


def _draw_linear(key: Key[Array, ''], settings: AugmentSettings) -> Float[Array, '2 2']:
  aspect_key, shear_key, angle_key = jax.random.split(key, 3)
  narrow, wide = settings.aspect
  shear, turn = settings.shear, math.radians(settings.rotation)
  return plane.linear_map(
    stretch=jax.random.uniform(aspect_key, minval=narrow, maxval=wide),
    shear=jax.random.uniform(shear_key, minval=-shear, maxval=shear),
    angle=jax.random.uniform(angle_key, minval=-turn, maxval=turn),
  )


def augment_keypoints(
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  augmentation: Augmentation,
  *,
  map_size: tuple[int, int],
  flip_permutation: Sequence[int],
) -> tuple[Float[Array, 't m j 2'], Float[Array, 't m j']]:
  """Moves the whole clip: positions (x, y) in map cells.

  Mirrors; then, about the map's centre, stretches along x, shears, turns and scales; then
  shifts.

  Args:
    flip_permutation: `Skeleton.flip_permutation`.
  """
  height, width = map_size
  permutation = jnp.array(flip_permutation)
  mirrored = jnp.stack([width - 1 - cells[..., 0], cells[..., 1]], axis=-1)
  cells = jnp.where(augmentation.flip, mirrored[:, :, permutation], cells)
  scores = jnp.where(augmentation.flip, scores[:, :, permutation], scores)
  centre = jnp.array([width - 1, height - 1], jnp.float32).reshape(1, 1, 1, 2) / 2
  offset = cells - centre
  if augmentation.linear is not None:
    offset = transformed(offset, augmentation.linear)
  moved = centre + augmentation.scale * offset
  return moved + augmentation.shift.reshape(1, 1, 1, 2), scores


def source_cells(
  linear: Float[Array, '2 2'], augmentation: Augmentation, map_size: tuple[int, int]
) -> Float[Array, 'h w 2']:
  """Where each cell's value was, (x, y), before the mirrored clip moved as a whole.

  The inverse of `augment_keypoints` without its flip.

  Args:
    linear: `augmentation.linear`.
  """
  height, width = map_size
  rows, columns = jnp.indices(map_size, jnp.float32)
  centre = jnp.array([width - 1, height - 1], jnp.float32).reshape(1, 1, 2) / 2
  offset = jnp.stack([columns, rows], axis=-1) - centre
  offset -= augmentation.shift.reshape(1, 1, 2)
  return centre + transformed(offset / augmentation.scale, plane.inverse(linear))
