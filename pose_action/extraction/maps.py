"""A network's maps as a data set stores them: on its grid, free of noise, in 8 bits."""

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

  Joint maps and part affinity fields are coded as `quantization` says. Of joints, what
  is below the threshold is exactly 0; of fields, each of x and y that is less from 0.
  The background stays the network's own, and is exactly 1 where it is nearer to 1 than
  the threshold. Features stay numbers, float16: their scale is that of the whole clip.

  Args:
    frame_size: (height, width) in pixels.
    short_side: of the grid, in cells.
  """
  size = map_size(frame_size, short_side)
  stored = {}
  for modality in modalities:
    values = resampled(maps.by_modality[modality], maps.cell_size, frame_size, size)
    if modality == 'features':
      # Cubic interpolation undershoots; half precision ends at 65504.
      stored[modality] = np.clip(values, 0, 65504).astype(np.float16)
      continue
    background = skeleton.background and modality == 'joints'
    stored[modality] = coded(
      values, modality, threshold=threshold, background=background
    )
  return stored
