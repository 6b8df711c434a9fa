"""Converts a batch of clips, in any representation, to a model's input.

Pure JAX: runs inside the jitted step, on the device. Stored maps and maps rendered from
keypoints share the same canvas, so that a model cannot tell which representation fed it.
(Exception: in training, joints that the canvas cuts off can move back in only from
keypoints.) Trajectories are read from keypoints only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Bool, Float, Key

from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import Augmentation, AugmentSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.from_keypoints import keypoint_view, support_view
from input_pipeline.maps.from_stored import read_stored, stored_view
from input_pipeline.maps.modalities import is_difference, stored_modality
from input_pipeline.poses.sources import STORED
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.trajectories.from_keypoints import (
  TrajectorySettings,
  trajectory_view,
)

# Batch fields with one entry per view; all other fields have one entry per clip.
VIEWED = {'keypoints', 'potion', *STORED.values()}
_READ = VIEWED | {'features_scale', 'frame_size', 'num_frames'}

# Maps of one modality, several modalities' maps by name, or trajectories.
ModelInput = Array | dict[str, Array]


def batch_input(
  batch: Mapping[str, Array],
  key: Key[Array, ''] | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
  trajectories: TrajectorySettings | None = None,
  mirrored: bool = False,
) -> ModelInput:
  """Returns what the model reads for a batch: float32 maps, or trajectories.

  Args:
    batch: one of `keypoints` float32 `[b, t, m, j, 3]` (x, y in pixels, score); stored
      modalities on the canvas, uint8 `[b, t, h, w, c]`: `maps` (joints), `parts` and
      `features`, the last with `features_scale` `[b]`; or `potion` float16
      `[b, j, h, w, c]`, means over time. With `frame_size` `[b, 2]` and `num_frames`
      `[b]`, the number of frames before padding.
    key: each view draws its augmentation from it; None for no augmentation (evaluation).
    skeleton: layout of the returned maps. Without background, a stored background is
      dropped.
    trajectories: how keypoints become trajectories, from positions on the canvas of
      `settings`; None for maps.
    mirrored: return the mirror image of each clip; only without a key.

  Returns:
    `[b, t, h, w, c]` for a single modality in `settings`, or a dict by name for several;
    difference modalities have t - 1 frames. PoTion maps are `[b, j, h, w, c]`.
    Trajectories are `[b, m, t, j, 3]`: x and y, normalised, and the score. With a key,
    each row becomes `augmentation.views` consecutive rows.

  Raises:
    ValueError: for trajectories of stored maps.
  """
  rows = len(batch['frame_size'])
  draws = None
  if key is not None:
    draws = _draw_views(key, rows, skeleton, settings, augmentation)
  elif mirrored:
    draws = jax.tree.map(
      lambda leaf: jnp.broadcast_to(leaf, (rows, 1, *leaf.shape)), augment.mirror()
    )
  clips = {name: batch[name] for name in _READ & batch.keys()}
  if trajectories is None:
    views_of_clip = functools.partial(
      _views_of_clip, skeleton=skeleton, settings=settings, augmentation=augmentation
    )
  else:
    read = functools.partial(
      trajectory_view, skeleton=skeleton, settings=settings, trajectories=trajectories
    )
    views_of_clip = functools.partial(_trajectories_of_clip, read)
  views = jax.vmap(views_of_clip)(clips, draws)
  return jax.tree.map(lambda leaf: rearrange(leaf, 'b v ... -> (b v) ...'), views)


def batch_supports(
  batch: Mapping[str, Array],
  key: Key[Array, ''],
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> tuple[Bool[Array, 'bv j h'], Bool[Array, 'bv j w']]:
  """The rows and columns in which a batch's PoTion maps are not empty, per joint.

  Of keypoints, they are found without rendering (`support_view`), and of the joints
  alone, without a background.

  Args:
    batch, key: same as in `batch_input`, with the same augmentation.
  """
  if 'keypoints' not in batch:
    maps = batch_input(
      batch, key, skeleton=skeleton, settings=settings, augmentation=augmentation
    )
    assert not isinstance(maps, dict)  # PoTion maps are of one kind.
    occupied = (maps != 0).any(axis=-1)
    return occupied.any(axis=3), occupied.any(axis=2)
  draws = _draw_views(key, len(batch['frame_size']), skeleton, settings, augmentation)
  clips = {name: batch[name] for name in _READ & batch.keys()}
  read = functools.partial(support_view, skeleton=skeleton, settings=settings)
  views = jax.vmap(lambda clip, drawn: jax.vmap(functools.partial(read, clip))(drawn))
  return jax.tree.map(
    lambda leaf: rearrange(leaf, 'b v ... -> (b v) ...'), views(clips, draws)
  )


def _draw_views(
  key: Key[Array, ''],
  rows: int,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> Augmentation:
  """Draws an augmentation per row and view; every leaf is `[b, v, ...]`."""
  views = augmentation.views
  view_keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(rows * views))
  draws = jax.vmap(
    lambda view: augment.draw(view, augmentation, settings.size, skeleton)
  )(view_keys)
  return jax.tree.map(lambda leaf: leaf.reshape(rows, views, *leaf.shape[1:]), draws)


def _views_of_clip(
  clip: Mapping[str, Array],
  draws: Augmentation | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> ModelInput:
  """The maps `[v, ...]` of one clip's views; a single view without `draws`."""
  if 'keypoints' in clip:

    def view(drawn):
      return _chosen(keypoint_view(clip, drawn, skeleton, settings), settings)
  else:
    stored = read_stored(clip, skeleton, settings)

    def view(drawn):
      moved = stored_view(
        stored,
        clip,
        drawn,
        skeleton=skeleton,
        settings=settings,
        augmentation=augmentation,
      )
      return _chosen(moved, settings)

  if draws is None:
    return jax.tree.map(lambda maps: maps[None], view(None))
  return jax.vmap(view)(draws)


def _trajectories_of_clip(
  read: Callable[..., Float[Array, 'm t j 3']],
  clip: Mapping[str, Array],
  draws: Augmentation | None,
) -> Float[Array, 'v m t j 3']:
  """The trajectories of one clip's views; a single view without `draws`."""
  if 'keypoints' not in clip:
    raise ValueError(
      f'trajectories are read from keypoints, but the batch holds {sorted(clip)}; give'
      " clips of poses (config.data.representation='keypoints')"
    )
  if draws is None:
    return read(clip, None)[None]
  return jax.vmap(lambda drawn: read(clip, drawn))(draws)


def _chosen(
  maps: dict[str, Float[Array, 't h w c']] | Float[Array, 'j h w c'],
  settings: MapSettings,
) -> ModelInput:
  """Selects the model's modalities in a view, and computes differences."""
  if settings.potion is not None:
    return maps
  chosen = {}
  for modality in settings.modalities:
    frames = maps[stored_modality(modality)]
    chosen[modality] = jnp.diff(frames, axis=0) if is_difference(modality) else frames
  return chosen[settings.modalities[0]] if len(chosen) == 1 else chosen
