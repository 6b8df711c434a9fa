"""A sweep's results in a Markdown table, row by row beside the paper's."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import statistics
from collections.abc import Sequence

from train_lib import metrics


@dataclasses.dataclass(frozen=True)
class TableRow:
  """One row of the paper's table.

  Attributes:
    title: of the row.
    figures: one of each run (fold), %; None for a run without results.
    paper: the paper's figure, %, where it has one.
  """

  title: str
  figures: tuple[float | None, ...]
  paper: float | None


def figure_of_run(workdir: str | os.PathLike[str]) -> float | None:
  """The figure that speaks for a run, %: its accuracy, or mAP; None without results.

  Which checkpoint on which split that is, `results.json` says itself.

  Raises:
    ValueError: where the file names an evaluation that it does not hold.
  """
  file = pathlib.Path(workdir) / 'results.json'
  if not file.exists():
    return None
  results = json.loads(file.read_text('utf-8'))
  chosen = results['headline']
  for entry in results['evaluations']:
    if all(entry[name] == chosen[name] for name in ('split', 'checkpoint')):
      return 100 * metrics.headline_figure(entry)
  raise ValueError(
    f'{file} has no evaluation of {chosen}, which it calls its headline; delete it and'
    ' evaluate the run again (main.py --mode=evaluate)'
  )


def sweep_table(rows: Sequence[TableRow]) -> str:
  """Markdown: row, mean ± std over runs (n - 1), runs done, the paper's figure."""
  lines = ['| row | ours, % | runs | paper, % |', '|---|---|---|---|']
  for row in rows:
    done = [figure for figure in row.figures if figure is not None]
    paper = '–' if row.paper is None else f'{row.paper:.2f}'
    runs = f'{len(done)} of {len(row.figures)}'
    lines.append(f'| {row.title} | {_mean_and_std(done)} | {runs} | {paper} |')
  return '\n'.join(lines)


def _mean_and_std(figures: Sequence[float]) -> str:
  if not figures:
    return '–'
  mean = f'{statistics.fmean(figures):.1f}'
  return f'{mean} ± {statistics.stdev(figures):.1f}' if len(figures) > 1 else mean
