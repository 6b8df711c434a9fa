"""Timelines of many videos, written and measured; what `pose-action predict` runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from input_pipeline.annotations.segment_files.reading import read_segments
from input_pipeline.annotations.segment_files.rows import SegmentFile, SegmentRow
from input_pipeline.annotations.segments_of_clips import rows_of_names
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import gathering_warnings, warnings_as_lines
from pose_action.inference import seen
from pose_action.inference.errors import PredictorError
from pose_action.inference.timelines.bouts import BoutRule
from pose_action.inference.timelines.files import kind_of, save_timelines
from pose_action.inference.timelines.measured import (
  figures_text,
  measure,
  truth_and_prediction,
)
from pose_action.inference.timelines.timeline import Timeline

if TYPE_CHECKING:
  from pose_action.inference.ensemble_predictor import EnsemblePredictor
  from pose_action.inference.predictor import Predictor


@dataclasses.dataclass(frozen=True)
class TimelineOptions:
  """What a user asks for.

  Attributes:
    files: where to write all timelines, see `files.save_timelines`.
    segments: a segment file to compare with; '' for none.
    how: arguments of `TimelineMethods.timeline`.
    tiers: names of an ELAN file's tiers to read; none for all.

  Raises:
    PredictorError: for a file that is no form of a timeline, or a rule for bouts that
      makes no sense.
    MissingExtraError: if a library for a file is not installed.
  """

  files: tuple[str, ...] = ()
  segments: str = ''
  how: dict[str, Any] = dataclasses.field(default_factory=dict)
  tiers: tuple[str, ...] = ()

  @property
  def shows_poses(self) -> bool:
    """Whether a file shows the people, so that their poses are kept until the end."""
    return any(kind_of(file) in seen.KINDS for file in self.files)

  def __post_init__(self):
    for file in self.files:
      seen.check_libraries(kind_of(file))
    BoutRule(
      **{
        name: self.how[name] for name in ('threshold', 'hysteresis') if name in self.how
      }
    )


def write_timelines(
  model: Predictor | EnsemblePredictor,
  clips: Iterable[Any],
  options: TimelineOptions,
  say: Callable[[str], object],
) -> list[tuple[str, str]]:
  """Prints every clip's bouts; writes and measures all timelines at the end.

  Returns:
    (clip, reason) for each clip that cannot be used; `say` has said so.

  Raises:
    PoseDataError: for an invalid segment file, or one that names none of the clips.
    PredictorError, OSError: if the files cannot be written.
  """
  file = None
  if options.segments:
    file = read_segments(options.segments, options.tiers)
  if 'threshold' not in options.how:
    say(_usual_threshold(model))
  timelines: list[Timeline] = []
  pairs, refused = [], []
  warned: dict[str, None] = {}
  for clip in clips:
    try:
      if not isinstance(clip, PoseClip):
        raise PredictorError('a timeline needs poses, but these are ready maps')
      with gathering_warnings(warned):
        timeline = model.timeline(clip, **options.how)
      if file is not None and (rows := _rows(file, clip)):
        pairs += truth_and_prediction(timeline, clip, rows, file)
    except (PoseDataError, PredictorError) as error:
      refused.append((clip.video_id, str(error)))
      say(f'{clip.video_id}: cannot be used: {error}')
      continue
    if not options.shows_poses:
      timeline = dataclasses.replace(timeline, clip=None)
    timelines.append(timeline)
    for line in describe(timeline):
      say(line)
  for message in warned:
    say(f'warning: {message}')
  if timelines:
    for path in options.files:
      with warnings_as_lines(say):
        save_timelines(path, timelines, say)
      say(f'wrote {path}')
  if file is not None:
    _say_figures(file, pairs, say)
  return refused


def _usual_threshold(model: Predictor | EnsemblePredictor) -> str:
  """At which probability actions begin if the user does not say."""
  own = model.bout_threshold
  if own is None:
    return (
      'note: the run has no threshold from held-out clips, so actions begin at a'
      f' probability of {BoutRule.threshold:g}; --bout_threshold sets it'
    )
  return (
    f'note: actions begin at a probability of {own:.2f}, which keeps 95 % of the right'
    ' answers on held-out clips; --bout_threshold sets it'
  )


def describe(timeline: Timeline) -> list[str]:
  """Lines with the video's name, and each bout's person, time, label and score."""
  lines = [timeline.video_id]
  for bout in timeline.bouts:
    start, stop = timeline.seconds(bout.start), timeline.seconds(bout.stop)
    if start is None or stop is None:
      time = f'frames {bout.start}-{bout.stop}'
    else:
      time = f'{start:.2f}-{stop:.2f} s'
    lines.append(f'  {bout.person}: {time}  {bout.label} {bout.score:.2f}')
  if len(lines) == 1:
    lines.append('  no action' if timeline.people else '  nobody for long enough')
  return lines


def _rows(file: SegmentFile, clip: PoseClip) -> tuple[SegmentRow, ...]:
  return rows_of_names((clip.video_id,), file).get(clip.video_id, ())


def _say_figures(file: SegmentFile, pairs: list, say: Callable[[str], object]):
  if not pairs:
    raise PoseDataError(
      f'{file.path} names none of the clips that were predicted; there is nothing to'
      ' measure'
    )
  say(figures_text(measure(pairs), len(pairs)))
