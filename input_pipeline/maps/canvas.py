"""The canvas that clips are rendered on, and placing a frame or its people on it."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import Augmentation
from input_pipeline.maps.modalities import check_modalities
from input_pipeline.maps.part_fields import DEFAULT_WIDTH
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.maps.rendering import map_size_of_frame, pixels_to_cells

CROPS = ('frame', 'person')
# Share of the canvas left empty on each side of the people in a 'person' crop; ours.
_PERSON_MARGIN = 0.1


@dataclasses.dataclass(frozen=True)
class MapSettings:
  """The canvas, and what is rendered on it.

  Attributes:
    size: (h, w) of the canvas in cells, the same for every clip.
    short_side: cells on the shorter side of a frame.
    sigma: standard deviation of the Gaussians, in cells.
    crop: 'frame' centres the frame on the canvas, cut or padded with empty cells.
      'person' fits the bounding box of all joints in all frames into the canvas,
      ignoring the frame's borders (keypoints only; ours).
    modalities: the model's input, from `modalities.MODALITIES`.
    part_width: half-width of part affinity fields, in cells from a limb's axis.
    potion: how the frames of a whole video are aggregated into PoTion maps; None for
      maps of single frames.
    num_frames: T, if the device takes T of the frames that it is given (by
      `augmentation.time`); None if it reads all of them.
  """

  size: tuple[int, int]
  short_side: int
  sigma: float
  crop: str = 'frame'
  modalities: tuple[str, ...] = ('joints',)
  part_width: float = DEFAULT_WIDTH
  potion: PotionSettings | None = None
  num_frames: int | None = None

  def __post_init__(self):
    if len(self.size) != 2 or min(self.size) < 1:
      raise ValueError(
        f'data.map_size is {self.size}; it is (height, width) in cells (repeating a tuple'
        ' flag appends to it instead of replacing it)'
      )
    if self.crop not in CROPS:
      raise ValueError(f'there is no crop {self.crop!r}; it is one of {CROPS}')
    if self.part_width <= 0:
      raise ValueError(
        f'data.part_width is {self.part_width}; it is above 0, in cells from the limb'
      )
    check_modalities(self.modalities, 'data.modalities')
    if self.potion is not None and self.modalities != ('joints',):
      raise ValueError(
        f'data.modalities is {self.modalities}, but PoTion maps show joints only; set'
        " data.modalities=('joints',), or another data.encoding"
      )


def frame_offset(map_size, canvas_size):
  """(rows, columns) from the canvas corner to the centred map's corner; < 0 is cut."""
  return (canvas_size - map_size) // 2


def centre_frame(
  positions: Float[Array, 't m j 2'],
  frame_size: Int[Array, '2'],
  settings: MapSettings,
) -> Float[Array, 't m j 2']:
  """Converts pixels to canvas cells, with the frame centred on the canvas."""
  map_size = map_size_of_frame(frame_size, settings.short_side)
  canvas = jnp.array(settings.size, map_size.dtype)
  offset = frame_offset(map_size, canvas)[::-1].astype(jnp.float32)
  cells = pixels_to_cells(positions, frame_size, map_size)
  return cells + offset.reshape(1, 1, 1, 2)


def shows_frame(
  frame_size: Int[Array, '2'], drawn: Augmentation | None, settings: MapSettings
) -> Bool[Array, 'h w']:
  """Mask of the canvas cells inside the frame, where a stored map would have values."""
  far_corner = frame_size[::-1].astype(jnp.float32)
  corners = jnp.stack([jnp.zeros(2), far_corner]).reshape(1, 1, 2, 2) - 0.5
  cells = centre_frame(corners, frame_size, settings)
  if drawn is not None and drawn.linear is not None:
    return _shows_bent_frame(cells, drawn.linear, drawn, settings)
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


def _shows_bent_frame(
  corners: Float[Array, '1 1 2 2'],
  linear: Float[Array, '2 2'],
  drawn: Augmentation,
  settings: MapSettings,
) -> Bool[Array, 'h w']:
  """The cells whose sources are inside the frame, which may no longer be upright."""
  source = augment.source_cells(linear, drawn, settings.size)
  x, y = source[..., 0], source[..., 1]
  x = jnp.where(drawn.flip, settings.size[1] - 1 - x, x)
  if drawn.joint_motion is not None:
    corners += drawn.joint_motion.global_shift.reshape(1, 1, 1, 2)
  (left, top), (right, bottom) = corners[0, 0]
  return (y >= top) & (y < bottom) & (x >= left) & (x < right)


def fit_people(
  positions: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  size: tuple[int, int],
) -> Float[Array, 't m j 2']:
  """Scales the box of all present joints to the canvas; centred, aspect ratio kept."""
  present = (scores > 0)[..., None]
  low = jnp.where(present, positions, jnp.inf).min(axis=(0, 1, 2))
  high = jnp.where(present, positions, -jnp.inf).max(axis=(0, 1, 2))
  canvas = jnp.array(size[::-1], jnp.float32)
  # The box has no extent with a single joint, and infinite corners without any.
  extent = jnp.maximum(high - low, 1.0)
  scale = (canvas * (1 - 2 * _PERSON_MARGIN) / extent).min()
  middle = ((low + high) / 2).reshape(1, 1, 1, 2)
  cells = (positions - middle) * scale + (canvas.reshape(1, 1, 1, 2) - 1) / 2
  return jnp.where(present, cells, 0.0)
