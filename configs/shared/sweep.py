"""Tables of a paper as lists of runs: what `configs/*_sweep.py` share.

A sweep is a file with `get_sweep(arg) -> Sweep`. `tools/run_sweep.py` trains what is
missing of its runs, and `tools/report.py` prints its tables beside the paper's figures.
A run serves every row and table that asks for the same experiment; a row of several
streams is computed from the scores that their runs leave.

Options of all sweeps, after a colon: `quick`, our small setting, of JHMDB and Penn
Action alone; `development`, a run for each of some held-out folds of the training clips,
without the test split; `folds=0+1`, which ones (0, 1 and 2 if not given); `splits`, a
run for each of the three official splits of JHMDB and HMDB51, where split 1 is the
default; `seeds=0+1+2`, a run for each of these (0 if not given).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import ml_collections

from configs.shared import options as config_args

QUICK = ('jhmdb', 'penn')  # data sets that have our small setting
_THREE_SPLITS = ('jhmdb', 'hmdb51')
PAPER_HAS_SPLIT_1 = "the paper's figures are of split 1, ours the mean of three"
_FOLDS = ('0', '1', '2', '3', '4')  # of base.py's validation_folds
_DEFAULT_FOLDS = ('0', '1', '2')  # ours
_DEFAULT_SEED = '0'  # base.py's


@dataclasses.dataclass(frozen=True)
class Stream:
  """One experiment: a run of it is made for each split or fold, and seed.

  Attributes:
    name: of its runs' folders; says what it is, and no other stream is called so.
    file: of configs/.
    options: of that file.
  """

  name: str
  file: str
  options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Row:
  """A row of a paper's table.

  Attributes:
    title: as the table prints it; no two of a table are the same.
    paper: the paper's figures, %, by data set.
    streams: one, or several whose scores are fused: the mean of their probabilities.
  """

  title: str
  paper: Mapping[str, float]
  streams: tuple[Stream, ...]


@dataclasses.dataclass(frozen=True)
class Table:
  """A table, or a part of it whose rows compare with each other.

  Attributes:
    name: short; no two of a sweep are the same.
    title: as a reader sees it.
  """

  name: str
  title: str
  rows: tuple[Row, ...]


@dataclasses.dataclass(frozen=True)
class SweepRun:
  """One training of a sweep.

  Attributes:
    name: of its folder in the sweep's workdir; no two of a sweep are the same.
    config: file and options, as `main.py --config` takes them.
    flags: further flags of main.py.
  """

  name: str
  config: str
  flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class SweepRow:
  """A row and the runs that it is computed from.

  Attributes:
    title, paper: as of `Row`.
    samples: names of the runs of each split or fold, and seed: one, or one a stream to
      be fused.
  """

  title: str
  paper: dict[str, float]
  samples: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class SweepTable:
  """A table of `SweepRow`s, named as the `Table` that it is made of."""

  name: str
  title: str
  rows: tuple[SweepRow, ...]


@dataclasses.dataclass(frozen=True)
class Sweep:
  """All that is to be trained, and the tables that it gives.

  Attributes:
    dataset: whose figures of the paper stand beside ours.
    setting: in words, on what all runs are measured; runs of another are not comparable.
    runs: the splits or folds, and seeds, of a stream in turn.
    notes: lines that a reader of the tables must know.
  """

  dataset: str
  setting: str
  runs: tuple[SweepRun, ...]
  tables: tuple[SweepTable, ...]
  notes: tuple[str, ...] = ()


def parse_options(
  arg: str, *, choices: Mapping[str, Sequence] | None = None, **own
) -> ml_collections.ConfigDict:
  """The options that all sweeps have (see the module), and those that are one's `own`."""
  return config_args.parse_arg(
    arg,
    choices={'folds': _FOLDS, **(choices or {})},
    **{
      'quick': False,
      'development': False,
      'folds': (),
      'splits': False,
      'seeds': (_DEFAULT_SEED,),
      **own,
    },
  )


def make_sweep(
  tables: Sequence[Table],
  args: ml_collections.ConfigDict,
  *,
  dataset: str,
  notes: tuple[str, ...] = (),
) -> Sweep:
  """The tables, and every run that one of their rows needs once.

  Args:
    args: of `parse_options`.
    dataset: as the configs' files name it.

  Raises:
    ValueError: for options that do not go together.
  """
  _check(args, dataset)
  words = ('quick',) if args.quick else ()
  samples = _samples(args)
  runs = {}
  for table in tables:
    for stream in (stream for row in table.rows for stream in row.streams):
      for suffix, options, flags in samples:
        name = stream.name + suffix
        config = _config(stream, (*words, *options))
        runs.setdefault(name, SweepRun(name, config, flags))
  suffixes = [suffix for suffix, *_ in samples]
  return Sweep(
    dataset=dataset,
    setting=', '.join((dataset, *words, _measured_on(args))),
    runs=tuple(runs.values()),
    tables=tuple(_with_runs(table, suffixes) for table in tables),
    notes=notes,
  )


def _measured_on(args: ml_collections.ConfigDict) -> str:
  if args.development:
    return 'development folds'
  return 'official splits 1 to 3' if args.splits else 'official split'


def _check(args: ml_collections.ConfigDict, dataset: str):
  if args.quick and dataset not in QUICK:
    raise ValueError(
      f'there is no quick setting for {dataset}; leave quick out, or take one of'
      f' {", ".join(QUICK)}'
    )
  if args.folds and not args.development:
    raise ValueError(
      f'folds={"+".join(args.folds)} is of the training clips; say development too, or'
      ' leave folds out to run on the official split'
    )
  if args.splits and args.development:
    raise ValueError(
      'splits are measured on their test clips, development on training clips; say one'
    )
  if args.splits and dataset not in _THREE_SPLITS:
    raise ValueError(
      f'there is one split of {dataset}; leave splits out, or take one of'
      f' {", ".join(_THREE_SPLITS)}'
    )
  if wrong := [seed for seed in args.seeds if not seed.isdecimal()]:
    raise ValueError(
      f'seeds={"+".join(args.seeds)} gives {wrong[0]!r}; a seed is a whole number ≥ 0'
    )
  for name in ('folds', 'seeds'):
    if len({int(word) for word in args[name]}) < len(args[name]):
      raise ValueError(
        f'{name}={"+".join(args[name])} names a {name[:-1]} twice; give each once'
      )


def _samples(
  args: ml_collections.ConfigDict,
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
  """Of each split or fold, and seed, what a run's name ends in, its options and flags.

  The default seed shows in neither, so that a workdir without seeds may get some later.
  """
  folds: list[tuple[str, tuple[str, ...]]] = [('', ())]
  if args.development:
    numbers = args.folds or _DEFAULT_FOLDS
    folds = [(f'_fold{fold}', (f'fold={fold}', 'test=false')) for fold in numbers]
  elif args.splits:
    folds = [(f'_split{split}', (f'split={split}',)) for split in (1, 2, 3)]
  seeds: list[tuple[str, tuple[str, ...]]] = [
    ('', ())
    if int(seed) == int(_DEFAULT_SEED)
    else (f'_seed{int(seed)}', (f'--config.seed={int(seed)}',))
    for seed in args.seeds
  ]
  return [
    (fold + seed, options, flags) for fold, options in folds for seed, flags in seeds
  ]


def _config(stream: Stream, options: Sequence[str]) -> str:
  string = ','.join([*options, *stream.options])
  return f'configs/{stream.file}:{string}' if string else f'configs/{stream.file}'


def _with_runs(table: Table, suffixes: Sequence[str]) -> SweepTable:
  rows = [
    SweepRow(
      title=row.title,
      paper=dict(row.paper),
      samples=tuple(
        tuple(stream.name + suffix for stream in row.streams) for suffix in suffixes
      ),
    )
    for row in table.rows
  ]
  return SweepTable(table.name, table.title, tuple(rows))
