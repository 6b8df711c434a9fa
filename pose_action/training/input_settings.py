"""What a config says about a model's input: clips, maps, augmentation, shapes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_collections

from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.loading.clip_rows import ClipSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import (
  num_frames_of,
  stored_modalities,
  stored_modality,
)
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.skeletons.registry import Skeleton

# Shapes of a model's input: maps of one modality, or of several by name.
ExampleMaps = jax.ShapeDtypeStruct | dict[str, jax.ShapeDtypeStruct]


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
  """The settings that turn a clip into maps, on the device.

  Raises:
    ValueError: for an unknown encoding.
  """
  data = config.data
  if data.encoding not in ('frames', 'potion'):
    raise ValueError(
      f"config.data.encoding is {data.encoding!r}; give 'frames' or 'potion'"
    )
  return MapSettings(
    size=tuple(data.map_size),
    short_side=data.map_short_side,
    sigma=data.map_sigma,
    crop=data.crop,
    modalities=tuple(data.modalities),
    part_width=data.part_width,
    potion=PotionSettings(**data.potion) if data.encoding == 'potion' else None,
  )


def augment_settings(config: ml_collections.ConfigDict) -> AugmentSettings:
  """The random changes to training clips."""
  return AugmentSettings(
    flip_probability=config.augment.flip_probability,
    scale=tuple(config.augment.scale),
    shift=config.augment.shift,
    pose_aware=PoseAwareSettings(**config.augment.pose_aware),
    views=config.augment.views,
  )


def mirror_permutation(
  config: ml_collections.ConfigDict, skeleton: Skeleton
) -> tuple[int, ...] | None:
  """The `mirror` of `evaluation_step`: None unless `config.eval.mirror` is on."""
  return skeleton.map_flip_permutation if config.eval.mirror else None


def example_maps(config: ml_collections.ConfigDict, skeleton: Skeleton) -> ExampleMaps:
  """The shape of one clip's maps, `[1, t, h, w, c]` or (PoTion) `[1, j, h, w, c]`.

  Args:
    skeleton: the joint layout of the maps that the model reads.
  """
  settings = map_settings(config)
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
