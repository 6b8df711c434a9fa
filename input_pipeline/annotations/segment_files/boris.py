"""Segments that BORIS exported as text: aggregated events, or tabular events.

Aggregated events have a line per behaviour with `Start (s)` and `Stop (s)`. Tabular
events have a line for its start and one for its stop; in files of older versions, lines
about the observation come before the names of the columns. The media file is the video,
the subject is the person, and a behaviour is a label; modifiers are not read.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Iterator, Mapping

from input_pipeline import text_files, text_tables
from input_pipeline.annotations.segment_files.rows import (
  SegmentFile,
  SegmentRow,
  left_out,
  seconds,
)
from input_pipeline.errors import PoseDataError

_AGGREGATED = ('behavior', 'start (s)', 'stop (s)')
_TABULAR = ('behavior', 'time')
# Names of the same column in several versions.
_MEDIA = ('media file name', 'media file path', 'media file')
_OBSERVATION = 'observation id'
_RATE = ('fps (frame/s)', 'fps')
_EVENT = ('behavior type', 'status')
_NOBODY = 'no focal subject'


@dataclasses.dataclass(frozen=True)
class _Line:
  where: str
  fields: Mapping[str, str]

  def first(self, *columns: str) -> str:
    """The first of these columns that has text; '' if none has."""
    return next((self.fields[c] for c in columns if self.fields.get(c)), '')

  @property
  def video(self) -> str:
    """The first media file; the observation if no file is named."""
    media = self.first(*_MEDIA).split(';')[0].strip()
    return media or self.first(_OBSERVATION)

  @property
  def person(self) -> str:
    person = self.first('subject')
    return '' if person.lower() == _NOBODY else person


def is_boris(text: str) -> bool:
  """Whether the text has a line with BORIS's columns."""
  return _header(text) is not None


def read(path: pathlib.Path) -> SegmentFile:
  """Reads the file.

  Raises:
    PoseDataError: if it is no such file, or a line is invalid; also for a behaviour that
      starts twice or never stops.
  """
  text = text_files.read_text(path)
  header = _header(text)
  if header is None:
    raise PoseDataError(
      f'{path} has no line with the columns of BORIS: Behavior with Start (s) and Stop'
      ' (s), or with Time and Status or Behavior type'
    )
  lines = list(_lines(path, text, *header))
  is_aggregated = set(_AGGREGATED) <= set(header[1])
  rows, points = (_aggregated if is_aggregated else _paired)(lines)
  return SegmentFile(
    path,
    'boris',
    tuple(rows),
    other_names={line.video: (line.first(_OBSERVATION),) for line in lines},
    frame_rates=_rates(lines),
    notes=left_out(
      len(points), f'events of {path} that take no time', points[0] if points else ''
    ),
  )


def _header(text: str) -> tuple[int, tuple[str, ...], str] | None:
  """(line number, column names, delimiter) of the line that names the columns."""
  for delimiter in text_tables.DELIMITERS:
    for row in text_tables.rows(text, delimiter):
      names = tuple(name.lower() for name in row.fields)
      has_event = any(name in names for name in _EVENT)
      if set(_AGGREGATED) <= set(names) or (set(_TABULAR) <= set(names) and has_event):
        return row.line, names, delimiter
  return None


def _lines(
  path: pathlib.Path, text: str, line: int, names: tuple[str, ...], delimiter: str
) -> Iterator[_Line]:
  for row in text_tables.rows(text, delimiter):
    if row.line > line:
      fields: dict[str, str] = {}
      for name, field in zip(names, row.fields, strict=False):
        fields.setdefault(name, field)
      yield _Line(f'{path}, line {row.line}', fields)


def _aggregated(lines: list[_Line]) -> tuple[list[SegmentRow], list[str]]:
  rows, points = [], []
  for line in lines:
    start = seconds(line.first('start (s)'), 'Start (s)', line.where)
    if line.first('behavior type').upper() == 'POINT':
      points.append(f'{line.first("behavior")!r} at {start:g} s')
      continue
    stop = seconds(line.first('stop (s)'), 'Stop (s)', line.where)
    rows.append(_row(line, start, stop))
  return rows, points


def _paired(lines: list[_Line]) -> tuple[list[SegmentRow], list[str]]:
  rows, points = [], []
  started: dict[tuple[str, str, str], tuple[_Line, float]] = {}
  for line in lines:
    time = seconds(line.first('time'), 'Time', line.where)
    kind = line.first(*_EVENT).upper()
    key = line.video, line.person, line.first('behavior')
    if kind == 'POINT':
      points.append(f'{line.first("behavior")!r} at {time:g} s')
    elif kind == 'START':
      if key in started:
        raise PoseDataError(
          f'{line.where}: {key[2]!r} starts again before it stopped; correct it in BORIS'
        )
      started[key] = line, time
    elif kind == 'STOP' and key in started:
      first, start = started.pop(key)
      rows.append(_row(first, start, time))
    else:
      what = 'stops, but did not start' if kind == 'STOP' else f'is {kind!r}'
      raise PoseDataError(
        f'{line.where}: {key[2]!r} {what}; an event must be START, STOP or POINT'
      )
  if started:
    line, _ = next(iter(started.values()))
    raise PoseDataError(
      f'{line.where}: {line.first("behavior")!r} starts, but never stops; close it in'
      ' BORIS'
    )
  return rows, points


def _row(line: _Line, start: float, stop: float) -> SegmentRow:
  return SegmentRow(
    line.video, line.person, line.first('behavior'), start, stop, line.where
  )


def _rates(lines: list[_Line]) -> dict[str, float]:
  """Frames per second of each video with one number above 0 for it."""
  rates: dict[str, float] = {}
  for line in lines:
    try:
      rate = float(line.first(*_RATE).replace(',', '.'))
    except ValueError:  # Empty, or several numbers for several players.
      continue
    if 0 < rate < math.inf:
      rates.setdefault(line.video, rate)
  return rates
