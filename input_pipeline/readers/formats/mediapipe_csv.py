"""MediaPipe landmarks in a CSV file: one line per frame, or one line per landmark."""

from __future__ import annotations

import csv
import io
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.skeletons.registry import Skeleton

_FRAME = ('frame', 'frame_number', 'frame_id', 'frame_index', 'frame_idx', 'frame_num')
_PERSON = ('person', 'person_id', 'pose')
_LANDMARK = ('landmark', 'landmark_id', 'landmark_index', 'landmark_name', 'joint')
_AXES = {'x': 0, 'y': 1, 'v': 2, 'vis': 2, 'visibility': 2}
# 'x12', 'nose_x', 'x_nose', 'landmark_12_x'.
_AXIS = r'(x|y|z|v|vis|visibility|presence)'
_COLUMNS = (
  re.compile(rf'{_AXIS}_?(?:landmark_)?(?P<number>\d+)'),
  re.compile(rf'{_AXIS}_(?P<name>[a-z]\w*)'),
  re.compile(rf'(?:landmark_?)?(?P<number>\d+)_{_AXIS}'),
  re.compile(rf'(?P<name>[a-z]\w*?)_{_AXIS}'),
)

_Rows = list[tuple[int, dict[str, str]]]


def read_landmarks(
  path: pathlib.Path, skeleton: Skeleton
) -> dict[int, Float[np.ndarray, 'm j 3']]:
  """Reads everyone's (x, y, visibility) by frame number; missing values are NaN.

  Raises:
    PoseDataError: naming the file, the line and the column.
  """
  columns, rows = _read_rows(path)
  if _first(_LANDMARK, columns) and {'x', 'y'} <= set(columns):
    places = _LinePerLandmark(columns, skeleton, path)
  else:
    places = _LinePerFrame(columns, skeleton, path)
  frame_column, person_column = _first(_FRAME, columns), _first(_PERSON, columns)
  if frame_column is None and (person_column or isinstance(places, _LinePerLandmark)):
    raise PoseDataError(
      f'{path} has no column frame, but needs one to say which frame each line is of'
    )
  people: dict[int, dict[str, np.ndarray]] = {}
  for place, (line, row) in enumerate(rows):
    where = f'{path}, line {line}'
    number = place
    if frame_column is not None:
      number = _whole(row[frame_column], f'{where}: {frame_column}')
    frame = people.setdefault(number, {})
    person = row[person_column] if person_column else ''
    if person not in frame:
      frame[person] = np.full((skeleton.num_joints, 3), np.nan)
    for column, joint, axis in places.of(row, where):
      frame[person][joint, axis] = _number(row[column], f'{where}: {column}')
  return {number: np.stack(list(frame.values())) for number, frame in people.items()}


class _LinePerFrame:
  """Assigns a line's values to joints, if a line holds all landmarks of a person."""

  def __init__(self, columns: Sequence[str], skeleton: Skeleton, path: pathlib.Path):
    keys = [(column, *key) for column in columns if (key := _landmark_column(column))]
    named = [key for _, key, _ in keys if not key.isdecimal()]
    unknown = [key for key in named if key not in skeleton.joints]
    if unknown:
      raise PoseDataError(
        f'{path} has columns for {unknown[0]!r}, which skeleton {skeleton.name!r} does'
        f' not have; its joints are {", ".join(skeleton.joints)}'
      )
    from_one = '0' not in {key.lstrip('0') or '0' for _, key, _ in keys}
    self._places = [
      (column, _index(key, skeleton, from_one), _AXES[axis])
      for column, key, axis in keys
      if axis in _AXES
    ]
    found = {(joint, axis) for _, joint, axis in self._places}
    needed = {(j, a) for j in range(skeleton.num_joints) for a in (0, 1)}
    more = {joint for joint, _ in found if joint >= skeleton.num_joints}
    if needed - found or more:
      raise PoseDataError(
        f'{path} has columns for {len({joint for joint, _ in found})} landmarks, but'
        f' needs x and y for each of the {skeleton.num_joints} joints of skeleton'
        f' {skeleton.name!r}, named in its first line: x0, y0, x1, ..., or nose_x,'
        ' nose_y, ...'
      )

  def of(self, row: Mapping[str, str], where: str) -> list[tuple[str, int, int]]:
    """(column, joint, axis) for each of a line's values."""
    del row, where
    return self._places


class _LinePerLandmark:
  """Assigns a line's values to a joint, if a line holds one landmark."""

  def __init__(self, columns: Sequence[str], skeleton: Skeleton, path: pathlib.Path):
    del path
    self._column = _first(_LANDMARK, columns)
    self._axes = [(c, _AXES[c]) for c in columns if c in _AXES]
    self._skeleton = skeleton

  def of(self, row: Mapping[str, str], where: str) -> list[tuple[str, int, int]]:
    """(column, joint, axis) for each of a line's values."""
    assert self._column is not None
    key = row[self._column].strip().lower()
    joints = self._skeleton.joints
    joint = int(key) if key.isdecimal() else joints.index(key) if key in joints else -1
    if not 0 <= joint < len(joints):
      raise PoseDataError(
        f'{where}: skeleton {self._skeleton.name!r} has no landmark {key!r}; give a'
        f' number in 0..{len(joints) - 1} or one of {", ".join(joints)}'
      )
    return [(column, joint, axis) for column, axis in self._axes]


def _read_rows(path: pathlib.Path) -> tuple[list[str], _Rows]:
  """Column names in lower case, and each line's number and values by column."""
  try:
    lines = csv.reader(io.StringIO(text_files.read_text(path)))
    columns = [name.strip().lower() for name in next(lines, [])]
    rows = [(lines.line_num, line) for line in lines if line]
  except csv.Error as error:
    raise PoseDataError(f'{path} is not a readable table: {error}') from error
  for number, line in rows:
    if len(line) != len(columns):
      raise PoseDataError(
        f'{path}, line {number} has {len(line)} values, but needs one for each of the'
        f' {len(columns)} columns'
      )
  if not rows:
    raise PoseDataError(
      f'{path} has no line below the first, which names the columns; it needs at least'
      ' one'
    )
  return columns, [(n, dict(zip(columns, line, strict=True))) for n, line in rows]


def _first(names: Sequence[str], columns: Sequence[str]) -> str | None:
  return next((name for name in names if name in columns), None)


def _landmark_column(column: str) -> tuple[str, str] | None:
  """(landmark's number or name, axis) for a column; None if it holds no landmark."""
  for pattern in _COLUMNS:
    match = pattern.fullmatch(column)
    if match:
      groups = match.groupdict()
      axis = next(g for g in match.groups() if g not in groups.values())
      return groups.get('number') or groups.get('name') or '', axis
  return None


def _index(key: str, skeleton: Skeleton, from_one: bool) -> int:
  return int(key) - from_one if key.isdecimal() else skeleton.joints.index(key)


def _whole(text: str, where: str) -> int:
  number = _number(text, where)
  if not number.is_integer():  # Also refuses NaN.
    raise PoseDataError(f'{where} is {text!r}, but must be a whole number')
  return int(number)


def _number(text: str, where: str) -> float:
  """Parses a number; empty text is NaN."""
  try:
    return float(text) if text.strip() else np.nan
  except ValueError:
    raise PoseDataError(f'{where} is {text!r}, but must be a number') from None
