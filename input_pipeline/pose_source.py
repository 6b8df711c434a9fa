"""What readers return: named clips, loaded one at a time.

A PoseSource gives poses. A PotionSource gives PoTion maps that another program made, and
a HeatmapSource a pose network's maps of frames, from which poses cannot be had back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.heatmap_source import HeatmapSource
from input_pipeline.pose_clip import PoseClip
from input_pipeline.skeletons import Skeleton


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


ClipSource = PoseSource | PotionSource | HeatmapSource


def _check_splits(splits: Mapping[str, tuple[str, ...]]):
  for split, video_ids in splits.items():
    if len(set(video_ids)) < len(video_ids):
      seen: set[str] = set()
      twice = next(v for v in video_ids if v in seen or seen.add(v))
      raise PoseDataError(f'split {split!r} names clip {twice!r} more than once')
