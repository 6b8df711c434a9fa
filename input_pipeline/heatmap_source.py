"""What a pose network's maps enter the library as: named clips, loaded one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from input_pipeline.errors import PoseDataError
from input_pipeline.modalities import STORED
from input_pipeline.skeletons import Skeleton


@dataclasses.dataclass(frozen=True, eq=False)
class HeatmapClip:
  """The maps of one clip as a data set stores them, read when asked for.

  Attributes:
    video_id: unique within its split.
    read: gives the uint8 maps `[t, h, w, c]` of a modality ('joints', 'parts',
      'features'), coded as `quantization` says. Called once for each, and not kept.
    num_frames: t.
    frame_size: (height, width) of the frames in pixels.
    skeleton: `c` of joints are its maps, of parts (x, y) of each of its limbs.
    features_scale: the value that 255 stands for in features; None without features.
    labels: class indices; one for a single-label data set.
  """

  video_id: str
  read: Callable[[str], UInt8[np.ndarray, 't h w c']]
  num_frames: int
  frame_size: tuple[int, int]
  skeleton: Skeleton
  features_scale: float | None = None
  labels: tuple[int, ...] = ()

  def maps(self, modality: str) -> UInt8[np.ndarray, 't h w c']:
    """The maps of a modality, checked.

    Raises:
      PoseDataError: on another type, number of frames or number of channels.
    """
    maps = self.read(modality)
    channels = {
      'joints': self.skeleton.num_maps,
      'parts': 2 * len(self.skeleton.limbs),
    }.get(modality, maps.shape[-1])
    fits = maps.ndim == 4 and maps.shape[::3] == (self.num_frames, channels)
    if maps.dtype != np.uint8 or not fits or 0 in maps.shape:
      raise PoseDataError(
        f'clip {self.video_id!r}: {modality} are {maps.dtype} of shape {maps.shape}, but'
        f' need uint8 [{self.num_frames}, height, width, {channels}] (skeleton'
        f' {self.skeleton.name!r})'
      )
    return maps


@dataclasses.dataclass(frozen=True)
class HeatmapSource:
  """The clips of one data set as maps of a pose network, not yet loaded.

  Attributes:
    skeleton, class_names, splits, multi_label: as of `pose_source.PoseSource`.
    load: returns the clip of a video id.
    modalities: what every clip has, of 'joints', 'parts', 'features'.
    num_features: channels of 'features'; 0 without them.
    settings: how the maps were made: `short_side` in cells, and what else is known.

  Raises:
    ValueError: for a modality that there is not.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  load: Callable[[str], HeatmapClip]
  modalities: tuple[str, ...]
  settings: Mapping[str, Any]
  num_features: int = 0
  multi_label: bool = False

  def __post_init__(self):
    unknown = set(self.modalities) - set(STORED)
    if unknown or not self.modalities:
      raise ValueError(
        f'modalities are {self.modalities}; a source has some of {", ".join(STORED)}'
      )
