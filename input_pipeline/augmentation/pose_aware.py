"""Pose-aware augmentation (JMRN Sec. 3.2) of keypoints, in pure JAX.

First the whole pose is shifted, then each body group separately. A group may also turn
about its pivot, the joint that attaches it to the body; scale and shear (ours) generalise
this rigid motion to an affine one. All frames in a view of a clip share one draw, so each
joint's plane moves by one affine map. Moving positions before rendering and moving maps
after aggregation over time (`maps.stored_motion`) therefore give the same result.
"""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, Key

from input_pipeline.augmentation import plane
from input_pipeline.augmentation.ranges import check_amount, check_factors
from input_pipeline.skeletons.registry import Skeleton

UNITS = ('group', 'joint')


@dataclasses.dataclass(frozen=True)
class PoseAwareSettings:
  """Largest motions of a pose, in map cells and degrees; 0 disables a motion.

  Attributes:
    global_shift: β, the largest shift of the whole pose in x and y.
    group_shift: γ, the largest additional shift of a unit in x and y.
    rotation: largest turn of a group about its pivot (`Skeleton.group_pivots`), in
      either direction. Described only in the paper's supplementary material.
    scale: (smallest, largest) magnification of a group about its pivot; ours.
    shear: largest shift of x per cell of y from a group's pivot, in either direction;
      ours. Scale comes first, then shear, then rotation, then the shifts.
    unit: what `group_shift` moves rigidly: 'group' (as published; the torso moves only
      with the whole pose) or 'joint' (each joint separately, including the torso's: the
      paper's ablation without pose awareness). Rotation, scale and shear always move groups.
    whole_cells: True draws whole cells from 1 to the maximum - 1, with a random sign:
      never 0 and never the maximum (as published; official code). False draws any value
      up to the maximum, in either direction (ours).
  """

  global_shift: float = 0.0
  group_shift: float = 0.0
  rotation: float = 0.0
  unit: str = 'group'
  whole_cells: bool = True
  scale: tuple[float, float] = (1.0, 1.0)
  shear: float = 0.0

  def __post_init__(self):
    for field in ('global_shift', 'group_shift'):
      value = getattr(self, field)
      if not (math.isfinite(value) and value >= 0):
        raise ValueError(
          f'config.augment.pose_aware.{field} is {value}; it is in map cells, 0 or more'
        )
      if self.whole_cells and value != 0 and (value < 2 or value != int(value)):
        raise ValueError(
          f'config.augment.pose_aware.{field} is {value}; whole cells are drawn from 1'
          ' to the maximum - 1, so use 0 or a whole number from 2 on (or set'
          ' config.augment.pose_aware.whole_cells=False)'
        )
    if not 0 <= self.rotation <= 180:
      raise ValueError(
        f'config.augment.pose_aware.rotation is {self.rotation}; it is in degrees,'
        ' 0 to 180'
      )
    check_factors('pose_aware.scale', self.scale)
    check_amount('pose_aware.shear', self.shear, 'the largest shift of x per cell of y')
    if self.unit not in UNITS:
      raise ValueError(
        f'config.augment.pose_aware.unit is {self.unit!r}; it is one of {UNITS}'
      )

  @property
  def moves(self) -> bool:
    """Whether any motion is enabled."""
    return self.global_shift > 0 or self.group_shift > 0 or self.turns

  @property
  def bends(self) -> bool:
    """Whether groups can be scaled or sheared."""
    return self.shear > 0 or tuple(self.scale) != (1.0, 1.0)

  @property
  def turns(self) -> bool:
    """Whether groups move about their pivots."""
    return self.rotation > 0 or self.bends


@struct.dataclass
class JointMotion:
  """One draw: the motion of each joint's plane."""

  shift: Float[Array, 'j 2']  # (x, y) in cells, including global_shift
  angle: Float[Array, 'j']  # radians about the group's pivot, from +x towards +y
  global_shift: Float[Array, '2']  # (x, y) in cells; the background's only motion
  # About the group's pivot: `angle` with scale and shear; None if both are off.
  linear: Float[Array, 'j 2 2'] | None = None


def draw(
  key: Key[Array, ''], settings: PoseAwareSettings, skeleton: Skeleton
) -> JointMotion:
  """Draws the motion for one view of a clip; the torso never turns."""
  global_key, unit_key, angle_key = jax.random.split(key, 3)
  group_of_joint, joins_in = moving_groups(skeleton)
  whole_cells = settings.whole_cells
  global_shift = _draw_shifts(global_key, 1, settings.global_shift, whole_cells)
  if settings.unit == 'joint':
    shift = _draw_shifts(
      unit_key, skeleton.num_joints, settings.group_shift, whole_cells
    )
  else:
    shift = _draw_shifts(unit_key, len(joins_in), settings.group_shift, whole_cells)
    shift = jnp.where(joins_in[:, None], shift, 0)[group_of_joint]
  most = math.radians(settings.rotation)
  angle = jax.random.uniform(angle_key, (len(joins_in),), minval=-most, maxval=most)
  shift = global_shift + shift
  angle = jnp.where(joins_in, angle, 0)
  motion = {'angle': angle[group_of_joint], 'global_shift': global_shift[0]}
  if settings.bends:
    linear_key = jax.random.fold_in(key, 3)  # The split above uses 0 to 2.
    linear = _draw_linear(linear_key, settings, angle, joins_in)
    motion['linear'] = linear[group_of_joint]
  return JointMotion(shift=shift, **motion)


def moving_groups(
  skeleton: Skeleton,
) -> tuple[Int[np.ndarray, 'j'], Bool[np.ndarray, 'g']]:
  """Each joint's group, and whether the group moves about a pivot; the torso does not."""
  group_of_joint = np.zeros(skeleton.num_joints, int)
  for index, members in enumerate(skeleton.groups.values()):
    group_of_joint[list(members)] = index
  return group_of_joint, np.array([name != 'torso' for name in skeleton.groups])


def _draw_linear(
  key: Key[Array, ''],
  settings: PoseAwareSettings,
  angle: Float[Array, 'g'],
  joins_in: Bool[np.ndarray, 'g'],
) -> Float[Array, 'g 2 2']:
  """Scale, then shear, then the turn by `angle`; the identity for the torso."""
  scale_key, shear_key = jax.random.split(key)
  small, large = settings.scale
  scale = jax.random.uniform(scale_key, angle.shape, minval=small, maxval=large)
  most = settings.shear
  shear = jax.random.uniform(shear_key, angle.shape, minval=-most, maxval=most)
  linear = plane.linear_map(jnp.ones_like(angle), shear, angle)
  linear = scale[:, None, None] * linear
  return jnp.where(joins_in[:, None, None], linear, jnp.eye(2)[None])


def _draw_shifts(
  key: Key[Array, ''], number: int, most: float, whole_cells: bool
) -> Float[Array, 'u 2']:
  if most == 0:
    return jnp.zeros((number, 2))
  if not whole_cells:
    return jax.random.uniform(key, (number, 2), minval=-most, maxval=most)
  size_key, sign_key = jax.random.split(key)
  size = jax.random.randint(size_key, (number, 2), 1, int(most))
  return size.astype(jnp.float32) * jax.random.rademacher(
    sign_key, (number, 2), jnp.float32
  )


def move_keypoints(
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  motion: JointMotion,
  skeleton: Skeleton,
) -> Float[Array, 't m j 2']:
  """Turns (or scales, shears and turns), then shifts positions (x, y) in map cells.

  Each person's group turns about one point in all frames: the score-weighted mean
  position of the pivot joint or, if that joint is missing in all frames, of the group's
  own joints. Padding frames should have score 0, or they displace that point.
  """
  pivots = pivot_positions(
    scores.sum(axis=0), (scores[..., None] * cells).sum(axis=0), skeleton
  )
  offset = cells - pivots[None]
  if motion.linear is None:
    turned = turned_offset(offset, motion.angle[None, None])
  else:
    change = motion.linear - jnp.eye(2)[None]
    turned = plane.transformed(offset, change[None, None])
  return cells + turned + motion.shift[None, None]


def pivot_positions(
  mass: Float[Array, '*m j'], moment: Float[Array, '*m j 2'], skeleton: Skeleton
) -> Float[Array, '*m j 2']:
  """The point (x, y) that each joint's group turns about; arbitrary for the torso.

  Args:
    mass: sum of the weights, per joint.
    moment: sum of the weighted positions, per joint.
  """
  pivot_of_joint = np.arange(skeleton.num_joints)
  same_group = np.zeros((skeleton.num_joints, skeleton.num_joints), np.float32)
  for name, members in skeleton.groups.items():
    pivot_of_joint[list(members)] = skeleton.group_pivots.get(name, members[0])
    same_group[np.ix_(members, members)] = 1
  weighted = jnp.concatenate([mass[..., None], moment], axis=-1)
  of_pivot = weighted[..., pivot_of_joint, :]
  of_group = jnp.einsum('...jx,jk->...kx', weighted, same_group, precision='highest')
  weighted = jnp.where(of_pivot[..., :1] > 0, of_pivot, of_group)
  mass = weighted[..., :1]
  return weighted[..., 1:] / jnp.where(mass > 0, mass, 1)


def turned_offset(
  offset: Float[Array, '*b 2'], angle: Float[Array, '*b']
) -> Float[Array, '*b 2']:
  """R(angle)·offset - offset, which is exactly 0 for angle 0."""
  x, y = offset[..., 0], offset[..., 1]
  sine, cosine_less_one = jnp.sin(angle), jnp.cos(angle) - 1
  return jnp.stack(
    [cosine_less_one * x - sine * y, sine * x + cosine_less_one * y], axis=-1
  )
