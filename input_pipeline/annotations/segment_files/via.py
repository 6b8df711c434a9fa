"""Segments that the VGG Image Annotator (VIA 3) exported as CSV.

Lines that begin with `#` describe the attributes and name the columns. A segment has two
temporal coordinates, in seconds; one coordinate is a single frame, which is left out. The
segment's label is the value of its attribute: text, or the name of the chosen option.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from input_pipeline import text_files, text_tables
from input_pipeline.annotations.segment_files.rows import (
  SegmentFile,
  SegmentRow,
  left_out,
)
from input_pipeline.errors import PoseDataError, shortened

_HEADER = re.compile(r'^#\s*CSV_HEADER\s*=\s*(\S.*)$', re.MULTILINE)
_ATTRIBUTE = re.compile(r'^#\s*ATTRIBUTE\s*=\s*(\{.*)$', re.MULTILINE)
_LONGEST = 200  # Characters of a value in a message.
_NEEDS = ('file_list', 'temporal_coordinates', 'metadata')
_PERSON = ('person', 'subject')  # Names of an attribute that says who (ours).


def is_via(text: str) -> bool:
  """Whether the text has VIA's line of column names."""
  return _HEADER.search(text) is not None


def read(path: pathlib.Path) -> SegmentFile:
  """Reads the file.

  Raises:
    PoseDataError: if it is no such file, a line is invalid, or a segment has the values
      of several attributes.
  """
  text = text_files.read_text(path)
  header = _HEADER.search(text)
  columns = header.group(1).rstrip(', ').split(',') if header else []
  if not set(_NEEDS) <= set(columns):
    raise PoseDataError(
      f'{path} has no line "# CSV_HEADER = …" with the columns {", ".join(_NEEDS)}, which'
      ' VIA 3 writes; export the annotations as CSV'
    )
  attributes = _attributes(path, text)
  # Blank lines keep the numbers of the others.
  data = re.sub(r'^#.*$', '', text, flags=re.MULTILINE)
  rows, frames = [], []
  for row in text_tables.rows(data):
    where = f'{path}, line {row.line}'
    fields = dict(zip(columns, row.fields, strict=False))
    times = _json(fields, 'temporal_coordinates', list, where)
    if len(times) != 2:
      frames.append(where)
      continue
    rows.append(_row(fields, times, attributes, where))
  notes = left_out(
    len(frames),
    f'lines of {path} without a first and a last second',
    ''.join(frames[:1]),
  )
  return SegmentFile(path, 'via', tuple(rows), notes=notes)


def _row(
  fields: Mapping[str, str],
  times: list[Any],
  attributes: Mapping[str, Any],
  where: str,
) -> SegmentRow:
  files = _json(fields, 'file_list', list, where)
  values = _json(fields, 'metadata', dict, where)
  try:
    start, stop = map(float, times)
  except (TypeError, ValueError, OverflowError):
    raise PoseDataError(
      f'{where}: temporal_coordinates are {shortened(str(times), _LONGEST)}, but must be two times in seconds'
    ) from None
  named = {
    _name(attributes, key): _value(attributes, key, str(value))
    for key, value in values.items()
  }
  person = next((named.pop(name) for name in list(named) if name in _PERSON), '')
  labels = {name: value for name, value in named.items() if value}
  if len(labels) > 1:
    raise PoseDataError(
      f'{where}: the segment has values of several attributes'
      f' ({shortened(", ".join(labels), _LONGEST)}), but one attribute must hold the label; export a project with one'
    )
  label = next(iter(labels.values()), '')
  video = str(files[0]) if files else ''
  return SegmentRow(video, person, label, start, stop, where)


def _attributes(path: pathlib.Path, text: str) -> Mapping[str, Any]:
  found = _ATTRIBUTE.search(text)
  if found is None:
    return {}
  try:
    attributes = json.loads(found.group(1).rstrip(', '))
  except (ValueError, RecursionError) as error:
    raise PoseDataError(
      f'{path}: the line "# ATTRIBUTE = …" is not valid JSON: {error}'
    ) from error
  return {key: value for key, value in attributes.items() if isinstance(value, dict)}


def _name(attributes: Mapping[str, Any], key: str) -> str:
  return str(attributes.get(key, {}).get('aname', key)).strip().lower()


def _value(attributes: Mapping[str, Any], key: str, value: str) -> str:
  """The text of a value: the name of the option that it chose, if there are options."""
  options = attributes.get(key, {}).get('options')
  if isinstance(options, dict):
    return str(options.get(value, value)).strip()
  return value.strip()


def _json(fields: Mapping[str, str], column: str, kind: type, where: str) -> Any:
  try:
    value = json.loads(fields.get(column, ''))
  except (ValueError, RecursionError):
    value = None
  if not isinstance(value, kind):
    words = 'a list in brackets' if kind is list else 'an object in braces'
    raise PoseDataError(
      f'{where}: {column} is {fields.get(column, "")[:80]!r}, but must be {words}, as'
      ' VIA 3 writes it'
    )
  return value
