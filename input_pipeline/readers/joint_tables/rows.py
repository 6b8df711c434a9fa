"""Which frame and which person each row of a table shows."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import itertools
import math
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.frame_order import videos_of
from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.columns import Columns, read_columns
from input_pipeline.readers.joint_tables.people import one_row_per_person

_IMAGES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'))
# How far times may be from a regular grid, in steps (our choice).
_LARGEST_JITTER = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
  """What the columns beside the joints say about each row.

  Attributes:
    columns: the table's columns; what their cells contradict is corrected.
    videos: each row's texts in the columns that tell videos apart, and a name that its
      image's name begins with.
    order: frame numbers, or times, of the rows; None if the table has neither.
    has_numbers: whether `order` holds frame numbers.
    persons: each row's person, '' if the table names none.
    labels: each row's class, '' if the table names none.
  """

  columns: Columns
  videos: Sequence[tuple[str, ...]]
  order: Sequence[float] | None
  has_numbers: bool
  persons: Sequence[str]
  labels: Sequence[str]


def read_rows(cells: Cells) -> tuple[Cells, Rows]:
  """Reads the columns beside the joints.

  Returns:
    The table without empty rows, which are frames only if frames have no number, and
    what its rows are.

  Raises:
    PoseDataError: if frames or times are not as they must be.
  """
  cells = one_row_per_person(cells)
  columns = read_columns(cells.columns)
  if {'frame', 'image', 'time'} & columns.roles.keys():
    cells = cells.without_empty_rows()
  cells = _without_headers(cells, columns)
  columns = _checked_by_content(cells, columns)
  videos = [tuple(row[c].strip() for c in columns.videos) for row in cells.rows]
  order, has_numbers = None, True
  rows = range(len(cells.rows))
  if 'frame' in columns.roles:
    order = [cells.whole(row, columns.roles['frame']) for row in rows]
  elif 'image' in columns.roles:
    names = cells.texts(columns.roles['image'])
    places = {
      name: (video, number)
      for video, frames in videos_of(names, str(cells.path)).items()
      for number, name in frames.items()
    }
    videos = [(*key, places[n][0]) for key, n in zip(videos, names, strict=True)]
    order = [places[name][1] for name in names]
  elif 'time' in columns.roles:
    order, has_numbers = _times(cells.texts(columns.roles['time'])), False
  return cells, Rows(
    columns=columns,
    videos=videos,
    order=order,
    has_numbers=has_numbers,
    persons=_texts(cells, columns, 'person'),
    labels=_texts(cells, columns, 'label'),
  )


def frame_numbers(cells: Cells, rows: Rows, part: Sequence[int]) -> list[int]:
  """The frame number of each row of one video.

  Numbers of rows with times count the steps between them; rows with neither a frame
  number nor a time are one frame each.

  Raises:
    PoseDataError: if the table must state frames but does not.
  """
  if rows.order is not None and rows.has_numbers:
    return [int(rows.order[row]) for row in part]
  if rows.order is not None:
    return _numbers_of_times([rows.order[row] for row in part])
  if rows.columns.is_long or 'person' in rows.columns.roles:
    if rows.columns.is_long and len(_joint_keys(cells, rows, part)) == len(part):
      return [0] * len(part)  # One frame: no joint comes twice.
    raise PoseDataError(
      f'{cells.path} has no column frame, but needs one to say which frame each line is'
      ' of'
    )
  return list(range(len(part)))


def _joint_keys(cells: Cells, rows: Rows, part: Sequence[int]) -> set[tuple[str, str]]:
  joint = rows.columns.roles['joint']
  return {(rows.persons[row], cells.rows[row][joint].strip()) for row in part}


def _without_headers(cells: Cells, columns: Columns) -> Cells:
  """The table without lines that repeat the first: several tables were joined."""
  kept = [i for i, row in enumerate(cells.rows) if row != cells.columns]
  if len(kept) == len(cells.rows):
    return cells
  if not {'frame', 'image', 'time'} & columns.roles.keys():
    line = next(
      n for n, row in zip(cells.lines, cells.rows, strict=True) if row == cells.columns
    )
    raise PoseDataError(
      f'{cells.path}, line {line} repeats the names of the columns, so several tables'
      ' were joined; give each a file, or a column video or frame'
    )
  return dataclasses.replace(
    cells,
    rows=tuple(cells.rows[i] for i in kept),
    lines=tuple(cells.lines[i] for i in kept),
  )


def _checked_by_content(cells: Cells, columns: Columns) -> Columns:
  """Corrects what names of columns say by what the columns hold."""
  roles, videos = dict(columns.roles), list(columns.videos)
  if 'time' in roles and _times(cells.texts(roles['time'])) is None:
    del roles['time']
  if 'frame' in roles and not _mostly_numbers(cells.texts(roles['frame'])):
    roles['image'] = roles.pop('frame')  # 'frame' holds 'frame_0001.jpg'.
  if 'image' in roles and not _names_frames(cells, roles):
    column = roles.pop('image')
    if _some_repeat(cells.texts(column)):  # 'file' holds 'walk.mp4'.
      videos.append(column)
  if 'person' in roles:
    texts, name = cells.texts(roles['person']), cells.columns[roles['person']].lower()
    if name == 'pose' and not _all_numbers(texts):
      roles.setdefault('label', roles.pop('person'))
    elif name == 'id' and _is_row_number(cells, roles):
      roles.pop('person')
  if len(cells.rows) > 1:
    videos = [c for c in videos if _some_repeat(cells.texts(c))]
  return dataclasses.replace(columns, roles=roles, videos=tuple(sorted(videos)))


def _names_frames(cells: Cells, roles: dict[str, int]) -> bool:
  """Whether the column of images names one image per frame, and nothing else does."""
  texts = cells.texts(roles['image'])
  if 'frame' in roles or len(set(texts)) == 1 < len(texts):
    return False
  images = all(pathlib.PurePath(text).suffix.lower() in _IMAGES for text in texts)
  return images or not _some_repeat(texts) or _all_numbers(texts)


def _is_row_number(cells: Cells, roles: dict[str, int]) -> bool:
  """Whether identities and frames differ in all of several rows."""
  differ = not _some_repeat(cells.texts(roles['person'])) and len(cells.rows) > 1
  return differ and not ('frame' in roles and _some_repeat(cells.texts(roles['frame'])))


def _some_repeat(texts: Sequence[str]) -> bool:
  return len(set(texts)) < len(texts)


def _all_numbers(texts: Sequence[str]) -> bool:
  try:
    return all(math.isfinite(float(text.replace(',', '.'))) for text in texts if text)
  except ValueError:
    return False


def _texts(cells: Cells, columns: Columns, role: str) -> list[str]:
  if role not in columns.roles:
    return [''] * len(cells.rows)
  return cells.texts(columns.roles[role])


def _mostly_numbers(texts: Sequence[str]) -> bool:
  return 2 * sum(_all_numbers([text]) for text in texts) > len(texts)


def _times(texts: Sequence[str]) -> list[float] | None:
  """Times in any unit, or times of day in seconds; None if there is anything else."""
  times = [_seconds(text) for text in texts]
  known = [time for time in times if time is not None and math.isfinite(time)]
  return known if len(known) == len(texts) else None


def _seconds(text: str) -> float | None:
  """33.4 for '33,4', 3723.5 for '1:02:03.5', seconds since 1970 for a date and time."""
  text = text.replace(',', '.')
  with contextlib.suppress(ValueError):
    return float(text)
  if match := re.fullmatch(r'(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)', text):
    return 3600 * int(match[1] or 0) + 60 * int(match[2]) + float(match[3])
  try:
    time = datetime.datetime.fromisoformat(text.removesuffix('Z'))
  except ValueError:
    return None
  return time.replace(tzinfo=datetime.UTC).timestamp()


def _numbers_of_times(times: Sequence[float]) -> list[int]:
  """Frame numbers by regular steps of time; by order alone if steps are irregular."""
  distinct = sorted(set(times))
  steps = [b - a for a, b in itertools.pairwise(distinct)]
  if steps:
    step = float(np.median(steps))
    exact = (np.array(times) - distinct[0]) / step
    numbers = np.round(exact).astype(int)
    if np.abs(exact - numbers).max() < _LARGEST_JITTER and len(set(numbers)) == len(
      distinct
    ):
      return numbers.tolist()
  return [distinct.index(time) for time in times]
