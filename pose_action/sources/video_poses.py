"""Clips of videos: a pose network finds the poses, which are kept while they are used."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Callable, Sequence

import ml_collections

from input_pipeline.errors import PoseDatasetError
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, with_notes
from input_pipeline.skeletons.registry import Skeleton
from pose_action.extraction.extract import (
  ExtractionOptions,
  extract_videos,
  usable_videos,
)
from pose_action.extraction.extractor import PoseExtractor
from pose_action.extraction.spool import open_spool
from pose_action.extraction.spooled_source import heatmap_source, keypoint_source
from pose_action.extraction.video_list import Video, list_videos

ONE_PERSON = Note(
  'one_person_from_video',
  'a video gives one skeleton per frame, the highest point of each joint map; where'
  ' several people are seen, its joints may be those of different people',
)


class VideoPoses:
  """Runs a pose network on videos; a context manager that removes the poses again.

  The network is built for the first video, and serves all of them.

  Args:
    make_extractor: builds the network.
    options: how videos are read.
    progress: receives lines of text.
  """

  def __init__(
    self,
    make_extractor: Callable[[], PoseExtractor],
    options: ExtractionOptions,
    progress: Callable[[str], object],
  ):
    self._make = make_extractor
    self._extractor: PoseExtractor | None = None
    self._options = options
    self._progress = progress
    self._open = contextlib.ExitStack()

  def __enter__(self) -> VideoPoses:
    return self

  def __exit__(self, *exception):
    self._open.close()

  def scratch(self) -> pathlib.Path:
    """A new folder that lives as long as the poses."""
    return pathlib.Path(self._open.enter_context(tempfile.TemporaryDirectory()))

  def open(
    self,
    path: str | os.PathLike[str],
    config: ml_collections.ConfigDict | None = None,
    model: Skeleton | None = None,
  ) -> tuple[ClipSource, dict[str, str]]:
    """Finds the poses in a video, a folder of frames, or a folder of these.

    Args:
      path: see `list_videos`.
      config: that of the run whose model reads the clips, if one does.
      model: the skeleton that the model reads.

    Returns:
      The clips, and the reason for each video that cannot be used. The clips are the
      network's maps if the model was trained on stored maps of the network's joints,
      else poses.

    Raises:
      PoseDataError: if there is no video.
      PoseDatasetError: if no video can be used.
      ExtractorError: if the network cannot be built.
    """
    return self.of_videos(list_videos(path), config, model)

  def of_videos(
    self,
    videos: Sequence[Video],
    config: ml_collections.ConfigDict | None = None,
    model: Skeleton | None = None,
    frame_rate: float | None = None,
  ) -> tuple[ClipSource, dict[str, str]]:
    """The same as `open`, for listed videos.

    Args:
      frame_rate: of videos that do not state theirs, if it is not that of the options.
    """
    if self._extractor is None:
      self._extractor = self._make()
    extractor = self._extractor
    modalities = _maps_to_read(config, model, extractor)
    options = self._options
    if frame_rate is not None:
      options = dataclasses.replace(options, frame_rate=frame_rate)
    if modalities and config is not None:
      options = dataclasses.replace(
        options, modalities=modalities, short_side=config.data.map_short_side
      )
    settings = options.for_extractor(extractor)
    spool = self._open.enter_context(open_spool(self.scratch(), 'videos', settings))
    broken = extract_videos(videos, spool, extractor, options, self._progress)
    try:
      usable = usable_videos(videos, broken)
    except PoseDatasetError:
      if len(videos) > 1:
        raise
      raise PoseDatasetError(next(iter(broken.values()))) from None
    if modalities:
      source = heatmap_source(usable, spool, extractor, settings)
    else:
      source = keypoint_source(usable, spool, extractor, options.stride)
    return with_notes(source, (ONE_PERSON,)), broken


def _maps_to_read(
  config: ml_collections.ConfigDict | None,
  model: Skeleton | None,
  extractor: PoseExtractor,
) -> tuple[str, ...]:
  """The network's maps that a model reads; empty if it reads poses."""
  if config is None or model is None:
    return ()
  modalities = stored_modalities(config.data.modalities)
  same_joints = model.joints == extractor.skeleton.joints
  trained_on_maps = config.data.representation == 'heatmaps' and same_joints
  if 'features' in modalities or trained_on_maps:
    return tuple(dict.fromkeys(('joints', *modalities)))
  return ()
