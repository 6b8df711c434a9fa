"""Reads `videos.csv`, in which a user lists videos with their labels.

  id,path,split,label              id,path,split,segments,height,width,fps
  a,poses/a,train,wave             b,poses/b.json,test,walk 0 2.5;sit down 3 9,720,1280,30

Only the column `path` is required; relative paths start at the list's folder. `label` is
one class; `labels` are any number of classes, separated by `;`; `segments` are classes,
each with its first and last second. `split` may name several splits, separated by `;`.
`video` is the video in which the poses were found, to be drawn on; its first frame with
poses is frame `video_start` of every `video_stride`-th frame.
Columns may also be separated by `;` or tabs, as spreadsheets in much of Europe save them;
decimal commas are then fine, too.
Videos with the same `group` (a source video, a person, a day) are never divided between
training and validation.
"""

from __future__ import annotations

import csv
import dataclasses
import difflib
import io
import itertools
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError, shortened
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files.file_names import stem_of
from input_pipeline.text_tables import DELIMITERS
from pose_action.host.user_paths import user_path

TABLE = 'videos.csv'
# Columns without a name, before and after the others.
_UNNAMED = ('(first)', '(last)')
ALL = 'all'  # The split for videos that name none.

_LABELS = ('label', 'labels', 'segments')
_FOOTAGE = ('video', 'video_start', 'video_stride')
_COLUMNS = (
  *('id', 'path', 'part', 'split', 'group', *_LABELS),
  *('height', 'width', 'fps', *_FOOTAGE),
)


class NamedSegment(NamedTuple):
  """The seconds of a video that show a class."""

  label: str
  start: float
  end: float


@dataclasses.dataclass(frozen=True)
class VideoPart:
  """What a file with several videos says about one of them.

  Attributes:
    labels: names of its classes; empty if the file states none.
    splits: the splits that contain it; empty if the file states none.
  """

  labels: tuple[str, ...] = ()
  splits: tuple[str, ...] = ()


class DescribedParts(dict[str, VideoPart]):
  """The videos in a file by name, '' for one that is named after the file.

  Attributes:
    notes: how the file was split.
  """

  def __init__(self, parts: Mapping[str, VideoPart], notes: Sequence[Note] = ()):
    super().__init__(parts)
    self.notes = tuple(notes)


@dataclasses.dataclass(frozen=True)
class PoseVideo:
  """One video whose poses can be read.

  Attributes:
    video_id: unique in the list.
    path: a file or a folder.
    part: the video's name in a file with several videos; '' if the file has one.
    splits: the splits that contain the video.
    labels: names of the video's classes, each once; empty if it is not labelled.
    segments: when the classes are shown, if known.
    frame_size: (height, width) in pixels, if known.
    frame_rate: frames per second, if known.
    group: what the video shares with others, such as its source; '' if not stated.
    footage: the video frames in which the poses were found, if known.
  """

  video_id: str
  path: pathlib.Path
  part: str = ''
  splits: tuple[str, ...] = (ALL,)
  labels: tuple[str, ...] = ()
  segments: tuple[NamedSegment, ...] = ()
  frame_size: tuple[int, int] | None = None
  frame_rate: float | None = None
  group: str = ''
  footage: Footage | None = None


def read_table(table: pathlib.Path) -> tuple[PoseVideo, ...]:
  """The videos in the list, in its order. Does not check that their files exist.

  Raises:
    PoseDataError: if the list is invalid; names the line and the column.
  """
  text = text_files.read_text(table)
  try:
    rows = csv.DictReader(
      io.StringIO(text),
      delimiter=_delimiter(text),
      restkey='',
      restval='',
      strict=True,
    )
    rows.fieldnames = _column_names(rows.fieldnames or ())
    _check_columns(table, [n for n in rows.fieldnames if n not in _UNNAMED])
    videos = [
      _video(table, rows.line_num, row)
      for row in rows
      if any(map(str.strip, _texts(row)))
    ]
  except csv.Error as error:
    raise PoseDataError(f'{table} is not a readable table: {error}') from error
  if not videos:
    raise PoseDataError(f'{table} lists no video')
  seen: set[str] = set()
  for video in videos:
    if video.video_id in seen:
      raise PoseDataError(
        f'{table} lists {video.video_id!r} twice; give each video its own id, and all of'
        ' its splits in one line, separated by ;'
      )
    seen.add(video.video_id)
  return tuple(videos)


def _column_names(names: Sequence[str]) -> list[str]:
  """Names in lower case, and others for unnamed columns at the two ends.

  pandas writes row numbers before the table, spreadsheets empty columns after it.
  """
  plain = [name.strip().lower() for name in names]
  ends = itertools.takewhile(lambda name: not name, reversed(plain))
  for place in range(len(plain) - len(list(ends)), len(plain)):
    plain[place] = _UNNAMED[1]
  if plain and plain[0] in ('', 'unnamed: 0'):
    plain[0] = _UNNAMED[0]
  return plain


def _delimiter(text: str) -> str:
  """The first delimiter under which the first line has a column path."""
  first = text.lstrip().partition('\n')[0]
  for delimiter in DELIMITERS:
    if 'path' in [name.strip(' "').lower() for name in first.split(delimiter)]:
      return delimiter
  return ','


def _texts(row: Mapping[str, Any]) -> list[str]:
  """The row's fields; those without a column are in a list under ''."""
  return [*(row[name] for name in row if name), *row.get('', ())]


def _check_columns(table: pathlib.Path, columns: Sequence[str]):
  for column in columns:
    if column not in _COLUMNS:
      nearest = difflib.get_close_matches(column, _COLUMNS, n=1, cutoff=0.4)
      hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
      raise PoseDataError(
        f'{table} has a column {column!r}{hint} Known: {", ".join(_COLUMNS)}'
      )
  label_columns = [column for column in _LABELS if column in columns]
  if 'path' not in columns or len(label_columns) > 1:
    raise PoseDataError(
      f'{table} has the columns {", ".join(columns) or "(none)"}, but needs path, and at'
      f' most one of {", ".join(_LABELS)}; name the columns in the first line'
    )
  if ('height' in columns) != ('width' in columns):
    raise PoseDataError(
      f'{table} has one of the columns height and width; give both, or neither'
    )


def _video(table: pathlib.Path, line: int, row: Mapping[str, str]) -> PoseVideo:
  where = f'{table}, line {line}'
  row = {name: text for name, text in row.items() if name != _UNNAMED[0]}
  if any(map(str.strip, [*row.get('', ()), row.get(_UNNAMED[1], '')])):
    raise PoseDataError(
      f'{where} has more values than columns; put text with a comma in double quotes'
    )
  if not row['path'].strip():
    raise PoseDataError(f'{where} has no path')
  path = table.parent / user_path(row['path'].strip())
  segments = tuple(_segment(text, where) for text in _items(row.get('segments', '')))
  labels = _items(row.get('labels', '')) or [segment.label for segment in segments]
  if row.get('label', '').strip():
    labels = [row['label'].strip()]
  size = [_number(row.get(side, ''), side, where) for side in ('height', 'width')]
  if (size[0] is None) != (size[1] is None):
    raise PoseDataError(f'{where} has one of height and width; give both, or neither')
  video_id = row.get('id', '').strip() or stem_of(path)
  return PoseVideo(
    video_id=video_id,
    path=path,
    part=row.get('part', '').strip() or video_id,
    splits=tuple(dict.fromkeys(_items(row.get('split', '')))) or (ALL,),
    labels=tuple(dict.fromkeys(labels)),
    segments=segments,
    frame_size=(round(size[0]), round(size[1])) if size[0] and size[1] else None,
    frame_rate=_number(row.get('fps', ''), 'fps', where),
    group=row.get('group', '').strip(),
    footage=_footage(table, where, row),
  )


def _footage(table: pathlib.Path, where: str, row: Mapping[str, str]) -> Footage | None:
  """The video of a row; whether it is still there is not checked."""
  if not row.get('video', '').strip():
    return None
  start, stride = (row.get(column, '').strip() for column in _FOOTAGE[1:])
  for column, text, least in (
    ('video_start', start or '0', 0),
    ('video_stride', stride or '1', 1),
  ):
    if not text.isdecimal() or int(text) < least:
      raise PoseDataError(
        f'{where}: {column} is {text!r}, but must be a whole number from {least} on'
      )
  path = table.parent / user_path(row['video'].strip())
  return Footage(path, int(start or 0), int(stride or 1))


def _items(text: str) -> list[str]:
  return [item.strip() for item in text.split(';') if item.strip()]


def _segment(text: str, where: str) -> NamedSegment:
  label, *times = text.rsplit(maxsplit=2)
  try:
    start, end = map(_float, times)
  except ValueError:
    start = end = math.nan
  if not 0 <= start < end < math.inf:
    raise PoseDataError(
      f'{where}: segment {text!r} must be a class and its first and last second, such'
      " as 'sit down 3 9.5'"
    )
  return NamedSegment(label, start, end)


def _number(text: str, column: str, where: str) -> float | None:
  if not text.strip():
    return None
  try:
    number = _float(text)
  except ValueError:
    number = math.nan
  whole = column == 'fps' or number == round(number) if math.isfinite(number) else False
  if not whole or number <= 0:
    raise PoseDataError(
      f'{where}: {column} is {shortened(text)!r}, but must be a'
      f'{" " if column == "fps" else " whole "}number above 0'
    )
  return number


def _float(text: str) -> float:
  """Reads a number with a decimal point or comma."""
  return float(text.replace(',', '.'))
