"""Shared by `configs/*_sweep.py`: the tables of a paper as lists of runs.

A sweep is a file with `get_sweep(arg) -> Sweep`. `tools/run_sweep.py` trains the runs
that are missing; `tools/report.py` prints the tables beside the paper's figures. One
run serves all rows and tables with the same experiment. A row with several streams is
computed from the scores that their runs save.

Options of all sweeps, after a colon: `small`, our setting for two cores, or `quick`, the
same with our augmentation in every row (JHMDB and Penn Action only); `development`, one
run per held-out fold of the training clips, without the test split; `folds=0+1`, the
folds to use (default: 0, 1 and 2); `splits`, one run for each of the three official
splits of JHMDB or HMDB51 (default: only split 1); `seeds=0+1+2`, one run per seed
(default: 0).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import ml_collections

from configs.shared import few_clips, options

_WITH_SMALL = ('jhmdb', 'penn')  # data sets with our small setting
_THREE_SPLITS = ('jhmdb', 'hmdb51')
PAPER_HAS_SPLIT_1 = "the paper's figures are for split 1, ours the mean of three"
_FOLDS = ('0', '1', '2', '3', '4')  # data.validation_folds in base.py is 5
_DEFAULT_FOLDS = ('0', '1', '2')  # ours
_DEFAULT_SEED = '0'  # as in base.py


@dataclasses.dataclass(frozen=True)
class Stream:
  """One experiment, which is run once per split or fold and seed.

  Attributes:
    name: folder name of its runs; describes the experiment and is unique.
    file: file name in configs/.
    options: config options for that file.
  """

  name: str
  file: str
  options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Row:
  """A row of a paper's table.

  Attributes:
    title: as printed in the table; unique within it.
    paper: the paper's figures, %, by data set.
    streams: one stream, or several whose probabilities are averaged.
  """

  title: str
  paper: Mapping[str, float]
  streams: tuple[Stream, ...]


@dataclasses.dataclass(frozen=True)
class Table:
  """A table, or a part of one whose rows can be compared with each other.

  Attributes:
    name: short name, unique within a sweep.
    title: heading for readers.
  """

  name: str
  title: str
  rows: tuple[Row, ...]


@dataclasses.dataclass(frozen=True)
class SweepRun:
  """One training run of a sweep.

  Attributes:
    name: folder name in the sweep's workdir, unique within a sweep.
    config: file and options for `main.py --config`.
    flags: further flags for main.py.
  """

  name: str
  config: str
  flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class SweepRow:
  """A row and the runs that it is computed from.

  Attributes:
    title, paper: same as in `Row`.
    samples: for each split or fold and seed, the names of the runs: one, or one per
      stream to be fused.
  """

  title: str
  paper: dict[str, float]
  samples: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class SweepTable:
  """A table of `SweepRow`s with the name and title of its `Table`."""

  name: str
  title: str
  rows: tuple[SweepRow, ...]


@dataclasses.dataclass(frozen=True)
class Sweep:
  """All runs of a sweep, and the tables computed from them.

  Attributes:
    dataset: the data set, which selects the paper's figures.
    setting: what all runs are measured on, in words; runs with different settings
      cannot be compared.
    runs: stream by stream, each with its splits or folds and seeds.
    notes: remarks for readers of the tables.
  """

  dataset: str
  setting: str
  runs: tuple[SweepRun, ...]
  tables: tuple[SweepTable, ...]
  notes: tuple[str, ...] = ()


def parse_options(
  arg: str, *, choices: Mapping[str, Sequence] | None = None, **own
) -> ml_collections.ConfigDict:
  """Parses the options of all sweeps (see the module) and a sweep's `own` ones."""
  return options.parse_arg(
    arg,
    choices={'folds': _FOLDS, **(choices or {})},
    **{
      'small': False,
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
  """Makes a sweep from tables; a run that several rows need is listed once.

  Args:
    args: the result of `parse_options`.
    dataset: name of the data set in the configs' file names.

  Raises:
    ValueError: for options that contradict each other.
  """
  _check(args, dataset)
  setting = few_clips.chosen(args)
  words = (setting,) if setting else ()
  samples = _samples(args)
  runs = {}
  for table in tables:
    for stream in (stream for row in table.rows for stream in row.streams):
      for suffix, own_options, flags in samples:
        name = stream.name + suffix
        config = _config(stream, (*words, *own_options))
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
  setting = few_clips.chosen(args)
  if setting and dataset not in _WITH_SMALL:
    raise ValueError(
      f'there is no {setting} setting for {dataset}; leave {setting} out, or use one of'
      f' {", ".join(_WITH_SMALL)}'
    )
  if args.folds and not args.development:
    raise ValueError(
      f'folds={"+".join(args.folds)} needs the option development; add it, or leave'
      ' folds out to run on the official split'
    )
  if args.splits and args.development:
    raise ValueError(
      'splits runs on the test clips, development on training clips; give only one'
    )
  if args.splits and dataset not in _THREE_SPLITS:
    raise ValueError(
      f'{dataset} has only one split; leave splits out, or use one of'
      f' {", ".join(_THREE_SPLITS)}'
    )
  if wrong := [seed for seed in args.seeds if not seed.isdecimal()]:
    raise ValueError(
      f'seeds={"+".join(args.seeds)} contains {wrong[0]!r}, but a seed must be a whole'
      ' number ≥ 0'
    )
  for name in ('folds', 'seeds'):
    if len({int(word) for word in args[name]}) < len(args[name]):
      raise ValueError(
        f'{name}={"+".join(args[name])} repeats a {name[:-1]}; give each once'
      )


def _samples(
  args: ml_collections.ConfigDict,
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
  """(end of a run's name, options, flags) for each split or fold and seed.

  The default seed adds nothing, so that seeds can be added to a workdir made without.
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
