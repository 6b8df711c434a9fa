"""Predictions and timelines as something to see: MP4, GIF, and a page."""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from input_pipeline.poses.notes import PoseWarning
from pose_action.extraction.videos import UNKNOWN_RATE
from pose_action.host.progress import Report
from pose_action.host.video_libraries import opencv, pillow, pyav
from pose_action.plots.timelines import Bar, Lane
from pose_action.video.annotated import TimedFrame, annotated_frames
from pose_action.video.clip_poses import clip_poses
from pose_action.video.encoding import write_gif, write_mp4
from pose_action.video.page import write_page
from pose_action.video.scene import MakeScene, Scene, scene_of_clip
from pose_action.video.scene_pace import ScenePace

if TYPE_CHECKING:
  from pose_action.inference.prediction import Prediction
  from pose_action.inference.timelines.timeline import Timeline

# What the suffix of a file asks for.
KINDS = {
  '.mp4': 'a video with skeletons, H.264',
  '.gif': 'the same, small',
  '.html': 'a page with moving skeletons',
}
# What is counted while a file is written, and how often everything is gone through: the
# colours of a GIF and the size of a page are found first.
_WORK = {'.mp4': ('frames', 1), '.gif': ('frames', 2), '.html': ('clips', 2)}
_GIF_SIDE = 400  # The longer side of a GIF's frames, in pixels (our choice).


def check_libraries(suffix: str):
  """Raises MissingExtraError if what a kind of file needs is not installed."""
  if suffix in ('.mp4', '.gif'):
    for library in (opencv, pyav, pillow):
      library()


def write_predictions(
  path: pathlib.Path,
  predictions: Sequence[Prediction],
  progress: Report | None = None,
):
  """Writes predictions to a file of one of `KINDS`, one clip after another.

  Args:
    progress: receives a line about once per second, with the time left.

  Raises:
    ValueError: for a prediction that does not know its clip.
    PoseDataError: for a clip that cannot be loaded any more, or holds no poses.
    OSError: if the file cannot be written.

  Warns:
    PoseWarning: for footage that cannot be read, and for an unknown frame rate.
  """
  for one in predictions:
    if one.load_clip is None:
      raise ValueError(
        f'{os.fspath(path)} shows poses, but the prediction for clip {one.video_id!r}'
        ' has none: predict with model(source) or model(clip), not model.predict(clips)'
      )
  scenes = [functools.partial(_scene, one) for one in predictions]
  _write(path, scenes, progress=progress)


def write_timelines(
  path: str | os.PathLike[str],
  timelines: Sequence[Timeline],
  progress: Report | None = None,
):
  """Writes timelines to a file of one of `KINDS`, as `write_predictions` does.

  Raises:
    ValueError: for a timeline that does not know its clip.
    OSError: if the file cannot be written.
  """
  for timeline in timelines:
    if timeline.clip is None:
      raise ValueError(
        f'{os.fspath(path)} shows poses, but the timeline of {timeline.video_id!r} has'
        ' none: make it with model.timeline(clip)'
      )
  labels = sorted({bout.label for timeline in timelines for bout in timeline.bouts})
  scenes = [functools.partial(_scene_of_timeline, one, labels) for one in timelines]
  most = max((len(timeline.people) for timeline in timelines), default=0)
  _write(path, scenes, most, progress)


def _write(
  path: str | os.PathLike[str],
  scenes: Sequence[MakeScene],
  num_lanes: int = 0,
  progress: Report | None = None,
):
  suffix = pathlib.Path(path).suffix.lower()
  with contextlib.closing(ScenePace(len(scenes), progress, *_WORK[suffix])) as pace:
    scenes = [functools.partial(pace.made, make) for make in scenes]
    if suffix == '.html':
      write_page(path, scenes)
      return
    side = _GIF_SIDE if suffix == '.gif' else None

    def frames() -> Iterator[TimedFrame]:
      drawn = annotated_frames(scenes, num_lanes=num_lanes, longer_side=side)
      return pace.counted(drawn)

    if suffix == '.gif':
      write_gif(path, frames)
    else:
      write_mp4(path, frames())


def _scene(one: Prediction) -> Scene:
  assert one.load_clip is not None
  return _rated(scene_of_clip(clip_poses(one.load_clip()), caption_of(one)))


def caption_of(one: Prediction) -> str:
  """The most probable class with its probability, or that it is none of these."""
  ((first, share),) = one.top(1)
  text = f'{first} {share:.1%}'
  if one.label != first:  # None of these.
    text = f'{one.label} ({text}, below {one.threshold:.1%})'
  return f'{text}, labelled {", ".join(one.labels)}' if one.labels else text


def _scene_of_timeline(timeline: Timeline, labels: Sequence[str]) -> Scene:
  assert timeline.clip is not None
  bouts = timeline.bouts
  lanes = [
    Lane(
      one.person,
      (one.start, one.stop),
      tuple(Bar(*bout[1:]) for bout in bouts if bout.person == one.person),
    )
    for one in timeline.people
  ]
  return _rated(scene_of_clip(timeline.clip, '', lanes, labels))


def _rated(scene: Scene) -> Scene:
  # A video's frames have the container's own times.
  if scene.frame_rate is None and scene.footage is None:
    text = (
      f'clips whose frame rate is unknown are shown at {UNKNOWN_RATE:g} frames per'
      ' second; give --fps (Python: frame_rate)'
    )
    warnings.warn(text, PoseWarning, stacklevel=2)
  return scene
