"""Trains the runs of a sweep one after another, and prints their table.

  python tools/run_sweep.py --config=configs/jmrn_table1_sweep.py:quick,development \\
    --workdir=/tmp/jmrn_table1 -- --config.data.poses=jhmdb_train1.pkl

What follows `--` is passed on to every run. Run it where main.py is. A run that has its
results is skipped, one that was interrupted is resumed; one that fails is named at the
end, and the others go on.
"""

import pathlib
import runpy
import shlex
import subprocess
import sys
import time

from absl import app, flags

_CONFIG = flags.DEFINE_string(
  'config', None, 'A sweep of configs/, options after a colon.', required=True
)
_WORKDIR = flags.DEFINE_string(
  'workdir', None, 'Takes a workdir of each run, by its name.', required=True
)


def main(argv):
  try:
    runs = _runs(_CONFIG.value)
    workdir = pathlib.Path(_WORKDIR.value).expanduser()
    failed = _run_missing(runs, workdir, passed_on=argv[1:])
    print(_table(runs, workdir))
  except (ValueError, OSError) as error:
    sys.exit(f'error: {error}')
  if failed:
    sys.exit(f'error: {len(failed)} of {len(runs)} runs failed: {", ".join(failed)}')


def _runs(config: str):
  """The runs that a sweep's file and options ask for."""
  path, _, options = config.partition(':')
  get_sweep = runpy.run_path(path).get('get_sweep')
  if get_sweep is None:
    raise ValueError(
      f'{path} is no sweep: it has no get_sweep; take a configs/*_sweep.py, or train a'
      ' single experiment by main.py'
    )
  return get_sweep(options)


def _run_missing(runs, workdir: pathlib.Path, passed_on: list[str]) -> list[str]:
  """Names of the runs that failed."""
  if not pathlib.Path('main.py').exists():
    raise FileNotFoundError(
      f'there is no main.py in {pathlib.Path.cwd()}; change to the folder that has it'
    )
  missing = [run for run in runs if not (workdir / run.name / 'results.json').exists()]
  print(f'to do: {len(missing)} of {len(runs)} runs', flush=True)
  failed = []
  started = time.monotonic()
  for done, run in enumerate(missing):
    command = ['main.py', f'--config={run.config}', f'--workdir={workdir / run.name}']
    print(f'[{done + 1}/{len(missing)}] python {shlex.join(command)}', flush=True)
    if subprocess.run([sys.executable, *command, *passed_on], check=False).returncode:
      failed.append(run.name)
    left = len(missing) - done - 1
    minutes = (time.monotonic() - started) / (done + 1) * left / 60
    print(f'left: {left} runs, about {minutes:.0f} min', flush=True)
  return failed


def _table(runs, workdir: pathlib.Path) -> str:
  # Only now, so that --help and wrong flags are answered at once.
  from report_lib.sweep_table import TableRow, figure_of_run, sweep_table

  rows = {}
  for run in runs:
    figures, _ = rows.setdefault(run.row, ([], run.paper))
    figures.append(figure_of_run(workdir / run.name))
  return sweep_table(
    [TableRow(title, tuple(figures), paper) for title, (figures, paper) in rows.items()]
  )


if __name__ == '__main__':
  app.run(main)
