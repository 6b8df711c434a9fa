"""A sweep's tables as csv: one line per row, with the figures of every run."""

from __future__ import annotations

import csv
import io
import os
import statistics

from pose_action.sweeps.record import Record
from pose_action.sweeps.table import TableRow, table_rows

_MEAN_CLASS = 'mean_class_accuracy'


def tables_csv(record: Record, workdir: str | os.PathLike[str]) -> bytes:
  """All rows of all tables: a summary, then the single figures; all in %.

  `runs`, `figures` and `mean_class_figures` have one entry per split or fold, and seed,
  separated by spaces. A figure that does not exist (yet) is a –.
  """
  tables = [(table, table_rows(table, workdir)) for table in record['tables']]
  datasets = [
    *dict.fromkeys(d for _, rows in tables for row in rows for d in row.paper)
  ]
  heading = [
    *('table', 'row', 'setting', 'metric', 'mean', 'std', 'mean_class', 'done', 'of'),
    *(f'paper_{dataset}' for dataset in datasets),
    *('runs', 'figures', 'mean_class_figures'),
  ]
  lines = [
    [table['name'], row.title, record['setting'], *_cells(row, datasets)]
    for table, rows in tables
    for row in rows
  ]
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows([heading, *lines])
  return text.getvalue().encode()


def _cells(row: TableRow, datasets: list[str]) -> list[str]:
  values, of_classes = row.values(row.metric), row.values(_MEAN_CLASS)
  return [
    '' if row.lacks_figures else row.metric,
    f'{statistics.fmean(values):.4f}' if values else '',
    f'{statistics.stdev(values):.4f}' if len(values) > 1 else '',
    f'{statistics.fmean(of_classes):.4f}' if of_classes else '',
    *(str(row.done), str(len(row.figures))),
    *(str(row.paper.get(dataset, '')) for dataset in datasets),
    ' '.join(row.samples),
    _one_by_one(row, row.metric),
    _one_by_one(row, _MEAN_CLASS),
  ]


def _one_by_one(row: TableRow, name: str) -> str:
  figures = [None if f is None else f.get(name) for f in row.figures]
  return ' '.join('–' if figure is None else f'{figure:.4f}' for figure in figures)
