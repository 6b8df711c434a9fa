"""The interface of pose networks: frames in, pose maps out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, UInt8

from input_pipeline.skeletons.registry import Skeleton

# The skeleton of both pose networks: 18 joints, background, and 19 limbs.
OPENPOSE_SKELETON = 'openpose_18_background'


class ExtractorError(ValueError):
  """A pose network could not be loaded, or not with these options."""


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkMaps:
  """A pose network's maps for some frames, on the network's own grid.

  Attributes:
    by_modality: float32 `[t, h, w, c]` for each modality that the network offers.
      'joints' are the skeleton's maps, about 0..1. 'parts' are (x, y) for each of its
      limbs in order: a unit vector from the limb's first joint to its second. 'features'
      are not negative.
    cell_size: (height, width) of a cell in pixels of the frame. Cell (y, x) covers pixels
      from (y · height, x · width) on; the last cells may extend beyond the frame.
  """

  by_modality: Mapping[str, Float[np.ndarray, 't h w c']]
  cell_size: tuple[float, float]


class PoseExtractor(Protocol):
  """A pose network that is ready to read frames.

  Attributes:
    name: its name in the registry.
    skeleton: layout of its joints and parts.
    modalities: the maps that it offers, from 'joints', 'parts' and 'features'.
    num_features: number of channels of 'features'; 0 if it has none.
    settings: everything else that its maps depend on, for JSON.
  """

  # Read-only, so that a frozen dataclass satisfies the protocol.
  @property
  def name(self) -> str: ...

  @property
  def skeleton(self) -> Skeleton: ...

  @property
  def modalities(self) -> tuple[str, ...]: ...

  @property
  def num_features(self) -> int: ...

  @property
  def settings(self) -> Mapping[str, Any]: ...

  def __call__(self, frames: UInt8[np.ndarray, 't h w 3']) -> NetworkMaps:
    """The maps of at least one frame, all from one video, in red, green and blue."""
    ...
