"""Segments in a plain CSV file: one action per line.

  video,person,start,stop,label
  kitchen.mp4,,0.5,3.2,pour

`start` and `stop` are seconds from the beginning of the video. `person` may be empty, or
missing as a column: the segment is then that of everyone in the video. Columns may have
any order, and be separated by `;` or tabs.
"""

from __future__ import annotations

import pathlib

from input_pipeline import text_tables
from input_pipeline.annotations.segment_files.rows import (
  SegmentFile,
  SegmentRow,
  seconds,
)
from input_pipeline.errors import PoseDataError

NEEDS = ('video', 'start', 'stop', 'label')


def read(path: pathlib.Path) -> SegmentFile:
  """Reads the file.

  Raises:
    PoseDataError: for a missing column or an invalid line, which it names.
  """
  table = text_tables.read_table(path, NEEDS)
  if table.too_long:
    raise PoseDataError(
      f'{path}, line {table.too_long[0].line} has more values than columns; put text with'
      ' a comma in double quotes'
    )
  has_people = 'person' in table.columns
  rows = []
  for row in table.rows:
    where = f'{path}, line {row.line}'
    rows.append(
      SegmentRow(
        video=table.field(row, 'video') or '',
        person=(table.field(row, 'person') or '') if has_people else '',
        label=table.field(row, 'label') or '',
        start=seconds(table.field(row, 'start'), 'start', where),
        stop=seconds(table.field(row, 'stop'), 'stop', where),
        where=where,
      )
    )
  return SegmentFile(path, 'csv', tuple(rows))
