"""Reads one file of OpenPose heatmaps: which maps it holds, and their values."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import struct

import einops
import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats.openpose_fields import field_channels, field_pairs
from input_pipeline.skeletons.registry import Skeleton

# A field value x is stored as the code round(x · 128.5 + 128.5) (poseExtractorNet.cpp).
_HALF_CODES = 128.5
# How far a map's median may be from the code for an empty cell (our choice).
_NEAR_NOTHING = 32
# Twice what OpenPose writes for the finest network size (our choice).
_MOST_PIXELS = 1 << 27
_PNG_MAGIC = b'\x89PNG\r\n\x1a\n'
_PNG_HEADER = 24  # Bytes up to the end of width and height.


@dataclasses.dataclass(frozen=True)
class MapLayout:
  """Which maps a file has.

  Attributes:
    joints, background: whether the file has these maps.
    num_joints: number of the skeleton's joints.
    num_parts: number of part affinity field channels, in OpenPose's order.
  """

  joints: bool
  background: bool
  num_joints: int
  num_parts: int

  @property
  def num_maps(self) -> int:
    return self.joints * self.num_joints + self.background + self.num_parts

  @property
  def modalities(self) -> tuple[str, ...]:
    """The modalities that a data set can store from these maps."""
    parts = ('parts',) if self.num_parts else ()
    return (('joints',) if self.joints else ()) + parts


@dataclasses.dataclass(frozen=True, eq=False)
class FrameMaps:
  """One frame's maps.

  Attributes:
    maps: float32 `[h, w, c]`, in the file's order: joints and background in 0..1, part
      affinity fields in -1..1.
    layout: which maps they are.
    cell_size: size of a map cell, in pixels of the frame.
  """

  maps: Float[np.ndarray, 'h w c']
  layout: MapLayout
  cell_size: float

  def values(self, modality: str, skeleton: Skeleton) -> Float[np.ndarray, 'h w c']:
    """The maps for 'joints' (with the background if the skeleton has one) or 'parts'.

    Parts are the fields for the skeleton's limbs, in its order and directions.

    Raises:
      PoseDataError: if the file has no such maps.
    """
    if modality not in self.layout.modalities:
      raise PoseDataError(
        f'there are no maps of {modality}; the file has maps of'
        f' {" and ".join(self.layout.modalities)}'
      )
    if modality == 'parts':
      fields = self.maps[..., self.layout.num_maps - self.layout.num_parts :]
      channels, signs = zip(*field_channels(skeleton), strict=True)
      return fields[..., list(channels)] * np.array(signs, np.float32)
    joints = self.maps[..., : self.layout.num_joints]
    if not skeleton.background:
      return joints
    if self.layout.background:
      return self.maps[..., : self.layout.num_joints + 1]
    background = 1 - joints.max(axis=-1, keepdims=True)
    return np.concatenate([joints, background], axis=-1)


def read_maps(
  file: pathlib.Path, skeleton: Skeleton, frame_size: tuple[int, int]
) -> FrameMaps:
  """Reads the maps in a .png or .float file.

  Args:
    frame_size: (height, width) of the frame in pixels.

  Raises:
    PoseDataError: if the file is malformed, or its number of maps does not fit the
      skeleton.
  """
  if file.suffix.lower() == '.float':
    values = _read_float(file)
    layout = next((f for f in layouts(skeleton) if f.num_maps == len(values)), None)
    if layout is None:
      raise PoseDataError(
        f'{file} has {len(values)} maps, but skeleton {skeleton.name!r} needs'
        f' {_counts(skeleton)}'
      )
    maps = _unscaled(values, layout)
  else:
    image = _read_image(file)
    layout = _layout_of_image(image, skeleton, file)
    values = einops.rearrange(image, 'h (c w) -> c h w', c=layout.num_maps)
    maps = _decoded(values.astype(np.float32), layout)
  height, width = maps.shape[1:]
  # OpenPose aligns corner pixels with corner cells, at most half a cell away from this.
  scale = min(height / frame_size[0], width / frame_size[1])
  return FrameMaps(einops.rearrange(maps, 'c h w -> h w c'), layout, 1 / scale)


def layouts(skeleton: Skeleton) -> tuple[MapLayout, ...]:
  """Every layout that OpenPose's flags can produce, except the background alone."""
  num_fields = 2 * len(field_pairs(skeleton))
  flags = [(True, False, 0), (True, True, 0)]
  if num_fields:
    flags += [(joints, False, num_fields) for joints in (False, True)]
    flags += [(True, True, num_fields)]
  return tuple(
    MapLayout(joints, background, skeleton.num_joints, fields)
    for joints, background, fields in flags
  )


def _counts(skeleton: Skeleton) -> str:
  joints, fields = skeleton.num_joints, 2 * len(field_pairs(skeleton))
  with_fields = f', {fields} (part affinity fields), {joints + fields} or'
  return f'{joints} (joints), {joints + 1} (and background)' + (
    f'{with_fields} {joints + 1 + fields}' if fields else ''
  )


def _read_float(file: pathlib.Path) -> Float[np.ndarray, 'c h w']:
  try:
    numbers = np.fromfile(file, np.dtype('<f4'))
  except OSError as error:
    raise PoseDataError(f'{file} cannot be read: {error}') from error
  sides = numbers[1:4]
  whole = 3 in numbers[:1] and bool(((sides >= 1) & (sides < numbers.size)).all())
  shape = tuple(int(side) for side in sides) if whole else ()
  if len(shape) != 3 or numbers.size != 4 + math.prod(shape):
    raise PoseDataError(
      f'{file} holds {numbers.size} numbers, the first {numbers[:4].tolist()}, but needs'
      ' 3, maps, height, width, then maps · height · width values'
    )
  return numbers[4:].reshape(shape)


def _unscaled(
  values: Float[np.ndarray, 'c h w'], layout: MapLayout
) -> Float[np.ndarray, 'c h w']:
  """Undoes --heatmaps_scale, which the values reveal: 0, -1..1; 1, 0..1; 2, codes.

  Joint maps are nearly empty, so a frame's minimum is the value of an empty cell, and
  the fields' median is the value of a cell without a limb.
  """
  if (values == np.round(values)).all() and values.min() >= 0:
    return _decoded(values, layout)
  values = values.copy()
  parts = values[layout.num_maps - layout.num_parts :]
  heights = values[: layout.num_maps - layout.num_parts]
  if heights.size and heights.min() < -0.5:
    heights[:] = (heights + 1) / 2
  elif parts.size and np.median(parts) > 0.25:
    parts[:] = 2 * parts - 1
  return values


def _decoded(
  codes: Float[np.ndarray, 'c h w'], layout: MapLayout
) -> Float[np.ndarray, 'c h w']:
  """Decodes 8-bit codes to joints and background in 0..1 and fields in -1..1."""
  fields = layout.num_maps - layout.num_parts
  parts = (codes[fields:] - _HALF_CODES) / _HALF_CODES
  return np.concatenate([codes[:fields] / 255, parts]).astype(np.float32)


def _read_image(file: pathlib.Path) -> np.ndarray:
  """Grey levels `[h, c * w]`."""
  try:
    import cv2
  except ImportError as error:
    raise ImportError(
      f'reading images needs OpenCV, which is not installed ({error}):'
      " pip install 'pose-action-jax[video]'"
    ) from error
  # `imread` warns about a missing file, and cannot open every folder name.
  content = np.frombuffer(file.read_bytes(), np.uint8)
  _check_png(content.tobytes()[:_PNG_HEADER], file)
  image = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
  if image is None:
    raise PoseDataError(f'{file} is not a readable image')
  return image


def _check_png(header: bytes, file: pathlib.Path):
  """Checks the size in a PNG file's header before its pixels are allocated."""
  if len(header) < _PNG_HEADER or not header.startswith(_PNG_MAGIC):
    return  # OpenCV refuses it.
  width, height = struct.unpack_from('>II', header, 16)
  if width * height > _MOST_PIXELS:
    raise PoseDataError(
      f'{file} is {width} pixels wide and {height} high, at most {_MOST_PIXELS:,} pixels'
      ' are read'
    )


def _layout_of_image(
  image: np.ndarray, skeleton: Skeleton, file: pathlib.Path
) -> MapLayout:
  """Infers which maps an image holds side by side, as the file does not state it.

  Most cells are empty: 0 in a joint map, 255 in the background, 128 or 129 in a field.

  Raises:
    PoseDataError: if no layout fits, or more than one.
  """
  height, width = image.shape
  fitting = []
  for layout in layouts(skeleton):
    if width % layout.num_maps == 0:
      maps = einops.rearrange(image, 'h (c w) -> c (h w)', c=layout.num_maps)
      nothing = [0] * (layout.joints * layout.num_joints) + [255] * layout.background
      nothing += [_HALF_CODES] * layout.num_parts
      if np.abs(np.median(maps, axis=1) - nothing).max() < _NEAR_NOTHING:
        fitting.append(layout)
  if len(fitting) == 1:
    return fitting[0]
  raise PoseDataError(
    f'{file} is {width} pixels wide and {height} high, from which the number of maps'
    f' cannot be inferred; skeleton {skeleton.name!r} needs {_counts(skeleton)}, each'
    ' mostly empty. Run OpenPose with --write_heatmaps_format float'
  )
