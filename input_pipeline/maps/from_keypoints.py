"""One view of a keypoint clip: augmented, then rendered. Pure JAX."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from input_pipeline.augmentation import augment, joint_noise, limbs, pose_aware, time
from input_pipeline.augmentation.augment import Augmentation
from input_pipeline.augmentation.time import TakenFrames
from input_pipeline.maps import canvas, potion
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.maps.part_fields import render_part_fields
from input_pipeline.maps.rendering import (
  append_background,
  occupied_lines,
  render_joint_maps,
)
from input_pipeline.skeletons.registry import Skeleton


def keypoint_view(
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  skeleton: Skeleton,
  settings: MapSettings,
) -> dict[str, Float[Array, 't h w c']] | Float[Array, 'j h w c']:
  """Renders a clip's maps by modality (without differences), or its PoTion maps.

  Args:
    clip: `keypoints` `[t, m, j, 3]`, `frame_size` and `num_frames`.
    drawn: the augmentation; None for none.
  """
  taken = _taken_frames(clip, drawn, settings)
  cells, scores = augmented_joints(
    clip,
    drawn,
    skeleton,
    settings,
    drops_padding=settings.potion is not None,
    taken=taken,
  )
  shown = None
  if settings.crop == 'frame':
    shown = canvas.shows_frame(clip['frame_size'], drawn, settings)
  if settings.potion is not None:
    num_frames = clip['num_frames'] if taken is None else taken.number
    weights = potion.colour_weights(num_frames, len(cells), settings.potion)
    means = potion.aggregate_keypoints(
      cells,
      scores,
      weights,
      background=skeleton.background,
      frame_mask=shown,
      map_size=settings.size,
      sigma=settings.sigma,
    )
    sums = potion.weight_sums(num_frames, settings.potion)
    return potion.finish(means, sums, settings.potion)
  return {
    modality: _frame_maps(modality, cells, scores, shown, skeleton, settings)
    for modality in stored_modalities(settings.modalities)
  }


def _taken_frames(
  clip: Mapping[str, Array], drawn: Augmentation | None, settings: MapSettings
) -> TakenFrames | None:
  """The frames that the model reads; None for all that the clip has."""
  if settings.num_frames is None:
    return None
  return time.take_frames(
    clip['num_frames'],
    settings.num_frames,
    None if drawn is None else drawn.time,
    keeps_length=settings.potion is not None,
  )


def support_view(
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  skeleton: Skeleton,
  settings: MapSettings,
) -> tuple[Bool[Array, 'j h'], Bool[Array, 'j w']]:
  """The rows and columns in which a clip's PoTion maps are not empty, per joint.

  Found without rendering. Taken for occupied are also cells beyond the frame's edge, and
  frames that no colour shows, neither of which maps have.

  Args:
    clip, drawn: same as in `keypoint_view`.
  """
  cells, scores = augmented_joints(
    clip,
    drawn,
    skeleton,
    settings,
    drops_padding=True,
    taken=_taken_frames(clip, drawn, settings),
  )
  return occupied_lines(cells, scores, map_size=settings.size, sigma=settings.sigma)


def augmented_joints(
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  skeleton: Skeleton,
  settings: MapSettings,
  *,
  drops_padding: bool,
  taken: TakenFrames | None = None,
) -> tuple[Float[Array, 't m j 2'], Float[Array, 't m j']]:
  """Positions (x, y) on the canvas, in cells, and scores, both after augmentation.

  Args:
    clip, drawn: same as in `keypoint_view`.
    drops_padding: frames after `num_frames` get score 0.
    taken: the frames to return; None for all that the clip has.
  """
  positions, scores = clip['keypoints'][..., :2], clip['keypoints'][..., 2]
  read = len(scores)
  if taken is not None:
    positions, scores = positions[taken.index], scores[taken.index]
  if drops_padding:
    num_frames = clip['num_frames'] if taken is None else taken.number
    real = jnp.arange(len(scores)) < num_frames
    scores = jnp.where(real[:, None, None], scores, 0)
  if settings.crop == 'person':
    cells = canvas.fit_people(positions, scores, settings.size)
  else:
    cells = canvas.centre_frame(positions, clip['frame_size'], settings)
  if drawn is None:
    return cells, scores
  frames = jnp.arange(read) if taken is None else taken.index
  if drawn.time is not None and drawn.time.mask is not None:
    hidden = time.hidden_frames(frames, clip['num_frames'], drawn.time)
    scores = jnp.where(hidden[:, None, None], 0, scores)
  if drawn.limbs is not None:
    cells = limbs.move_keypoints(cells, scores, drawn.limbs, skeleton)
  if drawn.noise is not None:
    shifts = joint_noise.displacements(drawn.noise, read, scores.shape[-1])
    cells += shifts[frames][:, None]
  return _moved(cells, scores, drawn, skeleton, settings)


def _moved(
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  drawn: Augmentation,
  skeleton: Skeleton,
  settings: MapSettings,
) -> tuple[Float[Array, 't m j 2'], Float[Array, 't m j']]:
  """Moves groups of joints, drops joints, then moves the whole clip."""
  if drawn.joint_motion is not None:
    cells = pose_aware.move_keypoints(cells, scores, drawn.joint_motion, skeleton)
  if drawn.hidden_joints is not None:
    scores = jnp.where(drawn.hidden_joints[None, None], 0, scores)
  return augment.augment_keypoints(
    cells,
    scores,
    drawn,
    map_size=settings.size,
    flip_permutation=skeleton.flip_permutation,
  )


def _frame_maps(
  modality: str,
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  shown: Bool[Array, 'h w'] | None,
  skeleton: Skeleton,
  settings: MapSettings,
) -> Float[Array, 't h w c']:
  def in_frame(maps: jax.Array) -> jax.Array:
    return maps if shown is None else jnp.where(shown[None, :, :, None], maps, 0)

  match modality:
    case 'joints':
      maps = in_frame(
        render_joint_maps(cells, scores, map_size=settings.size, sigma=settings.sigma)
      )
      return append_background(maps) if skeleton.background else maps
    case 'parts':
      return in_frame(
        render_part_fields(
          cells,
          scores,
          limbs=skeleton.limb_indices,
          map_size=settings.size,
          width=settings.part_width,
        )
      )
  raise ValueError(
    f'{modality} cannot be rendered from keypoints, only extracted by a pose network'
    " (tools/extract_poses.py); set config.data.representation='heatmaps'"
  )
