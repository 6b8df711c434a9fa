"""Recognises which program wrote a table of joints."""

from __future__ import annotations

import pathlib

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.joint_tables.cells import read_cells
from input_pipeline.readers.joint_tables.columns import read_columns
from input_pipeline.readers.joint_tables.layout import joint_names
from input_pipeline.text_files import read_text

_LANDMARKS = 33
# Fractions of the frame stay below this, pixels do not (our choice).
_LARGEST_SHARE = 10.0
_DEEPLABCUT = ('scorer', 'bodyparts', 'coords')


def table_format(path: pathlib.Path) -> tuple[str, str] | None:
  """(format, what was seen) for a table; None if it has no columns of joints."""
  try:
    heads = [line.split(',')[0].strip() for line in read_text(path).splitlines()[:4]]
    if set(heads) & set(_DEEPLABCUT):
      return (
        'deeplabcut',
        f'{path.name}, a table with the rows {", ".join(_DEEPLABCUT)}',
      )
    cells = read_cells(path)
    columns = read_columns(cells.columns)
    names = joint_names(cells)
  except PoseDataError:
    return None
  return None
