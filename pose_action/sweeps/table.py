"""A sweep's results as Markdown tables, with the paper's figures in each row."""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
import statistics
from collections.abc import Mapping, Sequence

from pose_action.evaluation.metrics import HEADLINES
from pose_action.sweeps.record import Record
from pose_action.sweeps.results import sample_figures
from pose_action.sweeps.row_order import agreement, in_order

_PAPER_NAMES = {'jhmdb': 'JHMDB', 'hmdb51': 'HMDB', 'charades': 'Charades'}


@dataclasses.dataclass(frozen=True)
class TableRow:
  """One row of a table.

  Attributes:
    title: the row's title.
    samples: names of the runs, one entry per split or fold, and seed. Fused runs are
      joined by +.
    figures: per sample, from `sample_figures`; None if the sample is not done.
    paper: the paper's figures in %, by data set.
  """

  title: str
  samples: tuple[str, ...]
  figures: tuple[Mapping[str, float] | None, ...]
  paper: Mapping[str, float]

  @property
  def done(self) -> int:
    """Number of samples that have figures."""
    return sum(figures is not None for figures in self.figures)

  @property
  def lacks_figures(self) -> bool:
    """Whether samples are done, but none has the headline metric."""
    return self.done > 0 and not self.values(self.metric)

  def values(self, name: str) -> list[float]:
    """One figure of all samples that have it, in %."""
    return [f[name] for f in self.figures if f is not None and name in f]

  @property
  def metric(self) -> str:
    """The headline metric of the row; accuracy as long as no sample is done."""
    return next((name for name in HEADLINES if self.values(name)), 'accuracy')


def report(record: Record, workdir: str | os.PathLike[str]) -> str:
  """All tables of a sweep in Markdown; below each, how its rows are ordered."""
  tables = []
  for table in record['tables']:
    rows = table_rows(table, workdir)
    columns = _paper_columns(rows, record['dataset'])
    lines = [f'### {table["title"]}', '', markdown(rows, columns)]
    lines += [f'\n{line}' for line in _lines_on_missing_figures(rows)]
    for dataset in columns:
      lines += [f'\n{line}' for line in _order_lines(rows, dataset)]
    tables.append('\n'.join(lines))
  heading = (
    f'Ours: {record["setting"]}; mean ± standard deviation (n - 1) over splits, folds'
    ' and seeds.'
  )
  return '\n\n'.join([heading, *tables])


def table_rows(table: Record, workdir: str | os.PathLike[str]) -> list[TableRow]:
  """The rows of one table in `sweep.json`, with the figures of their runs."""
  folder = pathlib.Path(workdir)
  return [
    TableRow(
      title=row['title'],
      samples=tuple('+'.join(names) for names in row['samples']),
      figures=tuple(
        sample_figures([folder / name for name in names]) for names in row['samples']
      ),
      paper=row['paper'],
    )
    for row in table['rows']
  ]


def markdown(rows: Sequence[TableRow], paper_columns: Sequence[str]) -> str:
  """Columns: row, mean ± std, mean class accuracy, samples done, the paper's figures."""
  headings = ['row', 'ours, %', 'mean class, %', 'done']
  cells = [
    [
      row.title,
      'no figure' if row.lacks_figures else mean_and_std(row.values(row.metric)),
      mean_and_std(row.values('mean_class_accuracy')),
      f'{row.done} of {len(row.figures)}',
    ]
    for row in rows
  ]
  for dataset in paper_columns:
    headings.append(f'paper, {_PAPER_NAMES.get(dataset, dataset)}, %')
    for line, figure in zip(cells, _as_printed(rows, dataset), strict=True):
      line.append(figure)
  heading, *lines = (f'| {" | ".join(line)} |' for line in [headings, *cells])
  return '\n'.join([heading, f'|{"---|" * len(headings)}', *lines])


def mean_and_std(figures: Sequence[float]) -> str:
  """Mean ± standard deviation (n - 1), such as `62.0 ± 2.0`; – without figures.

  A single figure has no ±.
  """
  if not figures:
    return '–'
  mean = f'{statistics.fmean(figures):.1f}'
  return f'{mean} ± {statistics.stdev(figures):.1f}' if len(figures) > 1 else mean


def _paper_columns(rows: Sequence[TableRow], dataset: str) -> list[str]:
  """The sweep's data set, or all data sets of the paper if it has no figures for it."""
  known = list(dict.fromkeys(name for row in rows for name in row.paper))
  return [dataset] if dataset in known else known


def _as_printed(rows: Sequence[TableRow], dataset: str) -> list[str]:
  """A column of the paper's figures, all with as many decimals as the longest."""
  figures = [row.paper.get(dataset) for row in rows]
  decimals = max(
    (len(f'{f:g}'.partition('.')[2]) for f in figures if f is not None), default=0
  )
  return ['–' if figure is None else f'{figure:.{decimals}f}' for figure in figures]


def _lines_on_missing_figures(rows: Sequence[TableRow]) -> list[str]:
  """One line that names the finished rows without a figure, if there are any."""
  titles = [row.title for row in rows if row.lacks_figures]
  if not titles:
    return []
  return [
    f'No figure for {", ".join(titles)}: their results hold none that compares with'
    " papers'. For AVA, `pose-action evaluate-ava` computes frame mAP from a run's scores."
  ]


def _order_lines(rows: Sequence[TableRow], dataset: str) -> list[str]:
  """One line on how our order of the finished rows agrees with the paper's."""
  known = [row for row in rows if row.values(row.metric) and dataset in row.paper]
  if len(known) < 2:
    return []
  titles = [row.title for row in known]
  ours = [statistics.fmean(row.values(row.metric)) for row in known]
  paper = [row.paper[dataset] for row in known]
  found = agreement(ours, paper)
  tau = '–' if math.isnan(found.tau) else f'{found.tau:.2f}'
  return [
    f"The paper's order of rows ({_PAPER_NAMES.get(dataset, dataset)}):"
    f' {in_order(titles, paper)}; ours: {in_order(titles, ours)}; Kendall τ = {tau};'
    f' pairs in the same order: {found.same} of {found.pairs}.'
  ]
