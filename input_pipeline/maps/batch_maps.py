"""From a batch of clips, in any representation, to the maps a model reads.

Pure JAX: runs inside the jitted step, on the device. Stored maps and maps rendered from
keypoints lie on the same canvas, so that a model cannot tell which one fed it. (In
training, what the canvas cut off a frame can move back in only from keypoints.)
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float, Key

from input_pipeline.maps import augment
from input_pipeline.maps.augment import AugmentSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.from_keypoints import keypoint_view
from input_pipeline.maps.from_stored import read_stored, stored_view
from input_pipeline.maps.modalities import is_difference, stored_modality
from input_pipeline.poses.sources import STORED
from input_pipeline.skeletons.registry import Skeleton

# What a view of a clip has of its own; the rest of a batch is the clip's.
VIEWED = {'keypoints', 'potion', *STORED.values()}
_READ = VIEWED | {'features_scale', 'frame_size', 'num_frames'}

# Maps of one modality, or of several by name.
Maps = Array | dict[str, Array]


def batch_maps(
  batch: Mapping[str, Array],
  key: Key[Array, ''] | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> Maps:
  """The maps of a batch, float32: of its frames, or its PoTion maps.

  Args:
    batch: `keypoints` float32 `[b, t, m, j, 3]` (x, y in pixels, score), or stored
      modalities, uint8 on the canvas: `maps` (joints), `parts` and `features`
      `[b, t, h, w, c]`, the last with `features_scale` `[b]`, or `potion` float16
      `[b, j, h, w, c]`, the mean over time; with `frame_size` `[b, 2]`, and
      `num_frames` `[b]`, how many frames are real.
    key: each view draws its own augmentation from it; None for none (evaluation).
    skeleton: of the maps given back; one without background drops a stored one.

  Returns:
    `[b, t, h, w, c]` of the one modality that `settings` names, or of several a dict of
    them by name, of differences with one frame less; PoTion maps `[b, j, h, w, c]`.
    `augmentation.views` views of each row, one after another; one view without a key.
  """
  rows = len(batch['frame_size'])
  draws = None
  if key is not None:
    views = augmentation.views
    view_keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(rows * views))
    draws = jax.vmap(
      lambda view: augment.draw(view, augmentation, settings.size, skeleton)
    )(view_keys)
    draws = jax.tree.map(lambda leaf: leaf.reshape(rows, views, *leaf.shape[1:]), draws)

  def views_of_clip(clip, drawn):
    if 'keypoints' in clip:

      def view(drawn_once):
        return _chosen(keypoint_view(clip, drawn_once, skeleton, settings), settings)
    else:
      stored = read_stored(clip, skeleton, settings)

      def view(drawn_once):
        moved = stored_view(
          stored,
          clip,
          drawn_once,
          skeleton=skeleton,
          settings=settings,
          augmentation=augmentation,
        )
        return _chosen(moved, settings)

    if drawn is None:
      return jax.tree.map(lambda maps: maps[None], view(None))
    return jax.vmap(view)(drawn)

  maps = jax.vmap(views_of_clip)(
    {name: batch[name] for name in _READ & batch.keys()}, draws
  )
  return jax.tree.map(lambda leaf: rearrange(leaf, 'b v ... -> (b v) ...'), maps)


def _chosen(
  maps: dict[str, Float[Array, 't h w c']] | Float[Array, 'j h w c'],
  settings: MapSettings,
) -> Maps:
  """What the model reads of a view, with the differences taken."""
  if settings.potion is not None:
    return maps
  chosen = {}
  for modality in settings.modalities:
    frames = maps[stored_modality(modality)]
    chosen[modality] = jnp.diff(frames, axis=0) if is_difference(modality) else frames
  return chosen[settings.modalities[0]] if len(chosen) == 1 else chosen
