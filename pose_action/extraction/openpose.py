"""PA3D's spatial pose CNN as a pose network: in batches, on all devices."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import UInt8

from input_pipeline.skeletons.registry import Skeleton, get_skeleton
from pa3d_jax.openpose_weights import WeightsError, variables_from_state_dict
from pa3d_jax.spatial_pose_cnn import (
  FEATURE_MAPS,
  PAPER_SCALES,
  STRIDE,
  SpatialPoseCNN,
  multi_scale_maps,
)
from pose_action.extraction.extractor import (
  OPENPOSE_SKELETON,
  ExtractorError,
  NetworkMaps,
)
from pose_action.extraction.weights_file import fingerprint, read_state_dict
from pose_action.runtime import sharding

PathLike = str | os.PathLike[str]


class OpenPoseExtractor:
  """The spatial pose CNN, at several scales, as a `PoseExtractor`.

  Each batch is divided over the devices. The last batch of a clip is padded, so that only
  one program is compiled per frame size. A frame's maps do not depend on other frames.
  """

  name = 'openpose'
  modalities = ('joints', 'parts', 'features')
  num_features = FEATURE_MAPS

  def __init__(
    self,
    variables: Mapping[str, Any],
    *,
    weights: str = '',
    scales: Sequence[float] = PAPER_SCALES,
    base_height: int | None = None,
    batch_size: int = 8,
    model: nn.Module | None = None,
    devices: Sequence[Any] | None = None,
  ):
    """Puts the variables on the devices.

    Args:
      variables: the model's variables.
      weights: identifies the variables in `settings`.
      scales, base_height: see `multi_scale_maps`.
      batch_size: frames per batch; rounded up to a multiple of the number of devices.
      model: replaces the network: frames to `PoseMaps`, with cells of 8×8 pixels.
      devices: all devices by default.

    Raises:
      ExtractorError: for scales, a height or a batch size that are out of range.
    """
    heights = [] if base_height is None else [base_height]
    if not scales or min(*scales, *heights, batch_size) <= 0:
      raise ExtractorError(
        'scales must be one or more numbers above 0, base_height at least 1 pixel (or'
        ' None) and batch_size at least 1, but they are scales'
        f' {tuple(scales)}, base_height {base_height} and batch_size {batch_size}'
      )
    self.skeleton: Skeleton = get_skeleton(OPENPOSE_SKELETON)
    self.settings: Mapping[str, Any] = {
      'extractor': self.name,
      'weights': weights,
      'scales': list(scales),
      'base_height': base_height,
    }
    self._mesh = sharding.make_mesh(devices)
    self._batch_size = -(-batch_size // self._mesh.size) * self._mesh.size
    self._model: Any = SpatialPoseCNN() if model is None else model
    self._scales, self._base_height = tuple(scales), base_height
    self._variables = jax.device_put(variables, sharding.replicated(self._mesh))

  @classmethod
  def from_file(cls, weights: PathLike, **options) -> OpenPoseExtractor:
    """Loads the released weights: a PyTorch state dict, or its tensors in an *.npz.

    Args:
      options: same as in the constructor.

    Raises:
      ExtractorError: if the file does not hold the weights of OpenPose's COCO network.
    """
    try:
      variables = variables_from_state_dict(read_state_dict(weights))
    except WeightsError as error:
      raise ExtractorError(f'{weights}: {error}') from error
    return cls(variables, weights=fingerprint(weights), **options)

  def __call__(self, frames: UInt8[np.ndarray, 't h w 3']) -> NetworkMaps:
    batches = [
      self._maps(frames[start : start + self._batch_size])
      for start in range(0, len(frames), self._batch_size)
    ]
    by_modality = {
      name: np.concatenate([batch[name] for batch in batches])
      for name in self.modalities
    }
    return NetworkMaps(by_modality, cell_size=(STRIDE, STRIDE))

  def _maps(self, frames: UInt8[np.ndarray, 't h w 3']) -> dict[str, np.ndarray]:
    missing = self._batch_size - len(frames)
    padded = np.pad(frames, [(0, missing), (0, 0), (0, 0), (0, 0)])
    maps = multi_scale_maps(
      self._model,
      self._variables,
      sharding.global_batch({'frames': padded}, self._mesh)['frames'],
      scales=self._scales,
      base_height=self._base_height,
    )
    return {
      name: np.asarray(getattr(maps, name))[: len(frames)] for name in self.modalities
    }
