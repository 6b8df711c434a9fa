"""Converts a network's maps for storage: resampled, thresholded, in 8 bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16, UInt8

from input_pipeline.maps.network_grid import (
  DEFAULT_THRESHOLD,
  coded,
  map_size,
  resampled,
)
from input_pipeline.skeletons.registry import Skeleton
from pose_action.extraction.extractor import NetworkMaps

__all__ = ['DEFAULT_THRESHOLD', 'map_size', 'resampled', 'stored_maps']


def stored_maps(
  maps: NetworkMaps,
  modalities: Sequence[str],
  *,
  skeleton: Skeleton,
  frame_size: tuple[int, int],
  short_side: int,
  threshold: float,
) -> dict[str, UInt8[np.ndarray, 't h w c'] | Float16[np.ndarray, 't h w c']]:
  """The maps of each modality on the data set's grid.

  Joint maps and part affinity fields are coded in 8 bits, see `quantization`. Joint maps
  below the threshold become exactly 0, and so does each of a field's x and y whose
  magnitude is below it. The background is the network's own, and becomes exactly 1 where
  it is closer to 1 than the threshold. Features remain float16, because their scale for
  8 bits depends on the whole clip.

  Args:
    frame_size: (height, width) in pixels.
    short_side: cells on the shorter side of the grid.
  """
  size = map_size(frame_size, short_side)
  stored = {}
  for modality in modalities:
    values = resampled(maps.by_modality[modality], maps.cell_size, frame_size, size)
    if modality == 'features':
      # Cubic interpolation can go below 0; 65504 is the largest float16.
      stored[modality] = np.clip(values, 0, 65504).astype(np.float16)
      continue
    background = skeleton.background and modality == 'joints'
    stored[modality] = coded(
      values, modality, threshold=threshold, background=background
    )
  return stored
