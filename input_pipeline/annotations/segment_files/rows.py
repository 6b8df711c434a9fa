"""The content of a segment file, whatever its format, and the checks on it."""

from __future__ import annotations

import dataclasses
import functools
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from input_pipeline.errors import PoseDataError, shortened
from input_pipeline.poses.notes import Note

# Programs round times to milliseconds, so touching segments may overlap by one (ours).
_ROUNDING = 0.0015
_LONGEST_NAME = 100  # Characters of a name in a message.


class SegmentRow(NamedTuple):
  """One action in one video.

  Attributes:
    video: the video as the file names it, often a path.
    person: the person as the file names them; '' if it says nothing of people.
    label: the class.
    start, stop: in seconds from the beginning of the video.
    where: the file and the place in it, for messages.
  """

  video: str
  person: str
  label: str
  start: float
  stop: float
  where: str


@dataclasses.dataclass(frozen=True)
class SegmentFile:
  """A segment file's rows, checked.

  Attributes:
    path: the file.
    format: its format's name.
    rows: every action, in the file's order.
    other_names: further names of a video, by the name in its rows.
    frame_rates: frames per second, by video, where the file states them.
    notes: what was left out.

  Raises:
    PoseDataError: if there is no segment, a segment has no label or no video, a time is
      not a number from 0 on, a segment does not end after it starts, or two segments of
      one person (or of everyone, if the file names no people) overlap.
  """

  path: pathlib.Path
  format: str
  rows: tuple[SegmentRow, ...]
  other_names: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
  frame_rates: Mapping[str, float] = dataclasses.field(default_factory=dict)
  notes: tuple[Note, ...] = ()

  def __post_init__(self):
    if not self.rows:
      raise PoseDataError(f'{self.path} has no segment; it needs at least one')
    for row in self.rows:
      _check_row(row)
    for rows in self.of_video.values():
      _check_overlaps(rows)

  @functools.cached_property
  def of_video(self) -> Mapping[str, tuple[SegmentRow, ...]]:
    """The rows of each video, in the file's order."""
    found: dict[str, list[SegmentRow]] = {}
    for row in self.rows:
      found.setdefault(row.video, []).append(row)
    return {video: tuple(rows) for video, rows in found.items()}

  @property
  def labels(self) -> tuple[str, ...]:
    """Every label once, sorted."""
    return tuple(sorted({row.label for row in self.rows}))


def seconds(text: str | None, column: str, where: str) -> float:
  """Reads a time in seconds, with a decimal point or comma.

  Raises:
    PoseDataError: if it is no number.
  """
  try:
    return float((text or '').strip().replace(',', '.'))
  except ValueError:
    raise PoseDataError(
      f'{where}: {column} is {_quoted(text or "")}, but must be a time in seconds, such'
      ' as 12.5'
    ) from None


def _check_row(row: SegmentRow):
  for name in ('video', 'label'):
    if not getattr(row, name):
      raise PoseDataError(f'{row.where}: the segment has no {name}; give it one')
  for name in ('start', 'stop'):
    time = getattr(row, name)
    if not 0 <= time < math.inf:  # False for NaN too.
      raise PoseDataError(
        f'{row.where}: {name} is {time:g}, but must be a time in seconds from the'
        ' beginning of the video, 0 or more'
      )
  if row.stop <= row.start:
    ends = 'ends when' if row.stop == row.start else 'ends before'
    raise PoseDataError(
      f'{row.where}: {_quoted(row.label)} {ends} it starts ({row.start:g} s to'
      f' {row.stop:g} s); correct the times'
    )


def _check_overlaps(rows: Sequence[SegmentRow]):
  """Checks the rows of one video; rows of nobody in particular are everyone's."""
  latest: dict[str, SegmentRow] = {}  # Of each person, the row that stops last so far.
  latest_of_all: SegmentRow | None = None
  for row in sorted(rows, key=lambda row: row.start):
    own = latest.get(row.person) if row.person else latest_of_all
    for first in (latest.get(''), own):
      if first is not None and row.start < first.stop - _ROUNDING:
        raise _overlap(first, row)
    latest[row.person] = _later(latest.get(row.person), row)
    latest_of_all = _later(latest_of_all, row)


def _later(first: SegmentRow | None, second: SegmentRow) -> SegmentRow:
  return second if first is None or second.stop > first.stop else first


def _overlap(first: SegmentRow, second: SegmentRow) -> PoseDataError:
  person = second.person or first.person
  of_person = f', person {_quoted(person)}' if person else ''
  return PoseDataError(
    f'{second.where}: {_quoted(second.label)} ({second.start:g} s to'
    f' {second.stop:g} s) overlaps {_quoted(first.label)} ({first.start:g} s to'
    f' {first.stop:g} s, {_place(first)}) in video {_quoted(second.video)}'
    f'{of_person}; at any time, a person has one label'
  )


def _place(row: SegmentRow) -> str:
  return row.where.rpartition(', ')[2]


def _quoted(text: str) -> str:
  return shortened(repr(text), _LONGEST_NAME)


def left_out(count: int, what: str, example: str) -> tuple[Note, ...]:
  """A note on rows that are no segments; none if the count is 0."""
  if not count:
    return ()
  return (Note('segments_left_out', f'{count} {what} are left out: {example}'),)


def names_in(rows: Iterable[SegmentRow]) -> tuple[str, ...]:
  """The names of the videos, each once, in the file's order."""
  return tuple(dict.fromkeys(row.video for row in rows))
