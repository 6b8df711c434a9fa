"""One view of a keypoint clip: augmented, then rendered. Pure JAX."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from input_pipeline.augmentation import augment, pose_aware
from input_pipeline.augmentation.augment import Augmentation
from input_pipeline.maps import canvas, potion
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.maps.part_fields import render_part_fields
from input_pipeline.maps.rendering import append_background, render_joint_maps
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
  cells, scores = augmented_joints(
    clip, drawn, skeleton, settings, drops_padding=settings.potion is not None
  )
  shown = None
  if settings.crop == 'frame':
    shown = canvas.shows_frame(clip['frame_size'], drawn, settings)
  if settings.potion is not None:
    weights = potion.colour_weights(clip['num_frames'], len(cells), settings.potion)
    means = potion.aggregate_keypoints(
      cells,
      scores,
      weights,
      background=skeleton.background,
      frame_mask=shown,
      map_size=settings.size,
      sigma=settings.sigma,
    )
    sums = potion.weight_sums(clip['num_frames'], settings.potion)
    return potion.finish(means, sums, settings.potion)
  return {
    modality: _frame_maps(modality, cells, scores, shown, skeleton, settings)
    for modality in stored_modalities(settings.modalities)
  }


def augmented_joints(
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  skeleton: Skeleton,
  settings: MapSettings,
  *,
  drops_padding: bool,
) -> tuple[Float[Array, 't m j 2'], Float[Array, 't m j']]:
  """Positions (x, y) on the canvas, in cells, and scores, both after augmentation.

  Args:
    clip, drawn: same as in `keypoint_view`.
    drops_padding: frames after `num_frames` get score 0.
  """
  positions, scores = clip['keypoints'][..., :2], clip['keypoints'][..., 2]
  if drops_padding:
    real = jnp.arange(len(scores)) < clip['num_frames']
    scores = jnp.where(real[:, None, None], scores, 0)
  if settings.crop == 'person':
    cells = canvas.fit_people(positions, scores, settings.size)
  else:
    cells = canvas.centre_frame(positions, clip['frame_size'], settings)
  if drawn is None:
    return cells, scores
  if drawn.joint_motion is not None:
    cells = pose_aware.move_keypoints(cells, scores, drawn.joint_motion, skeleton)
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
