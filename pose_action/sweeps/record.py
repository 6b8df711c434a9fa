"""`sweep.json`: what a sweep's workdir keeps of its runs and tables.

  {"dataset": "jhmdb", "setting": "jhmdb, quick, development folds",
   "runs": [{"name": …, "config": …, "flags": […]}, …],
   "tables": [{"name": …, "title": …, "rows": [
     {"title": …, "paper": {"jhmdb": 59.3, …}, "samples": [[name of a run, …], …]}]}]}

A sample is a fold and seed: one run, or the runs of several streams, whose scores are
fused. A later sweep of the same setting adds its runs, tables, rows and samples.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from pose_action.host import atomic_files

FILE = 'sweep.json'

Record = dict[str, Any]


def read_record(workdir: str | os.PathLike[str]) -> Record:
  """Raises ValueError where there is none."""
  file = pathlib.Path(workdir) / FILE
  if not file.exists():
    raise ValueError(
      f'{file} does not exist; give the workdir of a sweep, which tools/run_sweep.py'
      ' writes'
    )
  return json.loads(file.read_text('utf-8'))


def add_to_record(workdir: str | os.PathLike[str], sweep: Record) -> Record:
  """Writes a sweep into the workdir's record, and returns all of it.

  Raises:
    ValueError: where the workdir is that of another setting, or has another run of the
      same name; nothing is written then.
  """
  file = pathlib.Path(workdir) / FILE
  # Lists and tuples are the same in the file.
  record = json.loads(json.dumps(sweep))
  if file.exists():
    record = _merged(read_record(workdir), record, file)
  atomic_files.write_json(file, record)
  return record


def _merged(old: Record, new: Record, file: pathlib.Path) -> Record:
  if old['setting'] != new['setting']:
    raise ValueError(
      f'{file} is of {old["setting"]}, but this sweep of {new["setting"]}; their figures'
      ' are not comparable: give another --workdir'
    )

  def same_run(of_old: Record, of_new: Record) -> Record:
    if of_old != of_new:
      raise ValueError(
        f'{file} has a run {of_old["name"]} of {_asked(of_old)}, but this sweep one of'
        f' {_asked(of_new)}; give another --workdir'
      )
    return of_new

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
  """Both, in the order of the longer; `merged` makes one of two with the same key."""
  of_old = {entry[key]: entry for entry in old}
  of_new = {entry[key]: entry for entry in new}
  order = dict.fromkeys(
    [*of_new, *of_old] if len(new) > len(old) else [*of_old, *of_new]
  )
  return [
    merged(of_old[name], of_new[name])
    if name in of_old and name in of_new
    else (of_old.get(name) or of_new[name])
    for name in order
  ]


def _asked(run: Record) -> str:
  return ' '.join([run['config'], *run['flags']])
