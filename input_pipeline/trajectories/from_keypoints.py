"""One view of a keypoint clip: augmented, then read as trajectories. Pure JAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from input_pipeline.augmentation.augment import Augmentation
from input_pipeline.augmentation.time import frame_places
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.from_keypoints import augmented_joints
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.trajectories.missing_joints import fill_missing
from input_pipeline.trajectories.normalization import (
  NORMALIZATIONS,
  clip_scale,
  normalize_by_clip,
  normalize_by_frame,
)
from input_pipeline.trajectories.resampling import (
  RESAMPLINGS,
  median_of_three,
  resample_cubic,
  resample_linear,
  resample_scores,
)


@dataclasses.dataclass(frozen=True)
class TrajectorySettings:
  """How keypoints become trajectories.

  Attributes:
    num_frames: T, the moments that a model reads.
    normalization: 'clip' subtracts the clip's mean position and divides by the clip's
      scale before augmentation (ours); 'frame' measures from the canvas's centre in short
      sides of the frame (like DD-Net's input).
    resampling: 'linear' between frames (ours), or 'cubic', DD-Net's spline.
    median_filter: each coordinate becomes the median over 3 frames, before resampling
      (DD-Net's PyTorch port).
  """

  num_frames: int
  normalization: str = 'clip'
  resampling: str = 'linear'
  median_filter: bool = False

  def __post_init__(self):
    for field, allowed in (
      ('normalization', NORMALIZATIONS),
      ('resampling', RESAMPLINGS),
      ('median_filter', (False, True)),
    ):
      value = getattr(self, field)
      if value not in allowed:
        raise ValueError(
          f'config.data.trajectories.{field} is {value!r}; it is one of {allowed}'
        )


def trajectory_view(
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  trajectories: TrajectorySettings,
) -> Float[Array, 'm t j 3']:
  """Returns a clip's joints over time: x and y, normalised, and the score.

  A joint whose score is 0 was missing there, and its position is estimated, see
  `fill_missing`. A person whose scores are all 0 is absent, and at (0, 0).

  Args:
    clip: `keypoints` `[n, m, j, 3]`, `frame_size` and `num_frames`.
    drawn: the augmentation; None for none.
    settings: the canvas, whose cells positions are first converted to; they may lie
      outside of it.

  Raises:
    ValueError: for a cubic spline together with augmentation of time.
  """
  _check_time(drawn, trajectories)
  cells, scores = augmented_joints(clip, drawn, skeleton, settings, drops_padding=True)
  seen = scores > 0
  filled = fill_missing(cells, seen)
  if trajectories.normalization == 'frame':
    positions = normalize_by_frame(filled, settings)
  else:
    scale = _scale_before_augmentation(clip, skeleton, settings)
    positions = normalize_by_clip(filled, cells, seen, scale)
  if trajectories.median_filter:
    positions = median_of_three(positions, clip['num_frames'])
  time = None if drawn is None else drawn.time
  places = frame_places(clip['num_frames'], trajectories.num_frames, time)
  if trajectories.resampling == 'cubic':
    positions = resample_cubic(positions, clip['num_frames'], trajectories.num_frames)
  else:
    positions = resample_linear(positions, places)
  return _joined(positions, resample_scores(scores, places))


def _check_time(drawn: Augmentation | None, trajectories: TrajectorySettings):
  if (
    trajectories.resampling == 'cubic' and drawn is not None and drawn.time is not None
  ):
    raise ValueError(
      "a cubic spline's moments are fixed, but the augmentation changes time; resample"
      " with 'linear' (config.data.trajectories.resampling)"
    )


def _scale_before_augmentation(
  clip: Mapping[str, Array], skeleton: Skeleton, settings: MapSettings
) -> Float[Array, '']:
  """The clip's scale; after augmentation it would undo a random scale."""
  cells, scores = augmented_joints(clip, None, skeleton, settings, drops_padding=True)
  return clip_scale(cells, scores > 0)


def _joined(
  positions: Float[Array, 't m j 2'], scores: Float[Array, 't m j']
) -> Float[Array, 'm t j 3']:
  joints = jnp.concatenate([positions, scores[..., None]], axis=-1)
  present = (scores > 0).any(axis=(0, 2)).reshape(1, -1, 1, 1)
  return rearrange(jnp.where(present, joints, 0), 't m j c -> m t j c')
