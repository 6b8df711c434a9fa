"""Which columns, or which rows, of a table are which joints of a skeleton."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence, Set
from typing import ClassVar

import numpy as np
from jaxtyping import Int

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.columns import (
  Columns,
  is_plain_prefix,
  numbered,
  read_columns,
  without_prefix,
  words_of,
)
from input_pipeline.readers.joint_tables.people import one_row_per_person
from input_pipeline.skeletons.joint_names import arrange, plain, skeletons_of_size
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

_LENGTHS = ('mm', 'cm', 'm', 'meter', 'meters', 'metre', 'metres', 'millimeters')


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
  """How a table's cells become joints.

  Attributes:
    places: the columns of x, y and score, `NO_COLUMN` if there is no score; for
      each joint, or one row for all joints if the table has a row per joint.
    joints: if the table has a row per joint, the joint's index by the text in its
      column; None if a row holds all joints. A joint that is left out has no entry.
    notes: what was doubtful about the choice.
    noted: columns of further joints, which a note names.
  """

  places: Int[np.ndarray, 'j 3']
  joints: Mapping[str, int] | None
  notes: tuple[Note, ...]
  noted: frozenset[int] = frozenset()

  NO_COLUMN: ClassVar[int] = -1


def find_layout(
  cells: Cells, columns: Columns, skeleton: Skeleton, *, trust_order: bool
) -> Layout:
  """Finds the skeleton's joints among a table's columns or rows.

  Raises:
    PoseDataError: if not all joints are there, or it is not clear which is which.
  """
  where = f'{cells.path}: the table'
  if columns.is_long:
    points = _points_of_rows(cells, columns)
    choice = _choose(
      list(dict.fromkeys(points.values())), skeleton, where, trust_order=trust_order
    )
    joints = {text: choice.index(p) for text, p in points.items() if p in choice.points}
    return Layout(_places(columns, ['']), joints, choice.notes)
  if not columns.points:
    check_units(cells)
    raise PoseDataError(
      f'{cells.path} has no columns of joints, such as x0, y0, x1, ..., or nose_x,'
      f' nose_y, ...; its columns are {_listed(cells.columns, 6)}'
    )
  choice = _choose(list(columns.points), skeleton, where, trust_order=trust_order)
  return Layout(
    _places(columns, choice.points),
    None,
    choice.notes,
    frozenset(place for p in choice.noted for place in columns.points[p].values()),
  )


def check_units(cells: Cells):
  """Checks that no positions are stated in units of length.

  Raises:
    PoseDataError: naming such a column.
  """
  for name in cells.columns:
    words = words_of(name)
    if len(words) > 2 and words[-1] in _LENGTHS and words[-2] in ('x', 'y', 'z'):
      raise PoseDataError(
        f'{cells.path}: column {name} is in {words[-1]}, so these are 3-D positions, but'
        ' the library reads positions in the image, in pixels; give 2-D poses'
      )


def joint_names(cells: Cells) -> tuple[str, ...]:
  """Names of the joints in a table, in its order; empty if joints are numbered.

  Other points, such as a box's centre, are left out.
  """
  cells = one_row_per_person(cells)
  columns = read_columns(cells.columns)
  points = columns.points if not columns.is_long else _points_of_rows(cells, columns)
  known = _known()
  names = [_spelled(point, known) for point in dict.fromkeys(points)]
  return tuple(name for name in names if plain(name) in known)


def unread_note(cells: Cells, columns: Columns, layout: Layout) -> tuple[Note, ...]:
  """A note that names the columns of which nothing is read."""
  read = {*columns.roles.values(), *columns.videos, *columns.silent}
  if not columns.is_long:
    read.discard(columns.roles.get('joint', Layout.NO_COLUMN))
  read |= {*layout.places.ravel().tolist(), *layout.noted}
  names = [n for i, n in enumerate(cells.columns) if i not in read]
  if not names:
    return ()
  return (
    Note(
      'columns_not_read',
      f'{cells.path}: columns not read: {_listed(names, 8)}; they hold neither joints of'
      ' the skeleton nor anything else that is known by its name',
    ),
  )


def depth_note(cells: Cells) -> tuple[Note, ...]:
  """A note if joints have a third coordinate."""
  depths = [
    name
    for name in cells.columns
    if (words := words_of(name)) and len(words) > 1 and 'z' in (words[0], words[-1])
  ]
  if not depths:
    return ()
  return (
    Note(
      'depth_dropped',
      f'{cells.path}: the third coordinate ({_listed(depths, 2)}) is not read; x and y'
      ' are read as pixels of the image. Positions in space, in any unit, are not read',
    ),
  )


@dataclasses.dataclass(frozen=True)
class _Choice:
  """The point for each joint, what was doubtful, and further points that a note names."""

  points: list[str]
  notes: tuple[Note, ...] = ()
  noted: tuple[str, ...] = ()

  def index(self, point: str) -> int:
    return self.points.index(point)


def _choose(
  points: Sequence[str], skeleton: Skeleton, where: str, *, trust_order: bool
) -> _Choice:
  exact = {_squashed(joint): joint for joint in skeleton.joints}
  numbers = [p for p in points if numbered(p) and _squashed(p) not in exact]
  found = _by_number(numbers, skeleton, where)
  if found is not None:
    return found
  names = [point for point in points if point not in numbers]
  if not names:
    raise PoseDataError(_wrong_number(numbers, skeleton, where))
  known = _known()
  arrangement = arrange(
    [exact.get(_squashed(point)) or _spelled(point, known) for point in names],
    skeleton,
    trust_order=trust_order,
    where=where,
  )
  chosen = [names[column] for column in arrangement.columns]
  return _Choice(chosen, arrangement.notes, tuple(n for n in names if n not in chosen))


def _points_of_rows(cells: Cells, columns: Columns) -> dict[str, str]:
  """The point that each text in the column of joints names, in the table's order."""
  texts = dict.fromkeys(cells.texts(columns.roles['joint']))
  return {text: '_'.join(words_of(text)) for text in texts}


def _by_number(points: Sequence[str], skeleton: Skeleton, where: str) -> _Choice | None:
  """The numbered points, if there is one for each joint; else None."""
  families: dict[str, dict[int, str]] = {}
  for point in points:
    prefix, number = numbered(point) or ('', 0)
    families.setdefault(prefix, {})[number] = point
  complete = [
    [family[number] for number in sorted(family)]
    for prefix, family in families.items()
    if is_plain_prefix(prefix)
    and min(family) in (0, 1)
    and max(family) - min(family) == len(family) - 1
  ]
  choice = JointChoice(skeleton, where)
  fitting = [family for family in complete if choice.fits(len(family))]
  if len(fitting) > 1:
    raise PoseDataError(
      f'{where} has all joints twice, from {fitting[0][0]!r} and from {fitting[1][0]!r}'
      ' on; remove the columns of one'
    )
  if not fitting:
    return None
  chosen = choice.of(np.array(fitting[0]), where).tolist()
  left_out = tuple(point for point in fitting[0] if point not in chosen)
  return _Choice(chosen, choice.notes, left_out)


def _wrong_number(points: Sequence[str], skeleton: Skeleton, where: str) -> str:
  return (
    f'{where} has x and y for {len(points)} numbered joints ({_listed(points, 3)}), but'
    f' skeleton {skeleton.name!r} has {skeleton.num_joints}, numbered from 0 or'
    f' 1{skeletons_of_size(len(points))}'
  )


def _places(columns: Columns, points: Sequence[str]) -> Int[np.ndarray, 'j 3']:
  axes = [columns.points[point] for point in points]
  return np.array(
    [[a['x'], a['y'], a.get('score', Layout.NO_COLUMN)] for a in axes], np.int64
  )


def _spelled(point: str, known: Set[str]) -> str:
  """A joint's name, without a prefix if that makes it a name that is known."""
  short = without_prefix(point)
  better = short != point and plain(short) in known and plain(point) not in known
  return short if better else point


def _known() -> set[str]:
  return {plain(joint) for s in SKELETONS.values() for joint in s.joints}


def _squashed(name: str) -> str:
  return re.sub(r'[\W_]+', '', name).lower()


def _listed(names: Sequence[str], most: int) -> str:
  more = f' and {len(names) - most} more' if len(names) > most else ''
  return ', '.join(names[:most]) + more
