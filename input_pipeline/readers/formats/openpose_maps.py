"""OpenPose heatmaps: one folder per video, one file per frame (--write_heatmaps).

  VIDEO/NAME_000000000012_pose_heatmaps.png     all maps side by side, 8 bits
  VIDEO/NAME_000000000012_pose_heatmaps.float   float32: 3, maps, height, width, values

The maps are, in this order: joints, background, and the part affinity fields, (x, y) for
each limb; OpenPose's flags can omit some. They have the size of the network's input: the
frame, scaled, then padded on the right and at the bottom.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.sources import HeatmapClip, HeatmapSource
from input_pipeline.readers.files.numbered_files import (
  has_numbered_files,
  numbered_files,
  videos_of_files,
)
from input_pipeline.readers.formats.openpose_map_file import MapLayout, read_maps
from input_pipeline.readers.frame_order import Videos
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos import source as video_source
from input_pipeline.readers.videos import source_notes
from input_pipeline.readers.videos.table import PoseVideo
from input_pipeline.readers.videos.tree import find_videos
from input_pipeline.skeletons.registry import Skeleton

_SUFFIXES = ('.png', '.float')


def read(path: pathlib.Path, skeleton: Skeleton, options: ReadOptions) -> HeatmapSource:
  """Opens the maps at a path (see `tree.find_videos`), one clip per video.

  The first readable video decides which modalities there are; a fault in a video is
  raised when its clip is loaded. If the skeleton has a background and the files do not,
  the background is 1 - max over joints; if only the files have one, it is dropped.

  Raises:
    PoseDataError: if no videos are found, or none can be read.
  """
  videos = find_videos(path, _is_video, videos_in)
  clips = _Clips(videos, skeleton, options)
  return HeatmapSource(
    skeleton=skeleton,
    class_names=video_source.class_names(videos),
    splits=video_source.splits(videos, {v.video_id: (v.video_id,) for v in videos}),
    groups={v.video_id: v.group for v in videos if v.group},
    load=clips.load,
    modalities=clips.modalities(),
    settings={'short_side': options.short_side, 'network': {'name': 'openpose'}},
    multi_label=any(len(video.labels) > 1 for video in videos),
    notes=source_notes.split_notes(videos, videos_in),
  )


def videos_in(folder: pathlib.Path) -> Videos:
  """Names of the files of each video in a folder; usually of one.

  Raises:
    PoseDataError: if the names show no frame order.
  """
  return videos_of_files(folder, (_suffix(folder),))


def _is_video(path: pathlib.Path) -> bool:
  return has_numbered_files(path, _SUFFIXES)


@dataclasses.dataclass(frozen=True, eq=False)
class _Video:
  """A video's files and their content."""

  files: tuple[pathlib.Path, ...]
  layout: MapLayout
  frame_size: tuple[int, int]


class _Clips:
  """Loads a source's videos by name."""

  def __init__(
    self, videos: Sequence[PoseVideo], skeleton: Skeleton, options: ReadOptions
  ):
    self._by_id = {video.video_id: video for video in videos}
    self._class_names = video_source.class_names(videos)
    self._skeleton = skeleton
    self._options = options

  def modalities(self) -> tuple[str, ...]:
    """The modalities of the first readable video."""
    errors = []
    for video_id in self._by_id:
      try:
        return self._open(video_id).layout.modalities
      except PoseDataError as error:  # `load` raises it again.
        errors.append(error)
    raise PoseDataError(f'no video can be read; the first: {errors[0]}')

  def load(self, video_id: str) -> HeatmapClip:
    """A video's maps; each modality is read on access."""
    if video_id not in self._by_id:
      raise PoseDataError(f'clip {video_id!r} is not in this source')
    video = self._open(video_id)
    return HeatmapClip(
      video_id=video_id,
      read=functools.partial(self._read, video_id, video),
      num_frames=len(video.files),
      frame_size=video.frame_size,
      skeleton=self._skeleton,
      labels=tuple(self._class_names.index(c) for c in self._by_id[video_id].labels),
    )

  def _open(self, video_id: str) -> _Video:
    video = self._by_id[video_id]
    with video_source.naming(video_id):
      frame_size = video_source.frame_size_of(video, None, self._options)
      files = tuple(_files_of(video).values())
      layout = read_maps(files[0], self._skeleton, frame_size).layout
    return _Video(files, layout, frame_size)

  def _read(
    self, video_id: str, video: _Video, modality: str
  ) -> UInt8[np.ndarray, 't h w c']:
    from input_pipeline.maps import network_grid  # Imports jax.

    size = network_grid.map_size(video.frame_size, self._options.short_side)
    frames = []
    with video_source.naming(video_id):
      for file in video.files:
        found = read_maps(file, self._skeleton, video.frame_size)
        if found.layout != video.layout:
          raise PoseDataError(
            f'{file} has {found.layout.num_maps} maps, but {video.files[0].name} has'
            f' {video.layout.num_maps}; all frames of a video need the same'
          )
        values = found.values(modality, self._skeleton)
        cell_size = (found.cell_size, found.cell_size)
        frames.append(
          network_grid.coded(
            network_grid.resampled(values[None], cell_size, video.frame_size, size),
            modality,
            threshold=network_grid.DEFAULT_THRESHOLD,
            background=self._skeleton.background and modality == 'joints',
          )[0]
        )
    return np.stack(frames)


def _files_of(video: PoseVideo) -> dict[int, pathlib.Path]:
  return numbered_files(video.path, (_suffix(video.path),), video.part)


def _suffix(folder: pathlib.Path) -> str:
  """That of .float files, which are lossless; of .png files if there are none."""
  return '.float' if has_numbered_files(folder, ('.float',)) else '.png'
