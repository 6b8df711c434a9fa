"""What a config says about a model's input: clips, how it is made, shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections

from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.joint_masking import JointMaskingSettings
from input_pipeline.augmentation.limbs import LimbSettings
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.augmentation.time import TimeSettings
from input_pipeline.loading.clip_rows import ClipSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import (
  num_frames_of,
  stored_modalities,
  stored_modality,
)
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.trajectories.from_keypoints import TrajectorySettings

ENCODINGS = ('frames', 'potion', 'trajectories')

# Shapes of a model's input: maps of one modality, or of several by name, or trajectories.
ExampleInput = jax.ShapeDtypeStruct | dict[str, jax.ShapeDtypeStruct]


def clip_settings(
  config: ml_collections.ConfigDict, stored_skeleton: Skeleton
) -> ClipSettings:
  """The settings that turn a record into a clip, on the host.

  Args:
    stored_skeleton: the data set's own joint layout.

  Raises:
    ValueError: if `config.data.read_frames` does not fit the sampling rule.
  """
  data = config.data
  if data.read_frames and (data.sampling != 'whole' or data.read_frames < 0):
    raise ValueError(
      f'config.data.read_frames is {data.read_frames} with config.data.sampling'
      f" {data.sampling!r}; give 0, or a number of frames with sampling 'whole'"
    )
  return ClipSettings(
    num_frames=data.read_frames or data.num_frames,
    rule=data.sampling,
    max_persons=data.max_persons,
    canvas=tuple(data.map_size),
    background=stored_skeleton.background,
    modalities=stored_modalities(data.modalities),
    random_crop=data.random_crop,
    stretch=data.stretch,
  )


def map_settings(config: ml_collections.ConfigDict) -> MapSettings:
  """The canvas, and the settings that turn a clip into maps, on the device.

  Raises:
    ValueError: for an unknown encoding.
  """
  data = config.data
  if data.encoding not in ENCODINGS:
    raise ValueError(
      f"config.data.encoding is {data.encoding!r}; give 'frames', 'potion' or"
      " 'trajectories'"
    )
  return MapSettings(
    size=tuple(data.map_size),
    short_side=data.map_short_side,
    sigma=data.map_sigma,
    crop=data.crop,
    modalities=tuple(data.modalities),
    part_width=data.part_width,
    potion=PotionSettings(**data.potion) if data.encoding == 'potion' else None,
    num_frames=data.num_frames if data.read_frames else None,
  )


def trajectory_settings(
  config: ml_collections.ConfigDict,
) -> TrajectorySettings | None:
  """The settings that turn keypoints into trajectories; None for another encoding.

  Raises:
    ValueError: for data without positions, other modalities than joints, or a cubic
      spline together with augmentation of time.
  """
  data = config.data
  if data.encoding != 'trajectories':
    return None
  if data.representation != 'keypoints':
    raise ValueError(
      f"config.data.encoding is 'trajectories', but config.data.representation is"
      f' {data.representation!r}, maps without positions of joints; set it to'
      " 'keypoints'"
    )
  if tuple(data.modalities) != ('joints',):
    raise ValueError(
      f'config.data.modalities is {tuple(data.modalities)}, but trajectories are of'
      " joints only; set config.data.modalities=('joints',), or another"
      ' config.data.encoding'
    )
  settings = TrajectorySettings(num_frames=data.num_frames, **data.trajectories)
  if settings.resampling == 'cubic' and augment_settings(config).time.moves:
    raise ValueError(
      "config.data.trajectories.resampling is 'cubic', whose moments are fixed, but"
      " config.augment.time changes them; set it to 'linear', or"
      ' config.augment.time.crop to (1.0, 1.0), tempo to 1.0 and mask_share to (0.0, 0.0)'
    )
  return settings


def augment_settings(config: ml_collections.ConfigDict) -> AugmentSettings:
  """The random changes to training clips.

  Raises:
    ValueError: for a value out of range.
  """
  augment = config.augment
  return AugmentSettings(
    flip_probability=augment.flip_probability,
    aspect=tuple(augment.aspect),
    shear=augment.shear,
    rotation=augment.rotation,
    scale=tuple(augment.scale),
    shift=augment.shift,
    joint_noise=augment.joint_noise,
    joint_masking=JointMaskingSettings(**_hashable(augment.joint_masking)),
    limbs=LimbSettings(**_hashable(augment.limbs)),
    time=TimeSettings(**_hashable(augment.time)),
    pose_aware=PoseAwareSettings(**_hashable(augment.pose_aware)),
    views=augment.views,
  )


def _hashable(section: Mapping[str, Any]) -> dict[str, Any]:
  """The fields of a config's section, with tuples for lists."""
  return {
    name: tuple(value) if isinstance(value, list) else value
    for name, value in section.items()
  }


def mirror_permutation(
  config: ml_collections.ConfigDict, skeleton: Skeleton
) -> tuple[int, ...] | None:
  """The `mirror` of `evaluation_step`: None unless `config.eval.mirror` is on."""
  return skeleton.map_flip_permutation if config.eval.mirror else None


def example_input(
  config: ml_collections.ConfigDict, skeleton: Skeleton
) -> ExampleInput:
  """The shape of what a model reads for one clip.

  Maps are `[1, t, h, w, c]`, PoTion maps `[1, j, h, w, c]`, trajectories
  `[1, m, t, j, 3]`.

  Args:
    skeleton: the joint layout that the model reads.
  """
  settings = map_settings(config)
  if trajectory_settings(config) is not None:
    people, moments = config.data.max_persons, config.data.num_frames
    shape = (1, people, moments, skeleton.num_joints, 3)
    return jax.ShapeDtypeStruct(shape, jnp.float32)
  if settings.potion is not None:
    joints, channels = skeleton.num_maps, settings.potion.num_maps_channels
    return jax.ShapeDtypeStruct((1, joints, *settings.size, channels), jnp.float32)
  channels_of = {
    'joints': skeleton.num_maps,
    'parts': skeleton.num_part_maps,
    'features': config.data.num_features,
  }
  shapes = {}
  for modality in settings.modalities:
    frames = num_frames_of(modality, config.data.num_frames)
    channels = channels_of[stored_modality(modality)]
    shape = (1, frames, *settings.size, channels)
    shapes[modality] = jax.ShapeDtypeStruct(shape, jnp.float32)
  return shapes[settings.modalities[0]] if len(shapes) == 1 else shapes
