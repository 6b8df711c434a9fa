"""One file of OpenPose's heatmaps: which maps it has, and their values."""

from __future__ import annotations

import dataclasses
import pathlib

import einops
import numpy as np
from jaxtyping import Float

from input_pipeline.pose_clip import PoseDataError
from input_pipeline.skeletons import Skeleton

# The sides of what the network sees are multiples of it (OpenPose --net_resolution).
_MULTIPLE = 16
# A code of part affinity fields, x · 128.5 + 128.5 rounded (poseExtractorNet.cpp).
_HALF_CODES = 128.5


@dataclasses.dataclass(frozen=True)
class MapLayout:
  """Which maps a file has.

  Attributes:
    joints, background: whether those are there.
    num_joints: of the skeleton.
    num_parts: channels of the part affinity fields that are there.
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

    Raises:
      PoseDataError: where they are not there.
    """
    if modality not in self.layout.modalities:
      raise PoseDataError(f'there are no maps of {modality}')
    if modality == 'parts':
      return self.maps[..., self.layout.num_maps - self.layout.num_parts :]
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
    layout = _layout_of_image(image, skeleton, frame_size, file)
    values = einops.rearrange(image, 'h (c w) -> c h w', c=layout.num_maps)
    maps = _decoded(values.astype(np.float32), layout)
  height, width = maps.shape[1:]
  # Corner pixels come on corner cells (OpenPose's resizeGetScaleFactor).
  scale = min(
    (side - 1) / max(frame - 1, 1)
    for side, frame in zip((height, width), frame_size, strict=True)
  )
  return FrameMaps(einops.rearrange(maps, 'c h w -> h w c'), layout, 1 / scale)


def layouts(skeleton: Skeleton) -> tuple[MapLayout, ...]:
  """All that OpenPose's flags can leave in a file, except for the background alone."""
  return tuple(
    MapLayout(joints, background, skeleton.num_joints, parts)
    for joints, background, parts in (
      (True, False, 0),
      (True, True, 0),
      (False, False, skeleton.num_part_maps),
      (True, False, skeleton.num_part_maps),
      (True, True, skeleton.num_part_maps),
    )
  )


def _counts(skeleton: Skeleton) -> str:
  joints, parts = skeleton.num_joints, skeleton.num_part_maps
  return (
    f'{joints} (joints), {joints + 1} (and background), {parts} (part affinity fields),'
    f' {joints + parts} or {joints + 1 + parts}'
  )


def _read_float(file: pathlib.Path) -> Float[np.ndarray, 'c h w']:
  try:
    numbers = np.fromfile(file, np.dtype('<f4'))
  except OSError as error:
    raise PoseDataError(f'{file} cannot be read: {error}') from error
  shape = tuple(int(side) for side in numbers[1:4]) if numbers[:1] == 3 else ()
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
  image: np.ndarray, skeleton: Skeleton, frame_size: tuple[int, int], file: pathlib.Path
) -> MapLayout:
  """Which maps stand side by side: their widths must be what a network can see.

  Where several numbers of maps would do, it is the one that leaves the least of a map
  empty beside the frame, if OpenPose chose the width itself (--net_resolution -1xH).
  """
  height, width = image.shape
  fitting = {}
  for layout in layouts(skeleton):
    map_width, rest = divmod(width, layout.num_maps)
    if not rest and map_width and map_width % _MULTIPLE == 0:
      fitting[layout] = abs(map_width - height * frame_size[1] / frame_size[0])
  if len(fitting) > 1:
    fitting = {f: rest for f, rest in fitting.items() if rest < _MULTIPLE}
  if len(fitting) == 1:
    return next(iter(fitting))
  raise PoseDataError(
    f'{file} is {width} pixels wide and {height} high, from which the number of maps does'
    f' not follow: of skeleton {skeleton.name!r} there are {_counts(skeleton)}, each a'
    f' multiple of {_MULTIPLE} wide; let OpenPose write --write_heatmaps_format float'
  )
