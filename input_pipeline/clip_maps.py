"""From a batch of clips, in any representation, to the maps a model reads.

Pure JAX: runs inside the jitted step, on the device. Stored maps and maps rendered from
keypoints lie on the same canvas, so that a model cannot tell which one fed it. (In
training, what the canvas cut off a frame can move back in only from keypoints.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Bool, Float, Int, Key

from input_pipeline import augment, pose_aware, potion
from input_pipeline.augment import Augmentation, AugmentSettings
from input_pipeline.potion import PotionSettings
from input_pipeline.rendering import (
  append_background,
  map_size_of_frame,
  pixels_to_cells,
  render_joint_maps,
)
from input_pipeline.skeletons import Skeleton

CROPS = ('frame', 'person')
# Frames of a video whose PoTion maps are stored; only 'none' normalisation asks.
_LONGEST_VIDEO = 2**14
# Share of the map left free on each side of the people in a 'person' crop; ours.
_PERSON_MARGIN = 0.1


@dataclasses.dataclass(frozen=True)
class MapSettings:
  """The canvas that clips are drawn on.

  Attributes:
    size: (h, w) of the canvas in cells, the same for every clip.
    short_side: cells on the shorter side of a frame.
    sigma: of the Gaussians, in cells.
    crop: 'frame' puts the frame's centre on the canvas' centre, cut or padded with
      empty cells; 'person' fits the box of all joints of the clip's frames into the
      canvas instead (keypoints only; ours), whatever lies there of the frame.
    potion: how the frames of a whole video are summed up into PoTion maps; None for
      maps of single frames.
  """

  size: tuple[int, int]
  short_side: int
  sigma: float
  crop: str = 'frame'
  potion: PotionSettings | None = None

  def __post_init__(self):
    if len(self.size) != 2 or min(self.size) < 1:
      raise ValueError(
        f'data.map_size is {self.size}; it is (height, width) in cells (a tuple flag'
        ' given twice is joined, not replaced)'
      )
    if self.crop not in CROPS:
      raise ValueError(f'there is no crop {self.crop!r}; it is one of {CROPS}')


def batch_maps(
  batch: Mapping[str, Array],
  key: Key[Array, ''] | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> Float[Array, 'b t h w c'] | Float[Array, 'b j h w c']:
  """The maps of a batch, float32: of its frames, or its PoTion maps.

  Args:
    batch: `keypoints` float32 `[b, t, m, j, 3]` (x, y in pixels, score) with
      `frame_size` `[b, 2]`, `maps` uint8 `[b, t, h, w, c]` on the canvas, or `potion`
      float16 `[b, j, h, w, c]` on it, the mean over time; `num_frames` `[b]` says how
      many frames are real.
    key: each view draws its own augmentation from it; None for none (evaluation).
    skeleton: of the maps given back; one without background drops a stored one.

  Returns:
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
        return _rendered(clip, drawn_once, skeleton, settings)
    else:
      stored = _stored(clip, skeleton, settings)

      def view(drawn_once):
        return _moved(
          stored,
          clip,
          drawn_once,
          skeleton=skeleton,
          settings=settings,
          augmentation=augmentation,
        )

    return view(None)[None] if drawn is None else jax.vmap(view)(drawn)

  pixels = {'keypoints', 'maps', 'potion', 'frame_size', 'num_frames'} & batch.keys()
  maps = jax.vmap(views_of_clip)({name: batch[name] for name in pixels}, draws)
  return rearrange(maps, 'b v ... -> (b v) ...')


def frame_offset(map_size, canvas_size):
  """(rows, columns) from the canvas' corner to the centred map's; negative cuts."""
  return (canvas_size - map_size) // 2


def _rendered(
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  skeleton: Skeleton,
  settings: MapSettings,
) -> Float[Array, 't h w c'] | Float[Array, 'j h w c']:
  """One view of a clip of keypoints."""
  positions, scores = clip['keypoints'][..., :2], clip['keypoints'][..., 2]
  if settings.potion is not None:
    real = jnp.arange(len(scores)) < clip['num_frames']
    scores = jnp.where(real[:, None, None], scores, 0)
  frame_size = clip['frame_size']
  if settings.crop == 'person':
    cells, shown = _fit_people(positions, scores, settings.size), None
  else:
    cells = _centre_frame(positions, frame_size, settings)
    shown = _shows_frame(frame_size, drawn, settings)
  if drawn is not None:
    if drawn.joint_motion is not None:
      cells = pose_aware.move_keypoints(cells, scores, drawn.joint_motion, skeleton)
    cells, scores = augment.augment_keypoints(
      cells,
      scores,
      drawn,
      map_size=settings.size,
      flip_permutation=skeleton.flip_permutation,
    )
  canvas = {'map_size': settings.size, 'sigma': settings.sigma}
  if settings.potion is not None:
    weights = potion.colour_weights(clip['num_frames'], len(cells), settings.potion)
    means = potion.aggregate_keypoints(
      cells,
      scores,
      weights,
      background=skeleton.background,
      frame_mask=shown,
      **canvas,
    )
    return potion.finish(means, weights, settings.potion)
  maps = render_joint_maps(cells, scores, **canvas)
  if shown is not None:
    maps = jnp.where(shown[None, :, :, None], maps, 0)
  return append_background(maps) if skeleton.background else maps


def _centre_frame(
  positions: Float[Array, 't m j 2'],
  frame_size: Int[Array, '2'],
  settings: MapSettings,
) -> Float[Array, 't m j 2']:
  map_size = map_size_of_frame(frame_size, settings.short_side)
  canvas = jnp.array(settings.size, map_size.dtype)
  offset = frame_offset(map_size, canvas)[::-1].astype(jnp.float32)
  cells = pixels_to_cells(positions, frame_size, map_size)
  return cells + offset.reshape(1, 1, 1, 2)


def _shows_frame(
  frame_size: Int[Array, '2'], drawn: Augmentation | None, settings: MapSettings
) -> Bool[Array, 'h w']:
  """The canvas' cells that lie in the frame: a stored map ends where its frame does."""
  far_corner = frame_size[::-1].astype(jnp.float32)
  corners = jnp.stack([jnp.zeros(2), far_corner]).reshape(1, 1, 2, 2) - 0.5
  cells = _centre_frame(corners, frame_size, settings)
  if drawn is not None:  # The corners move as the whole pose does.
    if drawn.joint_motion is not None:
      cells += drawn.joint_motion.global_shift.reshape(1, 1, 1, 2)
    cells, _ = augment.augment_keypoints(
      cells,
      jnp.ones((1, 1, 2)),
      drawn,
      map_size=settings.size,
      flip_permutation=(0, 1),
    )
  (left, top), (right, bottom) = cells.min(axis=(0, 1, 2)), cells.max(axis=(0, 1, 2))
  height, width = settings.size
  row = jnp.arange(height, dtype=jnp.float32)[:, None]
  column = jnp.arange(width, dtype=jnp.float32)[None, :]
  return (row >= top) & (row < bottom) & (column >= left) & (column < right)


def _fit_people(
  positions: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  size: tuple[int, int],
) -> Float[Array, 't m j 2']:
  """Scales the box of all present joints into the canvas, aspect kept, centred."""
  present = (scores > 0)[..., None]
  low = jnp.where(present, positions, jnp.inf).min(axis=(0, 1, 2))
  high = jnp.where(present, positions, -jnp.inf).max(axis=(0, 1, 2))
  canvas = jnp.array(size[::-1], jnp.float32)
  # A single visible joint makes a box of no extent; a clip without any, no box at all.
  extent = jnp.maximum(high - low, 1.0)
  scale = (canvas * (1 - 2 * _PERSON_MARGIN) / extent).min()
  middle = ((low + high) / 2).reshape(1, 1, 1, 2)
  cells = (positions - middle) * scale + (canvas.reshape(1, 1, 1, 2) - 1) / 2
  return jnp.where(present, cells, 0.0)


def _stored(
  clip: Mapping[str, Array], skeleton: Skeleton, settings: MapSettings
) -> Float[Array, 't h w c']:
  """A stored clip's maps; of PoTion maps the colours `c` take the place of frames.

  PoTion maps are means over time here: what is done to a clip is done before they are
  finished, as it is for keypoints.
  """
  if 'potion' in clip:
    means = clip['potion'][: skeleton.num_maps].astype(jnp.float32)
    return rearrange(means, 'j h w c -> c h w j')
  maps = clip['maps'][..., : skeleton.num_maps].astype(jnp.float32) / 255
  if settings.potion is None:
    return maps
  weights = potion.colour_weights(clip['num_frames'], len(maps), settings.potion)
  return rearrange(potion.aggregate_maps(maps, weights), 'j h w c -> c h w j')


def _moved(
  maps: Float[Array, 't h w c'],
  clip: Mapping[str, Array],
  drawn: Augmentation | None,
  *,
  skeleton: Skeleton,
  settings: MapSettings,
  augmentation: AugmentSettings,
) -> Float[Array, 't h w c'] | Float[Array, 'j h w c']:
  """One view of a stored clip."""
  if drawn is not None:
    maps = _moved_joints(maps, drawn, skeleton, augmentation)
    maps = augment.flip_maps(maps, drawn, skeleton.map_flip_permutation)
    maps = _moved_whole(maps, drawn, skeleton, augmentation)
  if settings.potion is None:
    moves = augmentation.moves or augmentation.pose_aware.moves
    if drawn is not None and moves and skeleton.background:
      # Of single frames the background is known exactly; of a mean of them it is not.
      maps = append_background(maps[..., : skeleton.num_joints])
    return maps
  longest = len(clip['maps']) if 'maps' in clip else _LONGEST_VIDEO
  weights = potion.colour_weights(clip['num_frames'], longest, settings.potion)
  means = rearrange(maps, 'c h w j -> j h w c')
  return potion.finish(means, weights, settings.potion)


def _moved_joints(
  maps: Float[Array, 't h w c'],
  drawn: Augmentation,
  skeleton: Skeleton,
  augmentation: AugmentSettings,
) -> Float[Array, 't h w c']:
  """Each joint's own motion."""
  if drawn.joint_motion is None:
    return maps
  moved = pose_aware.move_joint_maps(
    rearrange(maps, 't h w j -> j h w t'),
    drawn.joint_motion,
    skeleton,
    rotates=augmentation.pose_aware.rotation > 0,
  )
  return rearrange(moved, 'j h w t -> t h w j')


def _moved_whole(
  maps: Float[Array, 't h w c'],
  drawn: Augmentation,
  skeleton: Skeleton,
  augmentation: AugmentSettings,
) -> Float[Array, 't h w c']:
  """Scaled and shifted; what comes in holds no joint, and is background."""
  if not augmentation.moves:
    return maps
  joints, background = jnp.split(maps, [skeleton.num_joints], axis=-1)
  moved = augment.move_maps(jnp.concatenate([joints, 1 - background], axis=-1), drawn)
  joints, background = jnp.split(moved, [skeleton.num_joints], axis=-1)
  return jnp.concatenate([joints, 1 - background], axis=-1)
