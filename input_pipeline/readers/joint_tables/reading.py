"""Reads the videos in a table of joints, as a `VideoFormat` needs them."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.poses.tracking import UNKNOWN
from input_pipeline.readers.joint_tables.cells import Cells, read_cells
from input_pipeline.readers.joint_tables.layout import (
  Layout,
  depth_note,
  find_layout,
  unread_note,
)
from input_pipeline.readers.joint_tables.rows import Rows, frame_numbers, read_rows
from input_pipeline.readers.joint_tables.videos import (
  TableVideo,
  split_note,
  split_rows,
)
from input_pipeline.readers.joints import Unit, scores_of_positions
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.table import DescribedParts, VideoPart
from input_pipeline.readers.visibility import scores_of_flags
from input_pipeline.skeletons.registry import Skeleton

# MediaPipe's landmarks always have a depth beside the position in the image.
_WITH_DEPTH = 'mediapipe_33'
# Everyone's joints by frame number, by their name and how often it was there before.
_Frames = dict[int, dict[tuple[str, int], np.ndarray]]


@dataclasses.dataclass(frozen=True, eq=False)
class JointTable:
  """A table, what its rows are, and its videos by name."""

  cells: Cells
  rows: Rows
  videos: dict[str, TableVideo]

  def video(self, name: str) -> TableVideo:
    """The video with this name; the only one in any case.

    Raises:
      PoseDataError: if there are several videos, and none has this name.
    """
    if len(self.videos) == 1:
      return next(iter(self.videos.values()))
    if name not in self.videos:
      raise PoseDataError(
        f'{self.cells.path} has no video {name!r}; the first of its'
        f' {len(self.videos)} videos are {", ".join(list(self.videos)[:3])}'
      )
    return self.videos[name]

  def notes(self) -> tuple[Note, ...]:
    """How the table was split."""
    return split_note(self.cells, self.rows, tuple(self.videos.values()))


def joint_table(cells: Cells) -> JointTable:
  """Finds frames, people and videos in a table.

  Raises:
    PoseDataError: if they are not clear.
  """
  cells, rows = read_rows(cells)
  return JointTable(cells, rows, {v.name: v for v in split_rows(cells, rows)})


def parts(path: pathlib.Path) -> DescribedParts:
  """The videos in a file by name.

  Raises:
    PoseDataError: if the table cannot be read.
  """
  table = _table(path)
  found = {
    name: VideoPart(
      labels=(video.label,) if video.label else (),
      splits=(video.split,) if video.split else (),
    )
    for name, video in table.videos.items()
  }
  return DescribedParts(found, table.notes())


def read_video(
  path: pathlib.Path, skeleton: Skeleton, part: str, options: ReadOptions, unit: Unit
) -> PosesByFrame:
  """Reads the people in each frame of one of a file's videos.

  Raises:
    PoseDataError: naming the file, the line and the column.
  """
  return read_part(_table(path), skeleton, part, options, unit)


def read_part(
  table: JointTable, skeleton: Skeleton, part: str, options: ReadOptions, unit: Unit
) -> PosesByFrame:
  """Reads the people in each frame of one of a table's videos, see `read_video`."""
  cells, rows = table.cells, table.rows
  layout = find_layout(cells, rows.columns, skeleton, trust_order=options.trust_order)
  of_video = table.video(part).rows
  numbers = frame_numbers(cells, rows, of_video)
  values = _values(cells, layout, of_video)
  if layout.joints is None:
    frames = _of_whole_rows(cells, rows, of_video, numbers, values)
  else:
    frames = _of_joint_rows(cells, rows, layout, of_video, numbers, values, skeleton)
  people, identities = _by_frame(frames, skeleton.num_joints)
  return PosesByFrame(
    people,
    skeleton.num_joints,
    identities if 'person' in rows.columns.roles else None,
    _frame_size(cells, rows, of_video),
    unit=unit,
    notes=(
      *layout.notes,
      *([] if rows.columns.is_long else _order_notes(cells, rows, of_video, numbers)),
      *unread_note(cells, rows.columns, layout),
      *(depth_note(cells) if unit == 'pixels' and skeleton.name != _WITH_DEPTH else ()),
    ),
  )


def _order_notes(
  cells: Cells, rows: Rows, of_video: Sequence[int], numbers: Sequence[int]
) -> tuple[Note, ...]:
  """A note if a person's rows are not in the order of their frames."""
  latest: dict[str, int] = {}
  for row, number in zip(of_video, numbers, strict=True):
    before = latest.get(rows.persons[row], number)
    if number < before:
      return (
        Note(
          'rows_sorted',
          f'{cells.path}, line {cells.lines[row]} goes back from frame {before} to'
          f' {number}; rows are put in the order of frames. If another video begins'
          ' there, give each its own text in a column video',
        ),
      )
    latest[rows.persons[row]] = number
  return ()


def _table(path: pathlib.Path) -> JointTable:
  return _of_cells(read_cells(path))


# `read_cells` returns the same object while the file is the same.
@functools.lru_cache(maxsize=1)
def _of_cells(cells: Cells) -> JointTable:
  return joint_table(cells)


def _values(
  cells: Cells, layout: Layout, rows: Sequence[int]
) -> Float[np.ndarray, 'r j 3']:
  """x, y and score in each row; the score is NaN if it is missing."""
  values = np.full((len(rows), *layout.places.shape), np.nan)
  for axis in range(3):
    given = layout.places[:, axis] != Layout.NO_COLUMN
    columns = layout.places[given, axis].tolist()
    values[:, given, axis] = cells.numbers(columns, rows)
  scores = scores_of_flags(values[..., 2])
  positions = scores_of_positions(values[..., :2])
  unstated = layout.places[:, 2] == Layout.NO_COLUMN
  if np.isnan(scores).all():
    unstated[:] = True
  values[..., 2] = np.where(unstated, positions, scores)
  return values


def _of_whole_rows(
  cells: Cells,
  rows: Rows,
  of_video: Sequence[int],
  numbers: Sequence[int],
  values: Float[np.ndarray, 'r j 3'],
) -> _Frames:
  """Everyone's joints by frame number and person, where a row holds all joints."""
  frames: _Frames = {}
  lines: dict[tuple[int, str], list[int]] = {}
  nameless = _nameless(rows, of_video)
  for row, number, joints in zip(of_video, numbers, values, strict=True):
    person = rows.persons[row]
    same = lines.setdefault((number, person), [])
    if same and person not in nameless:
      raise PoseDataError(_frame_twice(cells, rows, number, same[0], row))
    frames.setdefault(number, {})
    if np.isfinite(joints[:, :2]).all(axis=1).any():
      frames[number][person, len(same)] = joints
    same.append(row)
  return frames


def _nameless(rows: Rows, of_video: Sequence[int]) -> set[str]:
  """Texts in the column of persons that several people of a frame may have.

  These are empty cells, negative numbers, and the only number of the column: a tool
  that does not track people writes the same for everyone.
  """
  if 'person' not in rows.columns.roles:
    return set()
  texts = {rows.persons[row] for row in of_video}
  negative = {text for text in texts if not text or re.fullmatch(r'-\d+(\.0*)?', text)}
  only = texts if len(texts) == 1 and re.fullmatch(r'\d+(\.0*)?', min(texts)) else set()
  return negative | only


def _of_joint_rows(
  cells: Cells,
  rows: Rows,
  layout: Layout,
  of_video: Sequence[int],
  numbers: Sequence[int],
  values: Float[np.ndarray, 'r 1 3'],
  skeleton: Skeleton,
) -> _Frames:
  """Everyone's joints by frame number and person, where a row holds one joint."""
  assert layout.joints is not None
  frames: _Frames = {}
  lines: dict[tuple[int, str, int], int] = {}
  column = rows.columns.roles['joint']
  for row, number, (joint_values,) in zip(of_video, numbers, values, strict=True):
    person, text = rows.persons[row], cells.rows[row][column].strip()
    frame = frames.setdefault(number, {})
    if text not in layout.joints:
      continue
    joint = layout.joints[text]
    first = lines.setdefault((number, person, joint), row)
    if first != row:
      raise PoseDataError(_frame_twice(cells, rows, number, first, row))
    missing = np.full((skeleton.num_joints, 3), np.nan)
    frame.setdefault((person, 0), missing)[joint] = joint_values
  return frames


def _frame_twice(cells: Cells, rows: Rows, number: int, first: int, again: int) -> str:
  person = rows.persons[again]
  whose = f' of person {person}' if person else ''
  advice = (
    'give each video its own text in a column video'
    if person
    else 'give each video its own text in a column video, or each of several people'
    ' in a column person'
  )
  return (
    f'{cells.path}: frame {number}{whose} comes twice, in lines {cells.lines[first]} and'
    f' {cells.lines[again]}; {advice}'
  )


def _by_frame(
  frames: _Frames, num_joints: int
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
  """Joints and identities of everyone by frame number."""
  names = list(dict.fromkeys(name for frame in frames.values() for name, _ in frame))
  by_name = _identities(names)
  people = {
    number: np.reshape(list(frame.values()), (-1, num_joints, 3))
    for number, frame in frames.items()
  }
  identities = {
    number: np.array([by_name[name] for name, _ in frame], np.int64)
    for number, frame in frames.items()
  }
  return people, identities


def _identities(names: Sequence[str]) -> dict[str, int]:
  """Whole numbers as stated, other texts by their order; `UNKNOWN` if empty or < 0."""
  try:
    stated = {name: int(float(name)) if name else UNKNOWN for name in names}
    if all(float(name) == stated[name] for name in names if name):
      return {name: max(number, UNKNOWN) for name, number in stated.items()}
  except (ValueError, OverflowError):
    pass
  return {name: i if name else UNKNOWN for i, name in enumerate(names)}


def _frame_size(
  cells: Cells, rows: Rows, of_video: Sequence[int]
) -> tuple[int, int] | None:
  """(height, width) if the table states them, the same in all rows."""
  roles = rows.columns.roles
  if not {'height', 'width'} <= roles.keys():
    return None
  sizes = {
    (cells.whole(row, roles['height']), cells.whole(row, roles['width']))
    for row in of_video
  }
  if len(sizes) > 1 or min(min(size) for size in sizes) < 1:
    raise PoseDataError(
      f'{cells.path}: the columns {cells.columns[roles["height"]]} and'
      f' {cells.columns[roles["width"]]} have {sorted(sizes)[:2]}, but must have the'
      " frame's size, the same in all rows of a video"
    )
  return next(iter(sizes))
