"""A data set on disk as a source of clips, as a reader would return it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.loading.records import Records
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import (
  STORED,
  ClipSource,
  HeatmapClip,
  HeatmapSource,
  PoseSource,
  PotionClip,
  PotionSource,
)
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.dataset import ClipIndex, PoseDataset

AnyStoredClip = PoseClip | PotionClip | HeatmapClip


def stored_source(
  dataset: PoseDataset, splits: Mapping[str, Collection[str]] | None = None
) -> ClipSource:
  """The clips of an open data set; each record is read when its clip is loaded.

  Args:
    dataset: an open data set.
    splits: which clips of which splits, by name; by default all.

  Returns:
    A PoseSource for keypoints, a HeatmapSource for heatmaps, a PotionSource for potion.
    Settings that are unknown are None, as in `dataset.settings`.
  """
  clips = _StoredClips(dataset, dataset.splits if splits is None else tuple(splits))
  names = {
    split: tuple(
      video_id
      for video_id in index.video_ids
      if splits is None or video_id in splits[split]
    )
    for split, index in clips.indices.items()
  }
  common: dict[str, Any] = {
    'skeleton': dataset.skeleton,
    'class_names': dataset.class_names,
    'splits': names,
    'multi_label': dataset.multi_label,
    'groups': clips.groups(),
  }
  if dataset.representation == 'keypoints':
    return PoseSource(
      load=clips.loader(_pose_clip),
      background_class=dataset.background_class,
      **common,
    )
  if dataset.representation == 'potion':
    load = clips.loader(_potion_clip)
    return PotionSource(load=load, settings=dataset.settings, **common)
  return HeatmapSource(
    load=clips.loader(_heatmap_clip),
    modalities=dataset.modalities,
    num_features=dataset.num_features,
    settings=dataset.settings,
    **common,
  )


@dataclasses.dataclass(frozen=True)
class _Place:
  """Where the record of a clip is, and what the metadata say about the clip."""

  split: str
  index: int
  num_frames: int
  labels: tuple[int, ...]
  frame_rate: float | None


class _StoredClips:
  """The records of some splits by clip name; a clip in two splits is read from the first.

  Attributes:
    indices: what the metadata say of each split.
  """

  def __init__(self, dataset: PoseDataset, splits: Sequence[str]):
    self._dataset = dataset
    self.indices: dict[str, ClipIndex] = {s: dataset.clips(s) for s in splits}
    self._records: dict[str, Records] = {}
    self._places: dict[str, _Place] = {}
    for split, clips in self.indices.items():
      for index, video_id in enumerate(clips.video_ids):
        self._places.setdefault(video_id, _place(split, index, clips))

  def groups(self) -> dict[str, str]:
    """Each clip's group, where the data set has groups."""
    return {
      video_id: group
      for clips in self.indices.values()
      for video_id, group in zip(clips.video_ids, clips.groups or (), strict=False)
    }

  def loader(
    self, make: Callable[[str, Any, _Place, Skeleton], Any]
  ) -> Callable[[str], Any]:
    def load(video_id: str) -> Any:
      if video_id not in self._places:
        raise PoseDataError(f'clip {video_id!r} is not in this data set')
      place = self._places[video_id]
      return make(video_id, self._record(place), place, self._dataset.skeleton)

    return load

  def _record(self, place: _Place) -> dict[str, Any]:
    if place.split not in self._records:
      self._records[place.split] = self._dataset.records(place.split)
    return self._records[place.split][place.index]


def _place(split: str, index: int, clips: ClipIndex) -> _Place:
  label = clips.labels[index]
  labels = np.flatnonzero(label) if np.ndim(label) else [label]
  return _Place(
    split=split,
    index=index,
    num_frames=int(clips.num_frames[index]),
    labels=tuple(int(k) for k in labels),
    frame_rate=clips.frame_rates[index] if clips.frame_rates else None,
  )


def _pose_clip(
  video_id: str, record: Mapping[str, Any], place: _Place, skeleton: Skeleton
) -> PoseClip:
  keypoints = record['keypoints']
  return PoseClip(
    video_id=video_id,
    keypoints=keypoints[..., :2],
    scores=keypoints[..., 2],
    frame_size=_frame_size(record),
    skeleton=skeleton,
    labels=place.labels,
    frame_rate=place.frame_rate,
  )


def _potion_clip(
  video_id: str, record: Mapping[str, Any], place: _Place, skeleton: Skeleton
) -> PotionClip:
  return PotionClip(
    video_id=video_id,
    maps=record['potion'].astype(np.float32),
    num_frames=int(record['num_frames']),
    skeleton=skeleton,
    labels=place.labels,
  )


def _heatmap_clip(
  video_id: str, record: Mapping[str, Any], place: _Place, skeleton: Skeleton
) -> HeatmapClip:
  scale = record.get('features_scale')
  return HeatmapClip(
    video_id=video_id,
    read=lambda modality: np.asarray(record[STORED[modality]]),
    num_frames=place.num_frames,
    frame_size=_frame_size(record),
    skeleton=skeleton,
    features_scale=None if scale is None else float(scale),
    labels=place.labels,
    frame_rate=place.frame_rate,
  )


def _frame_size(record: Mapping[str, Any]) -> tuple[int, int]:
  height, width = record['frame_size']
  return int(height), int(width)
