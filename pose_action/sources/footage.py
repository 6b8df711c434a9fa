"""Poses and the videos that they were found in, joined by name."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, PotionSource, with_notes
from pose_action.extraction.video_list import list_videos
from pose_action.host.user_paths import user_path

_PERSON = '#'  # Begins the part of a clip's name that names one person of a video.


def with_footage(source: ClipSource, path: str) -> ClipSource:
  """The source, whose clips know the frames of their video.

  The first frame of the poses is the video's first. Clips without a video stay as they
  are, which a note says.

  Args:
    path: the video of the only clip, or of several people in it (VIDEO#0, VIDEO#1); or a
      folder or list of videos that are named as the clips.

  Raises:
    PoseDataError: if there is no video, or none for any clip.
  """
  if isinstance(source, PotionSource):
    raise PoseDataError(
      f'ready PoTion maps have no frames, so {path} is no use to them'
    )
  clips = list(dict.fromkeys(name for ids in source.splits.values() for name in ids))
  of_clip = _videos_of(clips, path)
  load = source.load

  def load_with_footage(video_id: str) -> Any:
    clip = load(video_id)
    if video_id not in of_clip:
      return clip
    return dataclasses.replace(clip, footage=Footage(of_clip[video_id]))

  source = dataclasses.replace(source, load=load_with_footage)
  without = [name for name in clips if name not in of_clip]
  if not without:
    return source
  message = (
    f'{len(without)} of {len(clips)} clips have no video of their name in {path}, such'
    f' as {without[0]}'
  )
  return with_notes(source, (Note('no_video', message),))


def _videos_of(clips: list[str], path: str) -> Mapping[str, pathlib.Path]:
  """The video of each clip that has one."""
  videos = list_videos(path)
  names = {name: name.partition(_PERSON)[0] for name in clips}
  if len(videos) == 1 and videos[0].path == user_path(path).absolute():
    if len({*names.values()}) != 1:
      raise PoseDataError(
        f'{path} is one video, but the poses are those of {len({*names.values()})}; give'
        ' a folder of videos that are named as the clips'
      )
    return dict.fromkeys(clips, videos[0].path)
  by_name = {video.video_id: video.path for video in videos}
  found = {name: by_name[video] for name, video in names.items() if video in by_name}
  if not found:
    raise PoseDataError(
      f'no video in {path} is named as a clip of the poses: the videos are'
      f' {", ".join(list(by_name)[:3])}, the clips {", ".join(clips[:3])}'
    )
  return found
