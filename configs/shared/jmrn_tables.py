"""Shared by the sweeps of JMRN's tables: the experiment for each row of a table.

Options: those in configs/shared/sweep.py, and `dataset=hmdb51` (or `charades`, or
`penn`, which the paper does not use; `jhmdb` is the default).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from configs.shared import sweep

# In the order of the paper's columns.
DATASETS = ('jhmdb', 'hmdb51', 'charades')
_OTHERS = ('penn',)  # The paper has no figures for these.


@dataclasses.dataclass(frozen=True)
class Row:
  """A row of a table.

  Attributes:
    name: folder name of its runs, the same in all tables.
    title: as printed in the table.
    paper: the paper's figures for `DATASETS`, %; accuracy on split 1, mAP for Charades.
    model: one of `jmrn_model.MODELS`.
    options: config options, the same for every data set.
  """

  name: str
  title: str
  paper: tuple[float, float, float]
  model: str = 'jmrn'
  options: tuple[str, ...] = ()


# The complete model, the same run in Tables 1, 7 and 8.
WHOLE = 'jmrn_paa_contrastive'
WHOLE_PAPER = (71.08, 54.05, 16.2)


def sweep_of(arg: str, name: str, title: str, rows: Sequence[Row]) -> sweep.Sweep:
  """The sweep for one table with the options in `arg` (see the module).

  Raises:
    ValueError: for options that contradict each other.
  """
  args = sweep.parse_options(
    arg, dataset=DATASETS[0], choices={'dataset': DATASETS + _OTHERS}
  )
  made = tuple(
    sweep.Row(
      title=row.title,
      paper=dict(zip(DATASETS, row.paper, strict=True)),
      streams=(_stream(args.dataset, row),),
    )
    for row in rows
  )
  table = sweep.Table(name, title, made)
  notes = (f'{title}: {sweep.PAPER_HAS_SPLIT_1}',) if args.splits else ()
  return sweep.make_sweep([table], args, dataset=args.dataset, notes=notes)


def three_splits(arg: str, dataset: str) -> sweep.Sweep:
  """JMRN's row in Table 2; with `splits` it is a mean over three splits, as published.

  Raises:
    ValueError: for options that contradict each other.
  """
  args = sweep.parse_options(arg)
  row = sweep.Row(
    title='JMRN',
    # Mean class accuracy over three splits.
    paper={'jhmdb': 68.55, 'hmdb51': 54.2},
    streams=(_stream(dataset, Row(WHOLE, 'JMRN', WHOLE_PAPER)),),
  )
  title = 'JMRN Table 2: mean class accuracy over three splits'
  table = sweep.Table('jmrn_table2', title, (row,))
  return sweep.make_sweep([table], args, dataset=dataset)


def _stream(dataset: str, row: Row) -> sweep.Stream:
  file, model = f'jmrn_{dataset}.py', (f'model={row.model}',)
  if row.model == 'jmrn':
    model = ()
  elif dataset == 'jhmdb':  # PoTion has its own file for JHMDB.
    file = 'potion_jhmdb.py'
    model = ('deeper',) if row.model == 'potion_deeper' else ()
  return sweep.Stream(row.name, file, (*model, *row.options))
