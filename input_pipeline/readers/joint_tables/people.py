"""Tables in which each person has columns of their own: person0_nose_x, person1_nose_x."""

from __future__ import annotations

import re

from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.columns import read_columns

_PERSON = re.compile(
  r'((?:person|people|p|id|individual|ind|subject|player|human|track|animal|skeleton|pose'
  r'|body)_\d+)_(.+)'
)


def one_row_per_person(cells: Cells) -> Cells:
  """A table with a row for each person of a row; the same table if it has no such columns.

  All points must belong to a person, and everyone must have the same points.
  """
  columns = read_columns(cells.columns)
  people: dict[str, dict[str, dict[str, int]]] = {}
  for point, axes in columns.points.items():
    match = _PERSON.fullmatch(point)
    if match is None:
      return cells
    people.setdefault(match[1], {})[match[2]] = dict(axes)
  everyone = list(people.values())
  if not everyone or any(_header(one) != _header(everyone[0]) for one in everyone):
    return cells
  taken = {place for axes in columns.points.values() for place in axes.values()}
  others = [i for i in range(len(cells.columns)) if i not in taken]
  counted = {'frame', 'image', 'time'} & columns.roles.keys()
  added = ['person'] if counted else ['person', 'frame']
  rows, lines = [], []
  for number, (row, line) in enumerate(zip(cells.rows, cells.lines, strict=True)):
    for name, points in people.items():
      own = [
        row[place] for axes in points.values() for _, place in sorted(axes.items())
      ]
      key = [name] if counted else [name, str(number)]
      rows.append((*(row[i] for i in others), *key, *own))
      lines.append(line)
  header = (*(cells.columns[i] for i in others), *added, *_header(everyone[0]))
  return Cells(cells.path, header, tuple(rows), tuple(lines))


def _header(points: dict[str, dict[str, int]]) -> tuple[str, ...]:
  return tuple(
    f'{point}_{axis}' for point, axes in points.items() for axis in sorted(axes)
  )
