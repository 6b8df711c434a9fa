"""`sweep.json`: the runs and tables of a sweep, kept in its workdir.

  {"dataset": "jhmdb", "setting": "jhmdb, small, development folds",
   "runs": [{"name": …, "config": …, "flags": […], "extra_flags": […]}, …],
   "tables": [{"name": …, "title": …, "rows": [
     {"title": …, "paper": {"jhmdb": 59.3, …}, "samples": [[name of a run, …], …]}]}]}

There is one sample per split or fold, and seed. A sample is one run, or one run for each
of several streams, whose scores are fused. A later sweep with the same setting adds its
runs, tables, rows and samples. `extra_flags` are the flags after `--`, the same for all
runs of a workdir; runs from before they were recorded lack the field.
"""

from __future__ import annotations

import json
import os
import pathlib
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from pose_action.host import atomic_files

FILE = 'sweep.json'

Record = dict[str, Any]


def read_record(workdir: str | os.PathLike[str]) -> Record:
  """Reads a workdir's record.

  Raises:
    ValueError: if the workdir does not have one.
  """
  file = pathlib.Path(workdir) / FILE
  if not file.exists():
    raise ValueError(
      f'{file} does not exist; give the --workdir of a sweep that tools/run_sweep.py'
      ' has run'
    )
  return json.loads(file.read_text('utf-8'))


def add_to_record(
  workdir: str | os.PathLike[str], sweep: Record, extra_flags: Sequence[str] = ()
) -> Record:
  """Adds a sweep to its workdir's record, and returns the whole record.

  Args:
    extra_flags: the flags that every run gets besides its own.

  Raises:
    ValueError: if the workdir holds a sweep with another setting, runs with other extra
      flags, or another run of the same name. The record then stays as it was.
  """
  file = pathlib.Path(workdir) / FILE
  # Tuples become lists, as in the file.
  record = json.loads(json.dumps(sweep))
  for run in record['runs']:
    run['extra_flags'] = [*extra_flags]
  if file.exists():
    old = read_record(workdir)
    _check_extra_flags(old, extra_flags, file)
    record = _merged(old, record, file)
  atomic_files.write_json(file, record)
  return record


def runs_without_known_flags(record: Record) -> list[str]:
  """The runs from before extra flags were recorded, by name."""
  return [run['name'] for run in record['runs'] if 'extra_flags' not in run]


def _check_extra_flags(old: Record, extra_flags: Sequence[str], file: pathlib.Path):
  for run in old['runs']:
    if not _has_started(run, file) or 'extra_flags' not in run:
      continue
    if _by_name(run['extra_flags']) != _by_name(extra_flags):
      raise ValueError(
        f'{file} has a run {run["name"]} with {_after_dashes(run["extra_flags"])}, but'
        f' this sweep has {_after_dashes(extra_flags)}; their figures are not comparable:'
        ' give the same flags, or another --workdir'
      )


def _has_started(run: Record, file: pathlib.Path) -> bool:
  """Whether a run's flags were valid: it writes its config once its data are open."""
  return (file.parent / run['name'] / 'config.json').exists()


def _by_name(flags: Sequence[str]) -> list[str]:
  """Flags in an order that only matters for flags of the same name."""
  return sorted(flags, key=lambda flag: flag.partition('=')[0])


def _after_dashes(flags: Sequence[str]) -> str:
  return f'the flags {shlex.join(flags)} after --' if flags else 'no flags after --'


def _merged(old: Record, new: Record, file: pathlib.Path) -> Record:
  if old['setting'] != new['setting']:
    raise ValueError(
      f'{file} holds a sweep on {old["setting"]}, but this one is on {new["setting"]};'
      ' their figures are not comparable: give another --workdir'
    )

  def same_run(old_run: Record, new_run: Record) -> Record:
    if _experiment(old_run) != _experiment(new_run):
      raise ValueError(
        f'{file} has a run {old_run["name"]} of {_experiment(old_run)}, but in this sweep'
        f' it is a run of {_experiment(new_run)}; give another --workdir'
      )
    return old_run if _has_started(old_run, file) else new_run

  return {
    **new,
    'runs': _united(old['runs'], new['runs'], 'name', same_run),
    'tables': _united(old['tables'], new['tables'], 'name', _merged_table),
  }


def _merged_table(old: Record, new: Record) -> Record:
  return {**new, 'rows': _united(old['rows'], new['rows'], 'title', _merged_row)}


def _merged_row(old: Record, new: Record) -> Record:
  samples = [*old['samples'], *(s for s in new['samples'] if s not in old['samples'])]
  return {**new, 'samples': samples}


def _united(
  old: list[Record],
  new: list[Record],
  key: str,
  merged: Callable[[Record, Record], Record],
) -> list[Record]:
  """The union of two lists, in the order of the longer list.

  Args:
    key: field that identifies an entry.
    merged: combines an old and a new entry with the same key.
  """
  old_by_key = {entry[key]: entry for entry in old}
  new_by_key = {entry[key]: entry for entry in new}
  first, second = (old_by_key, new_by_key)
  if len(new) > len(old):
    first, second = second, first
  return [
    merged(old_by_key[name], new_by_key[name])
    if name in old_by_key and name in new_by_key
    else (old_by_key.get(name) or new_by_key[name])
    for name in dict.fromkeys([*first, *second])
  ]


def _experiment(run: Record) -> str:
  """A run's config and flags, as typed on a command line."""
  return ' '.join([run['config'], *run['flags']])
