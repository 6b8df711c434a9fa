"""Tables of ablations as lists of runs: what `configs/*_sweep.py` share.

A sweep is a file with `get_sweep(arg) -> tuple[SweepRun, ...]`; `tools/run_sweep.py`
runs it. Options, after a colon: `dataset=hmdb51` (or `charades`, or `penn`, which the
papers do not use; `jhmdb` is the default); `quick`, our small setting, of JHMDB and Penn
Action alone; `development`, a run for each of
some held-out folds of the training clips, without the test split; `folds=0+1`, which
ones (0, 1 and 2 if not given).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from configs import config_args

# As the papers' columns stand.
DATASETS: tuple[str, ...] = ('jhmdb', 'hmdb51', 'charades')
_OTHERS = ('penn',)  # without figures in the papers
_QUICK = ('jhmdb', 'penn')
_FOLDS = ('0', '1', '2', '3', '4')  # of base.py's validation_folds
_DEFAULT_FOLDS = ('0', '1', '2')  # ours


@dataclasses.dataclass(frozen=True)
class Row:
  """A row of a paper's table.

  Attributes:
    name: for folders.
    title: as the table prints it.
    paper: the figures for `DATASETS`, %; accuracy on split 1, Charades mAP.
    model: one of `jmrn_model.MODELS`.
    options: of the config, on every data set.
  """

  name: str
  title: str
  paper: tuple[float, float, float]
  model: str = 'jmrn'
  options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class SweepRun:
  """One training of a sweep.

  Attributes:
    name: of its folder in the sweep's workdir; no two of a sweep are the same.
    config: file and options, as `main.py --config` takes them.
    row: the paper's row that it reproduces; folds of a row share it.
    paper: the paper's figure in that row for the data set, %; None where it has none.
  """

  name: str
  config: str
  row: str
  paper: float | None


def runs_of_table(arg: str, rows: Sequence[Row]) -> tuple[SweepRun, ...]:
  """The runs of all rows, as `arg` asks (see the module); the folds of a row in turn.

  Raises:
    ValueError: for options that do not go together.
  """
  args = config_args.parse_arg(
    arg,
    dataset='jhmdb',
    quick=False,
    development=False,
    folds=(),
    choices={'dataset': DATASETS + _OTHERS, 'folds': _FOLDS},
  )
  if args.quick and args.dataset not in _QUICK:
    raise ValueError(
      f'there is no quick setting for dataset={args.dataset}; leave quick out, or take'
      f' one of {", ".join(_QUICK)}'
    )
  if args.folds and not args.development:
    raise ValueError(
      f'folds={"+".join(args.folds)} is of the training clips; say development too, or'
      ' leave folds out to run on the official split'
    )
  if len(set(args.folds)) < len(args.folds):
    raise ValueError(f'folds={"+".join(args.folds)} names a fold twice')
  quick = ('quick',) if args.quick else ()
  folds = [('', ())]
  if args.development:
    numbers = args.folds or _DEFAULT_FOLDS
    folds = [(f'_fold{fold}', (f'fold={fold}', 'test=false')) for fold in numbers]
  return tuple(
    SweepRun(
      name=row.name + suffix,
      config=_config(args.dataset, row, (*quick, *fold_options)),
      row=row.title,
      paper=dict(zip(DATASETS, row.paper, strict=True)).get(args.dataset),
    )
    for row in rows
    for suffix, fold_options in folds
  )


def _config(dataset: str, row: Row, options: Sequence[str]) -> str:
  file, model_options = f'jmrn_{dataset}.py', (f'model={row.model}',)
  if row.model == 'jmrn':
    model_options = ()
  elif dataset == 'jhmdb':  # PoTion has a file of its own here.
    file = 'potion_jhmdb.py'
    model_options = ('deeper',) if row.model == 'potion_deeper' else ()
  string = ','.join([*options, *model_options, *row.options])
  return f'configs/{file}:{string}' if string else f'configs/{file}'
