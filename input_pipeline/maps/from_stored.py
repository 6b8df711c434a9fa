"""One view of a clip of stored maps: dequantized, then augmented. Pure JAX."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float, Int

from input_pipeline.augmentation.augment import Augmentation, AugmentSettings
from input_pipeline.augmentation.pose_aware import JointMotion
from input_pipeline.maps import potion, stored_frames, stored_motion
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.maps.quantization import dequantize
from input_pipeline.poses.sources import STORED
from input_pipeline.skeletons.registry import Skeleton


def read_stored(
  clip: Mapping[str, Array], skeleton: Skeleton, settings: MapSettings
) -> dict[str, Float[Array, 't h w c']]:
  """Dequantizes a clip's maps by modality; PoTion channels take the place of axis `t`.

  PoTion maps are still means over time here: augmentation happens before
  `potion.finish`, same as for keypoints.
  """
  if 'potion' in clip:
    means = clip['potion'][: skeleton.num_maps].astype(jnp.float32)
    return {'joints': rearrange(means, 'j h w c -> c h w j')}
  maps = {
    modality: dequantize(
      clip[STORED[modality]], modality, clip.get('features_scale', 1.0)
    )
    for modality in stored_modalities(settings.modalities)
  }
  if 'joints' in maps:
    maps['joints'] = maps['joints'][..., : skeleton.num_maps]
  return maps


def stored_view(
  maps: Mapping[str, Float[Array, 't h w c']],
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> dict[str, Float[Array, 't h w c']] | Float[Array, 'j h w c']:
  """Returns a stored clip's augmented maps by modality, or its PoTion maps.

  Args:
    maps: the result of `read_stored`.
    drawn: the augmentation; None for none.
  """
  num_frames = clip['num_frames']
  if 'potion' not in clip:
    maps, num_frames = stored_frames.take_and_disturb(
      maps, num_frames, drawn, skeleton, settings
    )
    if settings.potion is not None:
      maps = {'joints': _aggregated(maps['joints'], num_frames, settings.potion)}
  moved = dict(maps)
  if drawn is not None:
    moved = _moved(moved, drawn, skeleton, settings, augmentation)
  if settings.potion is None:
    return moved
  means = rearrange(moved['joints'], 'c h w j -> j h w c')
  sums = potion.weight_sums(num_frames, settings.potion)
  return potion.finish(means, sums, settings.potion)


def _aggregated(
  joints: Float[Array, 't h w j'],
  num_frames: Int[Array, ''],
  settings: potion.PotionSettings,
) -> Float[Array, 'c h w j']:
  """Means over time. Computed once for all views, unless their frames differ."""
  weights = potion.colour_weights(num_frames, len(joints), settings)
  means = potion.aggregate_maps(joints, weights)
  return rearrange(means, 'j h w c -> c h w j')


def _moved(
  maps: dict[str, Float[Array, 't h w c']],
  drawn: Augmentation,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> dict[str, Float[Array, 't h w c']]:
  """Moves groups of joints, drops joints, then moves the whole clip."""
  moved = dict(maps)
  if drawn.joint_motion is not None and 'joints' in maps:
    moved['joints'] = _moved_groups(
      maps['joints'], drawn.joint_motion, skeleton, settings, augmentation
    )
  if drawn.hidden_joints is not None:
    moved = stored_frames.without_joints(moved, drawn.hidden_joints, skeleton, settings)
  return {
    modality: {
      'joints': _moved_joints,
      'parts': _moved_parts,
      'features': _moved_features,
    }[modality](stored, drawn, skeleton, augmentation)
    for modality, stored in moved.items()
  }


def _moved_groups(
  maps: Float[Array, 't h w c'],
  motion: JointMotion,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> Float[Array, 't h w c']:
  """Moves each joint's map; background fills the revealed cells.

  A stored background is 1 - max over joints plus a remainder, which is 0 if the maps were
  rendered, but not if a pose network estimated them. In single frames, the first part
  follows the joints exactly, and the remainder moves with the whole pose. In a mean over
  frames the parts cannot be told apart, so the background moves with the whole pose.
  """
  joints, background = jnp.split(maps, [skeleton.num_joints], axis=-1)
  single_frames = settings.potion is None
  if single_frames:
    background = background + joints.max(axis=-1, keepdims=True)
  moved = stored_motion.move_joint_maps(
    rearrange(jnp.concatenate([joints, background], axis=-1), 't h w j -> j h w t'),
    motion,
    skeleton,
    rotates=augmentation.pose_aware.turns,
  )
  maps = rearrange(moved, 'j h w t -> t h w j')
  if not single_frames:
    return maps
  joints, background = jnp.split(maps, [skeleton.num_joints], axis=-1)
  background = jnp.clip(background - joints.max(axis=-1, keepdims=True), 0, 1)
  return jnp.concatenate([joints, background], axis=-1)


def _moved_joints(
  maps: Float[Array, 't h w c'],
  drawn: Augmentation,
  skeleton: Skeleton,
  augmentation: AugmentSettings,
) -> Float[Array, 't h w c']:
  """Mirrors and moves the plane; background fills the revealed cells."""
  maps = stored_motion.flip_maps(maps, drawn, skeleton.map_flip_permutation)
  if not augmentation.moves:
    return maps
  joints, background = jnp.split(maps, [skeleton.num_joints], axis=-1)
  moved = stored_motion.move_maps(
    jnp.concatenate([joints, 1 - background], axis=-1), drawn
  )
  joints, background = jnp.split(moved, [skeleton.num_joints], axis=-1)
  return jnp.concatenate([joints, 1 - background], axis=-1)


def _moved_parts(
  maps: Float[Array, 't h w c'],
  drawn: Augmentation,
  skeleton: Skeleton,
  augmentation: AugmentSettings,
) -> Float[Array, 't h w c']:
  """Mirrors and moves vector fields, whose vectors turn with the clip."""
  channels, signs = zip(*skeleton.part_flip, strict=True)
  sign = jnp.array(signs, jnp.float32).reshape(1, 1, 1, -1)
  signed = jnp.where(drawn.flip, maps[..., jnp.array(channels)] * sign, maps)
  turned = stored_motion.turned_vectors(signed, drawn)
  return _moved_features(turned, drawn, skeleton, augmentation)


def _moved_features(
  maps: Float[Array, 't h w c'],
  drawn: Augmentation,
  skeleton: Skeleton,
  augmentation: AugmentSettings,
) -> Float[Array, 't h w c']:
  """Mirrors and moves the plane; channels have no mirror partner."""
  del skeleton
  mirrored: jax.Array = jnp.where(drawn.flip, maps[:, :, ::-1], maps)
  return stored_motion.move_maps(mirrored, drawn) if augmentation.moves else mirrored
