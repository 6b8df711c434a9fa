"""Recognises which program wrote a table of joints."""

from __future__ import annotations

import pathlib

from input_pipeline.errors import PoseDataError
from input_pipeline.text_files import read_text

_DEEPLABCUT = ('scorer', 'bodyparts', 'coords')


def table_format(path: pathlib.Path) -> tuple[str, str] | None:
  """(format, what was seen) for a table; None if it has no columns of joints."""
  try:
    heads = [line.split(',')[0].strip() for line in read_text(path).splitlines()[:4]]
  except PoseDataError:
    return None
  if set(heads) & set(_DEEPLABCUT):
    return 'deeplabcut', f'{path.name}, a table with the rows {", ".join(_DEEPLABCUT)}'
  return None
