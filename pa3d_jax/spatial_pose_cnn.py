"""The spatial pose CNN (PA3D Sec. 3.1): frames to maps of joints, limbs and features.

PA3D uses the released multi-person pose network of Cao et al. (CVPR 2017), OpenPose's
COCO model: the first ten convolutions of VGG19 and two more, then six stages with two
branches each. Branch L1 computes part affinity fields, L2 joint maps. From the second
stage on, a stage reads the features and both outputs of the stage before. Layers have
the release's names; `openpose_weights` converts its weights.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, UInt8

STRIDE = 8  # Pixels per map cell: three poolings.
JOINT_MAPS = 19  # 18 COCO joints, then background (PA3D Sec. 4).
PART_MAPS = 38  # 19 limbs × (x, y) (PA3D Sec. 4).
FEATURE_MAPS = 128
PAPER_SCALES = (0.5, 1.0, 1.5, 2.0)  # PA3D Sec. 4.
# Cubic, as in OpenPose. Unlike OpenPose's, ours antialiases when it shrinks.
_RESIZING = 'cubic'


class Layer(NamedTuple):
  """One convolution with stride 1 that keeps the size of the map."""

  name: str
  size: int
  inputs: int
  features: int


def _chain(inputs: int, *layers: tuple[str, int, int]) -> tuple[Layer, ...]:
  """Layers from (name, size, features), each of which reads the previous one."""
  chained = []
  for name, size, features in layers:
    chained.append(Layer(name, size, inputs, features))
    inputs = features
  return tuple(chained)


def _branch(stage: int, branch: str) -> tuple[Layer, ...]:
  outputs = {'L1': PART_MAPS, 'L2': JOINT_MAPS}[branch]
  if stage == 1:
    first = [(f'conv5_{i}_CPM_{branch}', 3, 128) for i in (1, 2, 3)]
    middle = (f'conv5_4_CPM_{branch}', 1, 512)
    last = (f'conv5_5_CPM_{branch}', 1, outputs)
    return _chain(FEATURE_MAPS, *first, middle, last)
  first = [(f'Mconv{i}_stage{stage}_{branch}', 7, 128) for i in (1, 2, 3, 4, 5)]
  middle = (f'Mconv6_stage{stage}_{branch}', 1, 128)
  last = (f'Mconv7_stage{stage}_{branch}', 1, outputs)
  return _chain(PART_MAPS + JOINT_MAPS + FEATURE_MAPS, *first, middle, last)


# Max pooling separates the blocks.
BACKBONE = (
  _chain(3, ('conv1_1', 3, 64), ('conv1_2', 3, 64)),
  _chain(64, ('conv2_1', 3, 128), ('conv2_2', 3, 128)),
  _chain(128, *((f'conv3_{i}', 3, 256) for i in (1, 2, 3, 4))),
  _chain(
    256,
    ('conv4_1', 3, 512),
    ('conv4_2', 3, 512),
    ('conv4_3_CPM', 3, 256),
    ('conv4_4_CPM', 3, FEATURE_MAPS),
  ),
)
# (L1, L2) of each stage.
STAGES = tuple((_branch(stage, 'L1'), _branch(stage, 'L2')) for stage in range(1, 7))


@struct.dataclass
class PoseMaps:
  """PA3D's three pose modalities; a cell covers 8×8 pixels.

  Attributes:
    joints: J, 18 COCO joints, then the background.
    parts: P, part affinity fields: x and y for each of 19 limbs.
    features: F, the last layer before the stages. PA3D Sec. 4 calls it VGG19's tenth
      layer, but that layer has 512 maps; conv4_4_CPM has the paper's 128.
  """

  joints: Float[Array, 'b h w 19']
  parts: Float[Array, 'b h w 38']
  features: Float[Array, 'b h w 128']


class SpatialPoseCNN(nn.Module):
  """OpenPose's COCO network; 52.3 million parameters.

  ReLU follows every convolution except the last of each branch. Weights are imported,
  never trained here, so initial values are Flax's defaults.

  Attributes:
    dtype: dtype of the computation and of the maps; parameters stay float32.
  """

  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, frames: Float[Array, 'b h w 3']) -> PoseMaps:
    """Computes the maps of frames.

    Args:
      frames: channels blue, green, red; values pixel / 256 − 0.5; height and width
        multiples of 8.

    Raises:
      ValueError: for a height or width that is not a multiple of 8.
    """
    if any(side % STRIDE for side in frames.shape[1:3]):
      raise ValueError(
        f'the height and width of frames must be multiples of {STRIDE}, but got'
        f' {frames.shape[1]}×{frames.shape[2]}; pad with 0 (grey) at the bottom and'
        ' the right'
      )
    x = frames.astype(self.dtype)
    for block, layers in enumerate(BACKBONE):
      if block:
        x = nn.max_pool(x, (2, 2), strides=(2, 2))
      for layer in layers:
        x = nn.relu(self._convolved(x, layer))
    features = stage_input = x
    for parts_branch, joints_branch in STAGES:
      parts = self._branch_output(stage_input, parts_branch)
      joints = self._branch_output(stage_input, joints_branch)
      stage_input = jnp.concatenate([parts, joints, features], axis=-1)
    return PoseMaps(joints=joints, parts=parts, features=features)

  def _branch_output(self, x: jax.Array, layers: Sequence[Layer]) -> jax.Array:
    for layer in layers[:-1]:
      x = nn.relu(self._convolved(x, layer))
    return self._convolved(x, layers[-1])

  def _convolved(self, x: jax.Array, layer: Layer) -> jax.Array:
    return nn.Conv(
      layer.features, (layer.size, layer.size), dtype=self.dtype, name=layer.name
    )(x)


def multi_scale_maps(
  model: SpatialPoseCNN,
  variables: Mapping[str, Any],
  frames: UInt8[Array, 'b h w 3'],
  *,
  scales: Sequence[float] = PAPER_SCALES,
  base_height: int | None = None,
) -> PoseMaps:
  """Averages the maps of frames over several scales (PA3D Sec. 4); returns float32.

  Cell (y, x) of the result covers the frame's pixels from (8·y, 8·x) on at every scale;
  a frame has ⌈h / 8⌉ × ⌈w / 8⌉ cells. Frames are resized, then padded with grey at the
  bottom and the right to whole cells, as OpenPose does. Their maps are resampled at the
  centres of the frame's cells. Both steps use cubic interpolation.

  Compiled once per frame size, number of frames, and choice of scales.

  Args:
    frames: red, green, blue, 0..255.
    scales: relative to the height `base_height`; the aspect ratio is kept.
    base_height: height in pixels at scale 1; None takes the frame's own height.
      OpenPose uses 368.

  Raises:
    ValueError: for frames with another dtype or shape, and for scales that are not
      positive.
  """
  if frames.dtype != jnp.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
    raise ValueError(
      'frames must be uint8 [frame, row, column, colour] with 3 colours (red, green,'
      f' blue), but got {frames.dtype} {tuple(frames.shape)}'
    )
  if not scales or min(scales) <= 0 or (base_height is not None and base_height < 1):
    raise ValueError(
      f'got scales {tuple(scales)} and base height {base_height}; give at least one'
      ' scale, all above 0, and a base height of at least 1 pixel, or None'
    )
  return _averaged_maps(model, variables, frames, tuple(scales), base_height)


@functools.partial(jax.jit, static_argnames=('model', 'scales', 'base_height'))
def _averaged_maps(
  model: SpatialPoseCNN,
  variables: Mapping[str, Any],
  frames: UInt8[Array, 'b h w 3'],
  scales: tuple[float, ...],
  base_height: int | None,
) -> PoseMaps:
  height, width = frames.shape[1:3]
  enlargement = (base_height or height) / height
  at_scales = [
    _maps_at_size(
      model,
      variables,
      frames[..., ::-1],  # The network reads blue, green, red.
      tuple(max(1, round(scale * enlargement * side)) for side in (height, width)),
    )
    for scale in scales
  ]
  return jax.tree.map(lambda *maps: sum(maps) / len(maps), *at_scales)


def _maps_at_size(
  model: SpatialPoseCNN,
  variables: Mapping[str, Any],
  frames: UInt8[Array, 'b h w 3'],
  size: tuple[int, ...],
) -> PoseMaps:
  """Maps of the frames resized to `size`, resampled on the original frames' grid."""
  count, *frame_size = frames.shape[:3]
  pixels = jax.image.resize(
    frames.astype(jnp.float32), (count, *size, 3), method=_RESIZING
  )
  cells = [_ceil_divide(side, STRIDE) for side in frame_size]
  # Padding up to where the frame's last cell ends at this size.
  grey = [
    STRIDE * _ceil_divide(side_cells * resized, side) - resized
    for side_cells, resized, side in zip(cells, size, frame_size, strict=True)
  ]
  # Cubic interpolation overshoots, hence the clip. Grey, 128, is 0 in the network.
  network_input = jnp.clip(pixels, 0, 255) / 256 - 0.5
  network_input = jnp.pad(network_input, ((0, 0), (0, grey[0]), (0, grey[1]), (0, 0)))
  maps = model.apply(variables, network_input)
  enlargement = [side / new for side, new in zip(frame_size, size, strict=True)]

  def on_frame_grid(scaled: jax.Array) -> jax.Array:
    return jax.image.scale_and_translate(
      scaled.astype(jnp.float32),
      (count, *cells, scaled.shape[-1]),
      spatial_dims=(1, 2),
      scale=jnp.array(enlargement, jnp.float32),
      translation=jnp.zeros(2, jnp.float32),
      method=_RESIZING,
    )

  return jax.tree.map(on_frame_grid, maps)


def _ceil_divide(number: int, divisor: int) -> int:
  return -(-number // divisor)
