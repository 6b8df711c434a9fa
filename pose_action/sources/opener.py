"""Opens whatever a user names as a source of clips."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import ml_collections

from input_pipeline.catalog.open_for_model import open_for_model, with_joints_of
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.poses.sources import ClipSource, with_frame_rate
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import AUTO, read_poses
from input_pipeline.skeletons.registry import Skeleton
from pose_action.extraction.video_list import Video
from pose_action.host.user_paths import user_path
from pose_action.sources import camera
from pose_action.sources.footage import with_footage
from pose_action.sources.kinds import kind_of
from pose_action.sources.stored import open_stored
from pose_action.sources.video_poses import VideoPoses

CAMERA_SECONDS = 5.0  # What is recorded of a camera by default (our choice).


# Options of pose files that other kinds of sources take too.
_TAKEN: dict[str, tuple[str, ...]] = {
  'dataset': ('frame_rate',),
  'video': ('frame_rate',),
  'camera': (),
}


@dataclasses.dataclass(frozen=True)
class Reading:
  """What a user says about sources.

  Attributes:
    format: the format of pose files; None: recognised.
    skeleton: the joint layout of pose files; None: see `open_for_model`.
    options: what pose files do not state.
    data_dir: the folder in which data sets are looked up by name.
    videos: finds the poses in videos; None: videos are refused.
    camera_seconds: how much of a camera is recorded.
    say: receives lines for the user.
    footage: the video, or a folder of videos, in which poses were found, see
      `with_footage`; None if unknown.
  """

  format: str | None = None
  skeleton: str | None = None
  options: ReadOptions | None = None
  data_dir: str | None = None
  videos: VideoPoses | None = None
  camera_seconds: float = CAMERA_SECONDS
  say: Callable[[str], object] = lambda line: None
  footage: str | None = None


@dataclasses.dataclass(frozen=True)
class Opened:
  """A source that was opened.

  Attributes:
    name: as the user named it.
    source: its clips.
    broken: (clip, reason) for each video that could not be read at all.
    is_temporary: whether its clips can be loaded only as long as `Reading.videos` is
      open.
  """

  name: str
  source: ClipSource
  broken: tuple[tuple[str, str], ...] = ()
  is_temporary: bool = False


def open_any(
  name: str,
  reading: Reading,
  *,
  config: ml_collections.ConfigDict | None = None,
  model: Skeleton | None = None,
) -> Opened:
  """Opens pose files, a data set on disk, a video, a folder of frames, or a camera.

  Args:
    name: a path, the name of a data set, or a camera's number.
    reading: what the user says about sources.
    config: that of the run whose model reads the clips; None: no model reads them.
    model: the skeleton that the model reads; poses of another are mapped, and a note of
      the source says how.

  Raises:
    PoseDataError, PoseDatasetError, SkeletonError: if it cannot be read; names it.
  """
  kind = kind_of(name, data_dir=reading.data_dir, format=reading.format)
  if kind == 'poses':
    source = _poses(name, reading, config, model)
    return Opened(name, _on_footage(source, reading))
  _refuse_options(name, kind, reading)
  if kind == 'dataset':
    preferred = config.data.representation if config else None
    source = open_stored(name, data_dir=reading.data_dir, preferred=preferred)
    broken = ()
  elif kind == 'video':
    videos = _network(name, reading)
    source, reasons = videos.open(user_path(name), config, model)
    broken = tuple(reasons.items())
  else:
    source, broken = _of_camera(name, reading, config, model), ()
  if reading.options is not None:
    source = with_frame_rate(source, reading.options.frame_rate)
  if model is not None:
    source = with_joints_of(source, model)
  if kind == 'dataset':
    return Opened(name, _on_footage(source, reading))
  return Opened(name, source, broken, is_temporary=True)


def _on_footage(source: ClipSource, reading: Reading) -> ClipSource:
  return with_footage(source, reading.footage) if reading.footage else source


def _poses(
  name: str,
  reading: Reading,
  config: ml_collections.ConfigDict | None,
  model: Skeleton | None,
) -> ClipSource:
  stated: dict[str, Any] = {'skeleton': reading.skeleton, 'options': reading.options}
  if model is None:
    return read_poses(reading.format or AUTO, name, **stated)
  usual = config.data.format or None if config else None
  return open_for_model(
    name, model, format=reading.format, usual_format=usual, **stated
  )


def _refuse_options(name: str, kind: str, reading: Reading):
  """Raises PoseDataError for what is stated about pose files that are none."""
  given = [*reading.options.given] if reading.options is not None else []
  given += [field for field in ('format', 'skeleton') if getattr(reading, field)]
  if reading.footage and kind != 'dataset':
    raise PoseDataError(
      f'{name} is a {kind}, so its poses are found in it; leave video, the video of'
      ' poses from elsewhere, out'
    )
  if refused := [option for option in given if option not in _TAKEN[kind]]:
    raise PoseDataError(
      f'{name} is a {kind}, which takes no {" and no ".join(refused)}; leave'
      f' {" and ".join(refused)} out'
    )


def _network(name: str, reading: Reading) -> VideoPoses:
  if reading.videos is None:
    raise PoseDataError(
      f'{name} is a video, frames or a camera, not poses: give --extractor and --weights'
      ' (Python: extractor and weights), the pose network that finds the poses, as'
      ' `pose-action extract --help` says; or the poses that another tool found'
    )
  return reading.videos


def _of_camera(
  name: str,
  reading: Reading,
  config: ml_collections.ConfigDict | None,
  model: Skeleton | None,
) -> ClipSource:
  videos = _network(f'camera {name}', reading)
  folder = videos.scratch()
  reading.say(f'camera {name}: recording {reading.camera_seconds:g} s')
  recording = camera.record(int(name), folder, reading.camera_seconds)
  if recording.problem:
    warnings.warn(
      f'camera {name} ended after {recording.seconds:.1f} of'
      f' {reading.camera_seconds:g} s, and what it gave is used: {recording.problem}',
      PoseWarning,
      stacklevel=2,
    )
  reading.say(f'camera {name}: {recording.rate:.1f} frames per second')
  video = Video(folder, f'camera{name}')
  return videos.of_videos([video], config, model, frame_rate=recording.rate)[0]
