"""From a batch of clips, in either representation, to the maps a model reads.

Pure JAX: runs inside the jitted step, on the device. Stored maps and maps rendered from
keypoints lie on the same canvas, so that a model cannot tell which one fed it. (In
training, what the canvas cut off a frame can move back in only from keypoints.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from input_pipeline import augment
from input_pipeline.augment import Augmentation, AugmentSettings
from input_pipeline.rendering import (
  append_background,
  map_size_of_frame,
  pixels_to_cells,
  render_joint_maps,
)
from input_pipeline.skeletons import Skeleton

CROPS = ('frame', 'person')
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
  """

  size: tuple[int, int]
  short_side: int
  sigma: float
  crop: str = 'frame'

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
) -> Float[Array, 'b t h w c']:
  """The maps of a batch, float32 in 0..1.

  Args:
    batch: `keypoints` float32 `[b, t, m, j, 3]` (x, y in pixels, score) with
      `frame_size` `[b, 2]`, or `maps` uint8 `[b, t, h, w, c]` on the canvas.
    key: each row draws its own augmentation from it; None for none (evaluation).
  """
  draws = None
  if key is not None:
    rows = len(batch['frame_size'])
    row_keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(rows))
    draws = jax.vmap(lambda row: augment.draw(row, augmentation, settings.size))(
      row_keys
    )
  if 'keypoints' in batch:

    def render(keypoints, frame_size, drawn):
      return _rendered(keypoints, frame_size, drawn, skeleton, settings)

    return jax.vmap(render)(batch['keypoints'], batch['frame_size'], draws)

  def move(maps, drawn):
    return _moved(maps, drawn, skeleton, moves=augmentation.moves)

  maps = batch['maps'].astype(jnp.float32) / 255
  return maps if draws is None else jax.vmap(move)(maps, draws)


def frame_offset(map_size, canvas_size):
  """(rows, columns) from the canvas' corner to the centred map's; negative cuts."""
  return (canvas_size - map_size) // 2


def _rendered(keypoints, frame_size, drawn, skeleton: Skeleton, settings: MapSettings):
  positions, scores = keypoints[..., :2], keypoints[..., 2]
  if settings.crop == 'person':
    cells = _fit_people(positions, scores, settings.size)
  else:
    cells = _centre_frame(positions, frame_size, settings)
  if drawn is not None:
    cells, scores = augment.augment_keypoints(
      cells,
      scores,
      drawn,
      map_size=settings.size,
      flip_permutation=skeleton.flip_permutation,
    )
  maps = render_joint_maps(
    cells,
    scores,
    map_size=settings.size,
    sigma=settings.sigma,
  )
  if settings.crop == 'frame':
    maps = jnp.where(_shows_frame(frame_size, drawn, settings), maps, 0)
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
) -> Bool[Array, '1 h w 1']:
  """The canvas' cells that lie in the frame: a stored map ends where its frame does."""
  far_corner = frame_size[::-1].astype(jnp.float32)
  corners = jnp.stack([jnp.zeros(2), far_corner]).reshape(1, 1, 2, 2) - 0.5
  cells = _centre_frame(corners, frame_size, settings)
  if drawn is not None:  # The corners move as joints do.
    cells, _ = augment.augment_keypoints(
      cells,
      jnp.ones((1, 1, 2)),
      drawn,
      map_size=settings.size,
      flip_permutation=(0, 1),
    )
  (left, top), (right, bottom) = cells.min(axis=(0, 1, 2)), cells.max(axis=(0, 1, 2))
  height, width = settings.size
  row = jnp.arange(height, dtype=jnp.float32).reshape(1, height, 1, 1)
  column = jnp.arange(width, dtype=jnp.float32).reshape(1, 1, width, 1)
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


def _moved(maps, drawn, skeleton: Skeleton, *, moves: bool):
  maps = augment.flip_maps(maps, drawn, skeleton.map_flip_permutation)
  if not moves:
    return maps
  joints = augment.move_maps(maps[..., : skeleton.num_joints], drawn)
  return append_background(joints) if skeleton.background else joints
