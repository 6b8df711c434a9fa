"""What augmentation does to single frames of stored maps, before any sum over frames.

Frames are taken and hidden, joints are displaced and dropped. Pure JAX. A stored
background is 1 - max over joints plus a remainder, which is 0 if the maps were rendered.
The first part follows the joints; the remainder stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from input_pipeline.augmentation import joint_noise, time
from input_pipeline.augmentation.augment import Augmentation
from input_pipeline.maps import stored_motion
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.skeletons.registry import Skeleton

FrameMaps = Mapping[str, Float[Array, 't h w c']]  # by modality


def take_and_disturb(
  maps: FrameMaps,
  num_frames: Int[Array, ''],
  drawn: Augmentation | None,
  skeleton: Skeleton,
  settings: MapSettings,
) -> tuple[FrameMaps, Int[Array, '']]:
  """Returns the frames that the model reads, and their number before the padding.

  Joint noise displaces joint maps only.

  Args:
    num_frames: the number of the maps' frames before the padding.
    drawn: the augmentation; None for none.
  """
  read = len(next(iter(maps.values())))
  frames, number = jnp.arange(read), num_frames
  if settings.num_frames is not None:
    taken = time.take_frames(
      num_frames,
      settings.num_frames,
      None if drawn is None else drawn.time,
      keeps_length=settings.potion is not None,
    )
    frames, number = taken.index, taken.number
    maps = {modality: stored[frames] for modality, stored in maps.items()}
  if drawn is None:
    return maps, number
  if drawn.time is not None and drawn.time.mask is not None:
    hidden = time.hidden_frames(frames, num_frames, drawn.time)
    maps = _without_frames(maps, hidden, skeleton)
  if drawn.noise is not None and 'joints' in maps:
    shifts = joint_noise.displacements(drawn.noise, read, skeleton.num_joints)[frames]
    moved = change_joints(
      maps['joints'],
      lambda joints: stored_motion.shift_joints_by_frame(joints, shifts),
      skeleton,
    )
    maps = {**maps, 'joints': moved}
  return maps, number


def _without_frames(
  maps: FrameMaps, hidden: Bool[Array, 't'], skeleton: Skeleton
) -> FrameMaps:
  def emptied(stored):
    return jnp.where(hidden[:, None, None, None], 0, stored)

  empty = {modality: emptied(stored) for modality, stored in maps.items()}
  if 'joints' in maps:
    empty['joints'] = change_joints(maps['joints'], emptied, skeleton)
  return empty


def without_joints(
  maps: FrameMaps, hidden: Bool[Array, 'j'], skeleton: Skeleton, settings: MapSettings
) -> dict[str, Float[Array, 't h w c']]:
  """Empties the maps of joints, and the part affinity fields of their limbs.

  In a mean over frames the parts of the background cannot be told apart, so it stays.
  """

  def emptied(joints):
    return jnp.where(hidden[None, None, None], 0, joints)

  kept = dict(maps)
  if 'joints' in maps and settings.potion is None:
    kept['joints'] = change_joints(maps['joints'], emptied, skeleton)
  elif 'joints' in maps:
    joints, background = jnp.split(maps['joints'], [skeleton.num_joints], axis=-1)
    kept['joints'] = jnp.concatenate([emptied(joints), background], axis=-1)
  if 'parts' in maps:
    first, second = np.array(skeleton.limb_indices).T
    hidden_limbs = jnp.repeat(hidden[first] | hidden[second], 2)  # x and y
    kept['parts'] = jnp.where(hidden_limbs[None, None, None], 0, maps['parts'])
  return kept


def change_joints(
  maps: Float[Array, 't h w c'],
  change: Callable[[Float[Array, 't h w j']], Float[Array, 't h w j']],
  skeleton: Skeleton,
) -> Float[Array, 't h w c']:
  """Changes joint maps of single frames, and the background, if any, with them."""
  joints, background = jnp.split(maps, [skeleton.num_joints], axis=-1)
  changed = change(joints)
  if skeleton.background:
    remainder = background + joints.max(axis=-1, keepdims=True)
    background = jnp.clip(remainder - changed.max(axis=-1, keepdims=True), 0, 1)
  return jnp.concatenate([changed, background], axis=-1)
