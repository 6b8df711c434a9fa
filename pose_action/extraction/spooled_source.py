"""Extracted clips as sources for the exporter: maps, or keypoints picked from them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.sources import STORED, HeatmapClip, HeatmapSource, PoseSource
from pose_action.extraction.extractor import PoseExtractor
from pose_action.extraction.spool import Spool, SpooledClip
from pose_action.extraction.video_list import Video, class_names, videos_by_split


def heatmap_source(
  videos: Sequence[Video],
  spool: Spool,
  extractor: PoseExtractor,
  settings: Mapping[str, Any],
) -> HeatmapSource:
  """The maps of finished videos.

  Args:
    settings: how the maps were made, from `ExtractionOptions.for_extractor`.
  """
  clips = _Clips(videos, spool, settings['stride'])

  def load(video_id: str) -> HeatmapClip:
    clip, label = clips.by_id[video_id]
    return HeatmapClip(
      video_id=video_id,
      read=clip.read,
      num_frames=clip.num_frames,
      frame_size=clip.frame_size,
      skeleton=extractor.skeleton,
      features_scale=clip.features_scale,
      labels=(label,),
      frame_rate=clip.frame_rate,
      keypoints=functools.partial(clip.read, 'keypoints'),
      footage=clips.footage[video_id],
    )

  modalities = tuple(name for name in STORED if name in settings['modalities'])
  return HeatmapSource(
    skeleton=extractor.skeleton,
    class_names=clips.class_names,
    splits=clips.splits,
    groups=clips.groups,
    load=load,
    modalities=modalities,
    settings=settings,
    num_features=extractor.num_features if 'features' in modalities else 0,
  )


def keypoint_source(
  videos: Sequence[Video], spool: Spool, extractor: PoseExtractor, stride: int
) -> PoseSource:
  """The poses of finished videos: one person, from the peaks of the joint maps.

  Args:
    stride: every stride-th frame was read.
  """
  clips = _Clips(videos, spool, stride)

  def load(video_id: str) -> PoseClip:
    clip, label = clips.by_id[video_id]
    keypoints = clip.read('keypoints')[:, None]
    return PoseClip(
      video_id=video_id,
      keypoints=keypoints[..., :2],
      scores=keypoints[..., 2],
      frame_size=clip.frame_size,
      skeleton=extractor.skeleton,
      labels=(label,),
      frame_rate=clip.frame_rate,
      footage=clips.footage[video_id],
    )

  return PoseSource(
    skeleton=extractor.skeleton,
    class_names=clips.class_names,
    splits=clips.splits,
    groups=clips.groups,
    load=load,
  )


class _Clips:
  """The clips of finished videos by name.

  The clips of a long video are named NAME_000, NAME_001, and so on, with another _ if
  such a name is that of another video.

  Attributes:
    by_id: clip and class index, by clip name.
    class_names: by class index.
    splits: clip names by split.
    groups: the video's name, by clip name, for each clip of a video with several.
    footage: the frames of a clip, by clip name.
  """

  def __init__(self, videos: Sequence[Video], spool: Spool, stride: int):
    self.class_names = class_names(videos)
    self.footage: dict[str, Footage] = {}
    self.by_id: dict[str, tuple[SpooledClip, int]] = {}
    taken = {video.video_id for video in videos}
    names: dict[str, list[str]] = {}
    for video in videos:
      clips = spool.clips(video.video_id)
      names[video.video_id] = _names(video.video_id, len(clips), taken)
      label = self.class_names.index(video.label)
      start = 0
      for name, clip in zip(names[video.video_id], clips, strict=True):
        self.by_id[name] = (clip, label)
        self.footage[name] = Footage(video.path, start, stride)
        start += clip.num_frames
    self.groups = {
      name: video_id
      for video_id, parts in names.items()
      for name in parts
      if len(parts) > 1
    }
    self.splits = {
      split: tuple(name for video in members for name in names[video.video_id])
      for split, members in videos_by_split(videos).items()
    }


def _names(video_id: str, num_clips: int, taken: set[str]) -> list[str]:
  """Names for a video's clips, which are added to `taken`."""
  if num_clips == 1:
    return [video_id]
  stem = f'{video_id}_'
  while taken & {f'{stem}{part:03d}' for part in range(num_clips)}:
    stem += '_'
  names = [f'{stem}{part:03d}' for part in range(num_clips)]
  taken.update(names)
  return names
