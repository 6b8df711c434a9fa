"""Converts a batch of clips, in any representation, to a model's input.

Pure JAX: runs inside the jitted step, on the device. Stored maps and maps rendered from
keypoints share the same canvas, so that a model cannot tell which representation fed it.
(Exception: in training, joints that the canvas cuts off can move back in only from
keypoints.)
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float, Key

from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import Augmentation, AugmentSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.from_keypoints import keypoint_view
from input_pipeline.maps.from_stored import read_stored, stored_view
from input_pipeline.maps.modalities import is_difference, stored_modality
from input_pipeline.poses.sources import STORED
from input_pipeline.skeletons.registry import Skeleton

# Batch fields with one entry per view; all other fields have one entry per clip.
VIEWED = {'keypoints', 'potion', *STORED.values()}
_READ = VIEWED | {'features_scale', 'frame_size', 'num_frames'}

# Maps of one modality, or several modalities' maps by name.
ModelInput = Array | dict[str, Array]


def batch_input(
  batch: Mapping[str, Array],
  key: Key[Array, ''] | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
  mirrored: bool = False,
) -> ModelInput:
  """Returns what the model reads for a batch: float32 maps, per frame or PoTion maps.

  Args:
    batch: one of `keypoints` float32 `[b, t, m, j, 3]` (x, y in pixels, score); stored
      modalities on the canvas, uint8 `[b, t, h, w, c]`: `maps` (joints), `parts` and
      `features`, the last with `features_scale` `[b]`; or `potion` float16
      `[b, j, h, w, c]`, means over time. With `frame_size` `[b, 2]` and `num_frames`
      `[b]`, the number of frames before padding.
    key: each view draws its augmentation from it; None for no augmentation (evaluation).
    skeleton: layout of the returned maps. Without background, a stored background is
      dropped.
    mirrored: return the mirror image of each clip; only without a key.

  Returns:
    `[b, t, h, w, c]` for a single modality in `settings`, or a dict by name for several;
    difference modalities have t - 1 frames. PoTion maps are `[b, j, h, w, c]`. With a
    key, each row becomes `augmentation.views` consecutive rows.
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
  views_of_clip = functools.partial(
    _views_of_clip, skeleton=skeleton, settings=settings, augmentation=augmentation
  )
  maps = jax.vmap(views_of_clip)(clips, draws)
  return jax.tree.map(lambda leaf: rearrange(leaf, 'b v ... -> (b v) ...'), maps)


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
