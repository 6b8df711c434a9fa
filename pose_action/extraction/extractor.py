"""What a pose network is to the library: frames in, maps of pose out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, UInt8

from input_pipeline.skeletons.registry import Skeleton

# What the pose networks here answer in: 18 joints, background, and 19 limbs.
OPENPOSE_SKELETON = 'openpose_18_background'


class ExtractorError(ValueError):
  """A pose network that cannot be had, or not with these options."""


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkMaps:
  """A pose network's maps of some frames, on the network's own grid.

  Attributes:
    by_modality: float32 `[t, h, w, c]` of each modality that the network offers:
      'joints' are the skeleton's maps, about 0..1; 'parts' (x, y) of each of its limbs
      in order, a unit vector from the limb's first joint to its second; 'features' not
      negative.
    cell_size: (height, width) of a cell in pixels of the frame. Cell (y, x) covers the
      pixels from (y · height, x · width) on; the last ones may reach beyond the frame.
  """

  by_modality: Mapping[str, Float[np.ndarray, 't h w c']]
  cell_size: tuple[float, float]


class PoseExtractor(Protocol):
  """A pose network that is ready to read frames.

  Attributes:
    name: in the registry.
    skeleton: of joints and parts.
    modalities: what it offers, of 'joints', 'parts', 'features'.
    num_features: channels of 'features'; 0 without them.
    settings: what else its maps depend on, for JSON; another value, other maps.
  """

  # Read only, so that a frozen dataclass is one.
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
    """The maps of frames of one video: red, green, blue; at least one frame."""
    ...
