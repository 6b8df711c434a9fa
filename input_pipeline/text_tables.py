"""Reads CSV files row by row, so that one bad line costs no other line.

A quote that is never closed would swallow the lines after it. Here only its own line is
affected: a record over several lines is kept if it is well-formed and has as many
fields as the first row, otherwise its first line stands alone.
"""

from __future__ import annotations

import csv
import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError, shortened

# Spreadsheets in much of Europe separate columns by semicolons.
DELIMITERS = (',', ';', '\t')


_LONGEST = 500  # Characters of all columns in a message.


class Row(NamedTuple):
  """One record.

  Attributes:
    line: number of its first line in the file, from 1.
    fields: its fields, without spaces around them.
  """

  line: int
  fields: tuple[str, ...]


def rows(text: str, delimiter: str = ',') -> Iterator[Row]:
  """Yields the rows of a CSV text; skips rows without any text."""
  lines = text.split('\n')
  start, width = 0, None
  while start < len(lines):
    fields, end = _record(lines, start, delimiter, width)
    if any(fields):
      yield Row(start + 1, fields)
      width = width or len(fields)
    start = end


def _record(
  lines: Sequence[str], start: int, delimiter: str, width: int | None
) -> tuple[tuple[str, ...], int]:
  """The record that begins at a line, and the line after it."""
  if '"' not in lines[start]:
    return _stripped(lines[start].split(delimiter)), start + 1
  count = 0

  def following() -> Iterator[str]:
    nonlocal count
    for index in range(start, len(lines)):
      count += 1
      yield f'{lines[index]}\n'

  try:
    fields = _stripped(next(csv.reader(following(), delimiter=delimiter, strict=True)))
    if count == 1 or len(fields) == width:
      return fields, start + count
  except (csv.Error, StopIteration):  # Not closed, or text after the closing quote.
    pass
  try:
    return _stripped(next(csv.reader([lines[start]], delimiter=delimiter))), start + 1
  except csv.Error:  # A field of more than 128 KiB.
    return (lines[start],), start + 1


def _stripped(fields: Sequence[str]) -> tuple[str, ...]:
  return tuple(field.strip() for field in fields)


@dataclasses.dataclass(frozen=True)
class Table:
  """A CSV file with column names in its first row.

  Attributes:
    path: the file.
    columns: the column names.
    rows: the other rows; each has as many fields as there are columns, or fewer.
    too_long: rows with more text than columns.
    delimiter: the character between columns.
    encoding: the encoding that fits, see `text_files.Text`.
  """

  path: pathlib.Path
  columns: tuple[str, ...]
  rows: tuple[Row, ...]
  too_long: tuple[Row, ...]
  delimiter: str
  encoding: str

  def field(self, row: Row, column: str) -> str | None:
    """The row's text in a column; None if the row ends before it."""
    place = self.columns.index(column)
    return row.fields[place] if place < len(row.fields) else None


def read_table(path: pathlib.Path, needs: Sequence[str] = ()) -> Table:
  """Reads a CSV file whose first row names its columns.

  Args:
    needs: the columns that tell which delimiter fits.

  Raises:
    PoseDataError: if the file cannot be read, or lacks one of the columns.
  """
  text = text_files.read(path)
  first = next(rows(text.content), Row(1, ()))
  delimiter = ','
  for candidate in DELIMITERS:
    names = next(rows(text.content, candidate), Row(1, ()))
    if set(needs) <= set(names.fields):
      first, delimiter = names, candidate
      break
  else:
    found = shortened(', '.join(filter(None, first.fields)), _LONGEST) or 'none'
    raise PoseDataError(f'{path} has the columns {found}, but needs {", ".join(needs)}')
  columns = _without_empty_ends(first.fields)
  found = [
    Row(row.line, _without_empty_ends(row.fields, len(columns)))
    for row in rows(text.content, delimiter)
  ][1:]
  return Table(
    path=path,
    columns=columns,
    rows=tuple(row for row in found if len(row.fields) <= len(columns)),
    too_long=tuple(row for row in found if len(row.fields) > len(columns)),
    delimiter=delimiter,
    encoding=text.encoding,
  )


def _without_empty_ends(fields: tuple[str, ...], least: int = 0) -> tuple[str, ...]:
  """Drops empty fields from the end, down to the given number."""
  count = len(fields)
  while count > least and not fields[count - 1]:
    count -= 1
  return fields[:count]
