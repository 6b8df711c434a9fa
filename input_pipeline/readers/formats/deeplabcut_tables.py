"""DeepLabCut's tables, whose columns have three or four names, as .csv or .h5."""

from __future__ import annotations

import csv
import io
import pathlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files import hdf5, safe_pickle

_LEVELS = ('scorer', 'individuals', 'bodyparts', 'coords')


class Key(NamedTuple):
  """The names of a column; the individual is '' in a table of one person."""

  scorer: str
  individual: str
  bodypart: str
  coordinate: str


class Table(NamedTuple):
  """A table of numbers.

  Attributes:
    columns: names of the columns.
    index: a frame number, or an image's path, for each row.
    values: NaN where empty.
  """

  columns: tuple[Key, ...]
  index: tuple[str, ...]
  values: Float[np.ndarray, 't c']


def read_csv(path: pathlib.Path) -> Table:
  """Reads a table that is separated by commas, semicolons or tabs.

  Raises:
    PoseDataError: naming the file and the line.
  """
  text = text_files.read_text(path)
  match = re.match(r'\s*"?(?:scorer|individuals|bodyparts)"?([,;\t])', text)
  if not match:
    first = text.partition('\n')[0][:60]
    raise PoseDataError(
      f"{path} begins with {first!r}, but a table of DeepLabCut begins with 'scorer'"
    )
  separator = match[1]
  try:
    lines = csv.reader(io.StringIO(text), delimiter=separator)
    rows = [(lines.line_num, row) for row in lines if any(row)]
  except csv.Error as error:
    raise PoseDataError(f'{path} is not a readable table: {error}') from error
  header: dict[str, list[str]] = {}
  while rows and rows[0][1][0].strip() in _LEVELS:
    name, *names = rows.pop(0)[1]
    header[name.strip()] = _trimmed(names)
  if not {'bodyparts', 'coords'} <= set(header) or not rows:
    raise PoseDataError(
      f'{path} has the header lines {", ".join(header)} and {len(rows)} rows, but needs'
      ' scorer, bodyparts and coords, and at least one row'
    )
  # Paths of images may take several columns, which have no names.
  start = next((i for i, name in enumerate(header['coords']) if name.strip()), 0)
  for level in ('scorer', 'individuals'):  # pandas can drop a level.
    header.setdefault(level, [''] * len(header['coords']))
  lengths = {name: len(names) for name, names in header.items()}
  if len(set(lengths.values())) > 1:
    raise PoseDataError(f'{path}: header lines differ in length: {lengths}')
  columns = tuple(
    Key(*(name.strip() for name in names))
    for names in zip(*(header[level][start:] for level in _LEVELS), strict=True)
  )
  decimal = '.' if separator == ',' else ','
  return Table(
    columns=columns,
    index=tuple('/'.join(row[: start + 1]) for _, row in rows),
    values=np.array(
      [
        _numbers(
          _trimmed(row[start + 1 :], len(columns)),
          len(columns),
          decimal,
          f'{path}, line {line}',
        )
        for line, row in rows
      ]
    ),
  )


def read_hdf5(path: pathlib.Path) -> Table:
  """Reads a table that pandas wrote, in its form 'table' or 'fixed'.

  pandas itself is not used, because it runs the programs in a file's pickles.

  Raises:
    PoseDataError: naming the file.
    MissingExtraError: if h5py is not installed.
  """
  with hdf5.open_hdf5(path) as file:
    groups = [group for group in file.values() if 'pandas_type' in group.attrs]
    if len(groups) != 1:
      raise PoseDataError(
        f'{path} has {len(groups)} tables of pandas, but needs one, as DeepLabCut writes'
        f'; it has {", ".join(file) or "nothing"}'
        + ("; read SLEAP's with --format=sleap" if 'tracks' in file else '')
      )
    kind = _text(groups[0].attrs['pandas_type'])
    if kind == 'frame_table':
      return _appendable_table(groups[0], path)
    if kind == 'frame' and _text(groups[0].attrs.get('axis0_variety', '')) == 'multi':
      return _fixed_table(groups[0])
    raise PoseDataError(
      f"{path}: the table has the form {kind!r}, which is not DeepLabCut's; read its .csv"
      ' file'
    )


def _appendable_table(group: Any, path: pathlib.Path) -> Table:
  table = group['table']
  blocks = [name for name in table.dtype.names if name.startswith('values_block_')]
  columns = [
    column
    for block in blocks
    for column in safe_pickle.loads(table.attrs[f'{block}_kind'], path)
  ]
  content = table[:]
  return Table(
    columns=tuple(_key(column) for column in columns),
    index=tuple(_text(value) for value in content['index']),
    values=np.concatenate([content[block] for block in blocks], axis=1).astype(
      np.float64
    ),
  )


def _fixed_table(group: Any) -> Table:
  count = int(group.attrs['axis0_nlevels'])
  columns, values = [], []
  for block in range(int(group.attrs['nblocks'])):
    names = f'block{block}_items'
    levels = [
      [_text(group[f'{names}_level{level}'][i]) for i in labels]
      for level in range(count)
      for labels in [group[f'{names}_label{level}'][:]]
    ]
    columns += [_key(column) for column in zip(*levels, strict=True)]
    values.append(group[f'block{block}_values'][:])
  return Table(
    columns=tuple(columns),
    index=tuple(_text(value) for value in group['axis1'][:]),
    values=np.concatenate(values, axis=1).astype(np.float64),
  )


def _key(names: Sequence[Any]) -> Key:
  texts = [_text(name) for name in names]
  scorer, *individual, bodypart, coordinate = texts
  return Key(scorer, individual[0] if individual else '', bodypart, coordinate)


def _trimmed(cells: list[str], least: int = 0) -> list[str]:
  """Cells without empty ones at the right, as far as there are more than `least`."""
  count = len(cells)
  while count > least and not cells[count - 1].strip():
    count -= 1
  return cells[:count]


def _numbers(cells: list[str], count: int, decimal: str, where: str) -> list[float]:
  if len(cells) != count:
    raise PoseDataError(
      f'{where} has {len(cells)} numbers, but needs one for each of the {count} columns'
    )
  try:
    return [float(c.replace(decimal, '.')) if c.strip() else np.nan for c in cells]
  except ValueError as error:
    raise PoseDataError(f'{where} must be numbers: {error}') from None


def _text(value: Any) -> str:
  return value.decode() if isinstance(value, bytes) else str(value)
