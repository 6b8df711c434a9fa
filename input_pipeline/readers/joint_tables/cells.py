"""A table's cells as text, whichever way a program or a spreadsheet wrote them."""

from __future__ import annotations

import csv
import dataclasses
import io
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.read_once import read_once
from input_pipeline.text_files import read_text

_DELIMITERS = ('\t', ';', ',', '|')
# How programs write that there is no number.
_NO_NUMBER = frozenset(
  ('', '-', '--', 'na', 'n/a', '#n/a', '<na>', 'nan', 'none', 'null', 'nil', 'missing')
)


@dataclasses.dataclass(frozen=True, eq=False)
class Cells:
  """A table.

  Attributes:
    path: the file.
    columns: names of the columns as written, without spaces around them.
    rows: each row's cells as text.
    lines: each row's line in the file, counted from 1.
  """

  path: pathlib.Path
  columns: tuple[str, ...]
  rows: tuple[tuple[str, ...], ...]
  lines: tuple[int, ...]

  def where(self, row: int, column: int | None = None) -> str:
    """The file, a row's line, and a column, for messages."""
    name = '' if column is None else f': {self.columns[column]}'
    return f'{self.path}, line {self.lines[row]}{name}'

  def without_empty_rows(self) -> Cells:
    """The table without rows of which no cell holds anything."""
    kept = [i for i, row in enumerate(self.rows) if any(map(str.strip, row))]
    rows = tuple(self.rows[i] for i in kept)
    return dataclasses.replace(
      self, rows=rows, lines=tuple(self.lines[i] for i in kept)
    )

  def texts(self, column: int) -> list[str]:
    """A column's cells without spaces around them."""
    return [row[column].strip() for row in self.rows]

  def numbers(
    self, columns: Sequence[int], rows: Sequence[int]
  ) -> Float[np.ndarray, 'r c']:
    """Numbers in some columns of some rows; an empty cell is NaN.

    Raises:
      PoseDataError: naming the line and the column of a cell that is no number.
    """
    values = np.empty((len(rows), len(columns)), np.float64)
    for i, row in enumerate(rows):
      cells = self.rows[row]
      for k, column in enumerate(columns):
        try:
          values[i, k] = float(cells[column])
        except ValueError:
          values[i, k] = self._number(row, column)
    return values

  def whole(self, row: int, column: int) -> int:
    """A whole number.

    Raises:
      PoseDataError: naming the line and the column, if the cell is anything else.
    """
    number = float(self.numbers([column], [row])[0, 0])
    if not number.is_integer():  # Also refuses NaN.
      raise PoseDataError(
        f'{self.where(row, column)} is {self.rows[row][column]!r}, but must be a whole'
        ' number'
      )
    return int(number)

  def _number(self, row: int, column: int) -> float:
    """Parses what `float` does not: no number, and decimal commas."""
    text = self.rows[row][column].strip()
    if text.lower() in _NO_NUMBER:
      return np.nan
    try:
      return float(_decimal_point(text))
    except ValueError:
      raise PoseDataError(
        f'{self.where(row, column)} is {text!r}, but must be a number'
      ) from None


@read_once
def read_cells(path: pathlib.Path) -> Cells:
  """Reads a table whose first line names the columns.

  The delimiter is a tab, a semicolon, a comma, a bar or spaces; numbers may have decimal
  commas. Empty lines, and empty columns at the right, are skipped.

  Raises:
    PoseDataError: if the file cannot be read, has no names or no row, or a row has
      another number of cells.
  """
  lines, delimiter = _table_lines(read_text(path))
  reader = csv.reader(
    io.StringIO('\n'.join(lines)),
    delimiter=delimiter,
    skipinitialspace=delimiter == ' ',
  )
  try:
    rows = [(reader.line_num, row) for row in reader]
  except csv.Error as error:
    raise PoseDataError(f'{path} is not a readable table: {error}') from error
  # A line of delimiters alone is a frame without people, but an empty line is nothing.
  return _checked(path, [(n, row) for n, row in rows if len(row) > 1 or any(row)])


def _table_lines(text: str) -> tuple[list[str], str]:
  """A file's lines, those before the table empty, and the delimiter.

  Spreadsheets write the delimiter before the table (`sep=;`), programs write comments
  (`# ...`), of which the last may be the names of the columns.
  """
  lines = text.split('\n')
  stated = ''
  for place, line in enumerate(lines):
    following = lines[place + 1].strip() if place + 1 < len(lines) else ''
    if match := re.fullmatch(r'\ufeff?"?sep=(.)"?', line.strip(), re.IGNORECASE):
      stated = match[1]
    elif line.lstrip().startswith('#') and re.match(r'["\d.+-]', following):
      lines[place] = line.lstrip()[1:]
      break
    elif line.strip() and not line.lstrip().startswith('#'):
      break
    lines[place] = ''
  header = next((line for line in lines if line.strip()), '')
  counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
  likeliest = max(counts, key=lambda delimiter: counts[delimiter])
  return lines, stated or (likeliest if counts[likeliest] else ' ')


def _checked(path: pathlib.Path, rows: list[tuple[int, list[str]]]) -> Cells:
  """Checks that each row has one cell per column."""
  if len(rows) < 2:
    raise PoseDataError(
      f'{path} has no line below the first, which names the columns; it needs at least'
      ' one'
    )
  columns = _trimmed(list(map(str.strip, rows[0][1])), 0)
  _check_names(path, columns)
  table = [(line, _trimmed(row, len(columns))) for line, row in rows[1:]]
  for line, row in table:
    if len(row) != len(columns):
      raise PoseDataError(
        f'{path}, line {line} has {len(row)} values, but needs one for each of the'
        f' {len(columns)} columns'
      )
  lines, cells = zip(*table, strict=True)
  return Cells(path, tuple(columns), tuple(map(tuple, cells)), lines)


def _trimmed(row: list[str], least: int) -> list[str]:
  """A row without empty cells at the right, as far as it has more than `least`."""
  length = len(row)
  while length > least and not row[length - 1].strip():
    length -= 1
  return row[:length]


def _check_names(path: pathlib.Path, columns: Sequence[str]):
  if [name.lower() for name in columns[:1]] in (['scorer'], ['bodyparts']):
    raise PoseDataError(
      f"{path} is DeepLabCut's table, whose first lines are scorer, bodyparts and coords;"
      ' read it with --format=deeplabcut'
    )
  if columns and all(re.fullmatch(r'[-+\d.,eE\s]+', name) for name in columns if name):
    raise PoseDataError(
      f'{path} begins with numbers ({", ".join(columns[:3])}), but its first line must'
      ' name the columns: x0, y0, x1, ..., or nose_x, nose_y, ...'
    )


def _decimal_point(text: str) -> str:
  """A number with a decimal point; the other sign separates thousands."""
  if '.' in text and ',' in text:
    thousands = ',' if text.rindex('.') > text.rindex(',') else '.'
    text = text.replace(thousands, '')
  return text.replace(',', '.')  # Two commas are no number.
