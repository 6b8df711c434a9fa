"""The videos in a table: rows of several may be one below the other."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator, Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files.file_names import stem_of
from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.rows import Rows

VIDEO_FILES = frozenset(('.mp4', '.avi', '.mov', '.mkv', '.webm', '.mpg', '.mpeg'))
# Runs of one class that are shorter on average are no videos (our choice).
_SHORTEST_RUN = 2


@dataclasses.dataclass(frozen=True)
class TableVideo:
  """One video in a table.

  Attributes:
    name: '' if the table holds no other.
    label: its class, '' if the table names none.
    split: the split that contains it, '' if the table names none.
    rows: places of its rows, in the table's order.
  """

  name: str
  label: str
  split: str
  rows: tuple[int, ...]


def split_rows(cells: Cells, rows: Rows) -> tuple[TableVideo, ...]:
  """Splits a table into videos: by columns such as `video`, by class, by frame number.

  A new video begins where the class changes, or where frame numbers (or times) go back
  and come again. People of one frame with different classes give a video per class.

  Raises:
    PoseDataError: if classes change so often that the rows are no videos.
  """
  found: list[tuple[str, str, tuple[int, ...]]] = []
  varying = [
    k for k in range(len(rows.videos[0])) if len({key[k] for key in rows.videos}) > 1
  ]
  by_video: dict[tuple[str, ...], list[int]] = {}
  for row, key in enumerate(rows.videos):
    by_video.setdefault(key, []).append(row)
  for key, of_video in by_video.items():
    name = '_'.join(_video_name(key[k]) for k in varying)
    for label, run in _by_label(cells, rows, of_video):
      found += [(name, label, part) for part in _by_restart(cells, rows, run)]
  names = _unique_names(cells.path, [(name, label) for name, label, _ in found])
  return tuple(
    TableVideo(name, label, _split_of(cells, rows, part), part)
    for name, (_, label, part) in zip(names, found, strict=True)
  )


def split_note(
  cells: Cells, rows: Rows, videos: Sequence[TableVideo]
) -> tuple[Note, ...]:
  """A note on how a table was split; none if it holds one video."""
  if len(videos) < 2:
    return ()
  columns = [cells.columns[column] for column in rows.columns.videos]
  if 'label' in rows.columns.roles:
    columns.append(cells.columns[rows.columns.roles['label']])
  by = f' by {", ".join(columns)} and where frames begin again' if columns else ''
  second = videos[1]
  return (
    Note(
      'split_table',
      f'{cells.path} holds {len(videos)} videos, split{by or " where frames begin again"}:'
      f' the second is {second.name!r}, from line {cells.lines[second.rows[0]]} on. If'
      ' that is wrong, give each video its own file, or its own text in a column video',
    ),
  )


def _by_label(
  cells: Cells, rows: Rows, of_video: Sequence[int]
) -> Iterator[tuple[str, list[int]]]:
  """(class, rows) for each stretch of one class."""
  labels, order = rows.labels, rows.order
  mixed = order is not None and any(
    order[a] == order[b] and labels[a] != labels[b]
    for a, b in itertools.pairwise(of_video)
  )
  if mixed:
    for label in dict.fromkeys(labels[row] for row in of_video):
      yield label, [row for row in of_video if labels[row] == label]
    return
  runs = [
    (label, list(run)) for label, run in itertools.groupby(of_video, labels.__getitem__)
  ]
  if order is None and len(runs) > 3 and len(of_video) < _SHORTEST_RUN * len(runs):
    raise PoseDataError(
      f'{cells.path}: column {cells.columns[rows.columns.roles["label"]]} changes'
      f' {len(runs) - 1} times in {len(of_video)} rows, so the rows are no videos; sort'
      ' them, and add columns video and frame'
    )
  yield from runs


def _by_restart(cells: Cells, rows: Rows, run: Sequence[int]) -> list[tuple[int, ...]]:
  """Rows of one class, divided where a frame comes again after later frames."""
  order = rows.order
  if order is None:
    return [tuple(run)]
  joint = rows.columns.roles['joint'] if rows.columns.is_long else None
  parts: list[list[int]] = [[]]
  seen: set[tuple[float, str, str]] = set()
  for row in run:
    text = '' if joint is None else cells.rows[row][joint].strip()
    key = (order[row], rows.persons[row], text)
    if key in seen and order[row] < order[parts[-1][-1]]:
      parts.append([])
      seen.clear()
    seen.add(key)
    parts[-1].append(row)
  return [tuple(part) for part in parts]


def _video_name(text: str) -> str:
  path = pathlib.PurePosixPath(text.replace('\\', '/'))
  if path.suffix.lower() in VIDEO_FILES:
    return str(path.with_suffix(''))
  return str(path) if text else 'unnamed'


def _unique_names(
  path: pathlib.Path, found: Sequence[tuple[str, str]]
) -> Iterator[str]:
  """A name for each video, by its own name, else by its class and number."""
  videos = [video for video, _ in found]
  for number, (video, label) in enumerate(found, start=1):
    if len(found) == 1:
      yield ''
    elif video and videos.count(video) == 1:
      yield video
    else:
      stem = stem_of(path)
      yield '_'.join(
        filter(None, (video, label or ('' if video else stem), str(number)))
      )


def _split_of(cells: Cells, rows: Rows, part: Sequence[int]) -> str:
  column = rows.columns.roles.get('split')
  if column is None:
    return ''
  splits = list(dict.fromkeys(cells.rows[row][column].strip() for row in part))
  if len(splits) > 1:
    raise PoseDataError(
      f'{cells.path}: rows of one video, from line {cells.lines[part[0]]} on, are in the'
      f' splits {splits[0]!r} and {splits[1]!r}; name one'
    )
  return splits[0]
