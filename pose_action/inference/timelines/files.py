"""Timelines as files: tables of bouts and of frames, JSON, BORIS's rows, a picture."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action.host import atomic_files
from pose_action.host.progress import Report
from pose_action.host.user_paths import user_path
from pose_action.inference import seen
from pose_action.inference.errors import PredictorError

if TYPE_CHECKING:
  from pose_action.inference.timelines.timeline import Timeline

# What the end of a file's name asks for; the longest that fits counts.
KINDS = {
  '.csv': 'one row per bout',
  '.frames.csv': 'one row per person and frame, with all probabilities',
  '.boris.csv': 'one row per bout, as BORIS exports aggregated events',
  '.json': 'everything',
  '.png': 'a picture, one lane per person',
  **seen.KINDS,
}
_DIGITS = 4  # Of probabilities and seconds in tables.

# BORIS's columns for aggregated events, of which timelines fill those that they know.
_BORIS = (
  *('Observation id', 'Observation date', 'Description', 'Media file name'),
  *('Total length', 'FPS (frame/s)', 'Subject', 'Behavior', 'Behavioral category'),
  *('Modifiers', 'Behavior type', 'Start (s)', 'Stop (s)', 'Duration (s)'),
  *('Comment start', 'Comment stop'),
)


def kind_of(path: str | os.PathLike[str]) -> str:
  """The end of the name in `KINDS` that a path has.

  Raises:
    PredictorError: if it has none of them.
  """
  name = user_path(path).name.lower()
  fitting = [kind for kind in KINDS if name.endswith(kind)]
  if not fitting:
    kinds = '; '.join(f'*{kind} ({what})' for kind, what in KINDS.items())
    raise PredictorError(f'{path} is no form of a timeline; give {kinds}')
  return max(fitting, key=len)


def save_timelines(
  path: str | os.PathLike[str],
  timelines: Sequence[Timeline],
  progress: Report | None = None,
):
  """Writes timelines to one file, atomically; the end of its name says how.

  `*.csv`: one row per bout; with a frame rate, its columns video, person, start, stop and
  label are those of a segment file. `*.frames.csv`: probabilities per frame.
  `*.boris.csv`: BORIS's aggregated events. `*.json`: everything. `*.png`: a picture.
  `*.mp4`, `*.gif`, `*.html`: the people, moving, above their lanes; one video after
  another.

  Args:
    progress: receives a line about once per second while one of the last three is written.

  Raises:
    PredictorError: for another name, or BORIS's rows without a frame rate.
    ImportError: for a video, if the extra `video` is not installed.
  """
  kind = kind_of(path)
  if kind == '.json':
    atomic_files.write_json(path, [_as_json(timeline) for timeline in timelines])
  elif kind == '.png':
    _save_picture(path, timelines)
  elif kind in seen.KINDS:
    seen.write_timelines(user_path(path), timelines, progress)
  else:
    rows = _TABLES[kind]
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows(rows(timelines))
    atomic_files.write_text(path, text.getvalue())


def _bout_rows(timelines: Iterable[Timeline]) -> Iterator[Sequence[Any]]:
  yield (
    *('video', 'person', 'start', 'stop', 'label', 'score'),
    *('start_frame', 'stop_frame'),
  )
  for timeline in timelines:
    for bout in timeline.bouts:
      yield (
        timeline.video_id,
        bout.person,
        _rounded(timeline.seconds(bout.start)),
        _rounded(timeline.seconds(bout.stop)),
        bout.label,
        _rounded(bout.score),
        bout.start,
        bout.stop,
      )


def _frame_rows(timelines: Sequence[Timeline]) -> Iterator[Sequence[Any]]:
  names = timelines[0].class_names if timelines else ()
  yield 'video', 'person', 'frame', 'time', *names
  for timeline in timelines:
    for one in timeline.people:
      for frame, values in enumerate(one.probabilities.tolist(), start=one.start):
        time = _rounded(timeline.seconds(frame))
        shares = map(_rounded, values)
        yield timeline.video_id, one.person, frame, time, *shares


def _boris_rows(timelines: Iterable[Timeline]) -> Iterator[Sequence[Any]]:
  yield _BORIS
  for timeline in timelines:
    rate = timeline.frame_rate
    if rate is None:
      raise PredictorError(
        f'{timeline.video_id}: its frame rate is not known, but BORIS counts in seconds;'
        ' state the frame rate, or write *.csv'
      )
    for bout in timeline.bouts:
      start, stop = bout.start / rate, bout.stop / rate
      known = {
        'Observation id': timeline.video_id,
        'Media file name': timeline.video_id,
        'Total length': _rounded(timeline.num_frames / rate),
        'FPS (frame/s)': f'{rate:g}',
        'Subject': bout.person,
        'Behavior': bout.label,
        'Behavior type': 'STATE',
        'Start (s)': _rounded(start),
        'Stop (s)': _rounded(stop),
        'Duration (s)': _rounded(stop - start),
        'Comment start': f'probability {bout.score:.3f}',
      }
      yield [known.get(column, '') for column in _BORIS]


_TABLES: dict[str, Callable[[Sequence[Timeline]], Iterator[Sequence[Any]]]] = {
  '.csv': _bout_rows,
  '.frames.csv': _frame_rows,
  '.boris.csv': _boris_rows,
}


def _as_json(timeline: Timeline) -> dict[str, Any]:
  return {
    'video': timeline.video_id,
    'class_names': list(timeline.class_names),
    'num_frames': timeline.num_frames,
    'frame_rate': timeline.frame_rate,
    'window': timeline.windows.length,
    'stride': timeline.windows.stride,
    'threshold': timeline.rule.threshold,
    'hysteresis': timeline.rule.hysteresis,
    'min_length': timeline.rule.min_length,
    'bouts': [
      {
        **bout._asdict(),
        'start_seconds': timeline.seconds(bout.start),
        'stop_seconds': timeline.seconds(bout.stop),
      }
      for bout in timeline.bouts
    ],
    'people': [
      {
        'person': one.person,
        'first_frame': one.start,
        'probabilities': [
          None if math.isnan(values[0]) else [round(v, 6) for v in values]
          for values in one.probabilities.tolist()
        ],
      }
      for one in timeline.people
    ],
  }


def _save_picture(path: str | os.PathLike[str], timelines: Sequence[Timeline]):
  from pose_action import plots
  from pose_action.plots.timelines import Bar, Lane, timelines_image

  in_seconds = all(timeline.frame_rate is not None for timeline in timelines)

  def at(timeline: Timeline, frame: int) -> float:
    seconds = timeline.seconds(frame)
    return seconds if in_seconds and seconds is not None else float(frame)

  lanes = []
  for timeline in timelines:
    bouts = timeline.bouts
    for one in timeline.people:
      bars = tuple(
        Bar(bout.label, at(timeline, bout.start), at(timeline, bout.stop), bout.score)
        for bout in bouts
        if bout.person == one.person
      )
      name = f'{timeline.video_id} {one.person}' if len(timelines) > 1 else one.person
      seen = at(timeline, one.start), at(timeline, one.stop)
      lanes.append(Lane(name, seen, bars))
  title = timelines[0].video_id if len(timelines) == 1 else f'{len(timelines)} videos'
  end = max((at(t, t.num_frames) for t in timelines), default=1.0)
  image = timelines_image(
    lanes, end=end, unit='seconds' if in_seconds else 'frames', title=title
  )
  plots.save_png(path, image)


def _rounded(value: float | None) -> float | str:
  """The number for a table; '' for none."""
  if value is None or np.isnan(value):
    return ''
  return round(value, _DIGITS)
