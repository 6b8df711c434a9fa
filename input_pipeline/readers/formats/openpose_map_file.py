"""One file of OpenPose's heatmaps: which maps it has, and their values."""

from __future__ import annotations

import dataclasses
import pathlib

import einops
import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats.openpose_fields import field_channels, field_pairs
from input_pipeline.skeletons.registry import Skeleton

# A code of part affinity fields, x · 128.5 + 128.5 rounded (poseExtractorNet.cpp).
_HALF_CODES = 128.5
# How far from the code of nothing the middle code of a map may be; ours.
_NEAR_NOTHING = 32


@dataclasses.dataclass(frozen=True)
class MapLayout:
  """Which maps a file has.

  Attributes:
    joints, background: whether those are there.
    num_joints: of the skeleton.
    num_parts: channels of the part affinity fields, as OpenPose orders them.
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
    """What a data set can store of them."""
    parts = ('parts',) if self.num_parts else ()
    return (('joints',) if self.joints else ()) + parts


@dataclasses.dataclass(frozen=True, eq=False)
class FrameMaps:
  """The maps of a frame.

  Attributes:
    maps: float32 `[h, w, c]`, in the file's order: joints and background in 0..1, part
      affinity fields in -1..1.
    layout: which they are.
    cell_size: of their cells, in pixels of the frame.
  """

  maps: Float[np.ndarray, 'h w c']
  layout: MapLayout
  cell_size: float

  def values(self, modality: str, skeleton: Skeleton) -> Float[np.ndarray, 'h w c']:
    """The maps of 'joints' (with the background where the skeleton has it) or 'parts'.

    Parts are those of the skeleton's limbs, in its order and directions.

    Raises:
      PoseDataError: where they are not there.
    """
    if modality not in self.layout.modalities:
      raise PoseDataError(f'there are no maps of {modality}')
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
  """The maps of a .png or .float file.

  Args:
    frame_size: (height, width) of the frame in pixels.

  Raises:
    PoseDataError: where the file is not of this form, or its number of maps is not one
      of the skeleton's.
  """
  if file.suffix.lower() == '.float':
    values = _read_float(file)
    layout = next((f for f in layouts(skeleton) if f.num_maps == len(values)), None)
    if layout is None:
      raise PoseDataError(
        f'{file} has {len(values)} maps, but of skeleton {skeleton.name!r} there are'
        f' {_counts(skeleton)}'
      )
    maps = _unscaled(values, layout)
  else:
    image = _read_image(file)
    layout = _layout_of_image(image, skeleton, file)
    values = einops.rearrange(image, 'h (c w) -> c h w', c=layout.num_maps)
    maps = _decoded(values.astype(np.float32), layout)
  height, width = maps.shape[1:]
  # OpenPose lays corner pixels on corner cells, at most half a cell away from this.
  scale = min(height / frame_size[0], width / frame_size[1])
  return FrameMaps(einops.rearrange(maps, 'c h w -> h w c'), layout, 1 / scale)


def layouts(skeleton: Skeleton) -> tuple[MapLayout, ...]:
  """All that OpenPose's flags can leave in a file, except for the background alone."""
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
  shape = tuple(int(side) for side in numbers[1:4]) if 3 in numbers[:1] else ()
  if len(shape) != 3 or 0 in shape or numbers.size != 4 + np.prod(shape):
    raise PoseDataError(
      f'{file} holds {numbers.size} numbers, the first {numbers[:4].tolist()}, but needs'
      ' 3, maps, height, width and as many values'
    )
  return numbers[4:].reshape(shape)


def _unscaled(
  values: Float[np.ndarray, 'c h w'], layout: MapLayout
) -> Float[np.ndarray, 'c h w']:
  """What --heatmaps_scale did is told by the values: 0, -1..1; 1, 0..1; 2, codes.

  Joint maps are nearly empty, so that the least value of a frame is that of nothing, and
  the middle one of the fields is that of no limb.
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
  """8-bit codes to joints and background in 0..1, part affinity fields in -1..1."""
  fields = layout.num_maps - layout.num_parts
  parts = (codes[fields:] - _HALF_CODES) / _HALF_CODES
  return np.concatenate([codes[:fields] / 255, parts]).astype(np.float32)


def _read_image(file: pathlib.Path) -> np.ndarray:
  """Grey levels `[h, c * w]`."""
  try:
    import cv2
  except ImportError as error:
    raise ImportError(
      f'images are read by OpenCV, which is not installed ({error}):'
      " pip install 'pose-action-jax[video]'"
    ) from error
  # `imread` warns of a file that is not there, and does not know all names of folders.
  content = np.frombuffer(file.read_bytes(), np.uint8)
  image = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
  if image is None:
    raise PoseDataError(f'{file} is not a readable image')
  return image


def _layout_of_image(
  image: np.ndarray, skeleton: Skeleton, file: pathlib.Path
) -> MapLayout:
  """Which maps stand side by side, as their number and width stand nowhere.

  Most of a map is nothing: 0 of a joint, 255 of the background, 128 or 129 of a field.

  Raises:
    PoseDataError: where none of the layouts fits, or more than one.
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
    f'{file} is {width} pixels wide and {height} high, from which the number of maps does'
    f' not follow; of skeleton {skeleton.name!r} there are {_counts(skeleton)}, each'
    ' mostly empty. Let OpenPose write --write_heatmaps_format float'
  )
