"""What readers return: named clips, loaded one at a time.

A PoseSource gives poses. A PotionSource gives PoTion maps that another program made, and
a HeatmapSource a pose network's maps of frames, from which poses cannot be had back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton

# What can be stored of a modality, under the name that a record has it by.
STORED = {'joints': 'maps', 'parts': 'parts', 'features': 'features'}


@dataclasses.dataclass(frozen=True)
class PoseSource:
  """The clips of one data set in a foreign format, not yet loaded.

  A clip is loaded only when asked for, so that one broken clip raises alone and the
  rest can go on.

  Attributes:
    skeleton: the joint layout of every clip.
    class_names: the label's meaning, by index.
    splits: video ids by split name, as the source names its splits.
    load: returns the clip of a video id.
    multi_label: whether a clip has any number of labels, not exactly one.

  Raises:
    PoseDataError: where a split names a clip twice.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  load: Callable[[str], PoseClip]
  multi_label: bool = False

  def __post_init__(self):
    _check_splits(self.splits)


@dataclasses.dataclass(frozen=True, eq=False)
class PotionClip:
  """The PoTion maps of one video, checked when made.

  Attributes:
    video_id: unique within its split.
    maps: float32 `[j, h, w, c]`, `j` as in the skeleton and the background last where
      it has one: each channel the time-weighted mean of the confidences, 0..1.
    num_frames: of the video.
    skeleton: the layout of axis `j`.
    labels: class indices; one for a single-label data set.

  Raises:
    PoseDataError: on a wrong shape, no frame, or a value below 0 or not finite.
  """

  video_id: str
  maps: np.ndarray
  num_frames: int
  skeleton: Skeleton
  labels: tuple[int, ...] = ()

  def __post_init__(self):
    set_field = object.__setattr__  # The dataclass is frozen for everyone else.
    set_field(self, 'maps', np.asarray(self.maps, np.float32))
    set_field(self, 'labels', tuple(int(label) for label in self.labels))
    shape, layout = self.maps.shape, self.skeleton
    if len(shape) != 4 or shape[0] != layout.num_maps or 0 in shape:
      raise self._error(
        f'maps have shape {shape}, but need [{layout.num_maps}, height, width,'
        f' channels] (skeleton {layout.name!r} has {layout.num_maps} maps)'
      )
    if self.num_frames < 1:
      raise self._error(f'has {self.num_frames} frames, but needs at least one')
    valid = np.isfinite(self.maps) & (self.maps >= 0)
    if not valid.all():
      joint, row, column, channel = np.argwhere(~valid)[0]
      raise self._error(
        f'maps hold {self.maps[joint, row, column, channel]} at map {joint}, row {row},'
        f' column {column}, channel {channel}, but must be finite and not below 0'
      )

  def _error(self, message: str) -> PoseDataError:
    return PoseDataError(f'clip {self.video_id!r}: {message}')


@dataclasses.dataclass(frozen=True)
class PotionSource:
  """The PoTion maps of one data set in a foreign format, not yet loaded.

  Attributes:
    skeleton, class_names, splits, multi_label: as in PoseSource.
    load: returns the clip of a video id.
    settings: how the maps were made: `short_side` and `sigma` in cells, `truncate` in
      σ, `channels` and `weights` as in `potion.PotionSettings`; None where not known.

  Raises:
    PoseDataError: where a split names a clip twice.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  load: Callable[[str], PotionClip]
  settings: Mapping[str, Any]
  multi_label: bool = False

  def __post_init__(self):
    _check_splits(self.splits)


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
    skeleton, class_names, splits, multi_label: as in PoseSource.
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


ClipSource = PoseSource | PotionSource | HeatmapSource


def _check_splits(splits: Mapping[str, tuple[str, ...]]):
  for split, video_ids in splits.items():
    if len(set(video_ids)) < len(video_ids):
      seen: set[str] = set()
      twice = next(v for v in video_ids if v in seen or seen.add(v))
      raise PoseDataError(f'split {split!r} names clip {twice!r} more than once')
