"""Trains the missing runs of a sweep, then prints its tables.

  python tools/run_sweep.py --config=configs/jmrn_table1_sweep.py:small,development \\
    --workdir=/tmp/jmrn_table1 -- --config.data.poses=jhmdb_train1.pkl

All flags after `--` are passed on to every run, and must be the same whenever you run a
sweep in this workdir. Runs with results are skipped, and interrupted runs are resumed. A failed run does not stop the others; it is listed at the
end. Sweeps of the same setting may share a workdir, one after another: runs that they
have in common are trained once. `tools/report.py` prints the tables again at any time.

The program works in any folder. Where the current folder has a main.py, that file trains
the runs; elsewhere the installed package does.

--jobs=2 trains two runs at a time, each on its own share of the cores, and writes their
output to <workdir>/<run>.log. A run resumed on another number of cores may differ in the
last bits. On a GPU, set XLA_PYTHON_CLIENT_MEM_FRACTION so that all runs fit in its
memory.
"""

import dataclasses
import signal
import sys

from pose_action.cli.launch import config_names
from pose_action.cli.launch.program import Flags
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_CONFIG = FLAGS.string(
  'config',
  None,
  'The sweep: a file, or the name of a shipped one (*_sweep), options after a colon.',
  required=True,
)
_WORKDIR = FLAGS.string(
  'workdir',
  None,
  'Output folder: one subfolder per run. Run again with the same folder to resume.',
  required=True,
)
_JOBS = FLAGS.integer('jobs', 1, 'Number of runs to train at a time.', lower_bound=1)
_DRY_RUN = FLAGS.bool(
  'dry_run', False, 'Only print the commands that would train the missing runs.'
)
before_parsing = config_names.with_paths


def main(args):
  # Ends the runs too, as Ctrl-C does: they must not go on beside a later sweep's.
  signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

  # Imported here, so that --help and mistyped flags are answered at once.
  from pose_action.host.side_by_side import shown
  from pose_action.sweeps import runner

  launch = runner.Launch(user_path(str(_WORKDIR.value)), tuple(args), _JOBS.value)
  sweep = runner.load_sweep(str(_CONFIG.value))
  for note in sweep.notes:
    print(f'note: {note}')
  missing = runner.missing_runs(sweep, launch.workdir)
  print(f'to do: {len(missing)} of {len(sweep.runs)} runs', flush=True)
  if _DRY_RUN.value:
    for run in missing:
      print(shown(runner.command(run, launch)))
    return
  try:
    failed = _train_and_report(sweep, missing, launch)
  except KeyboardInterrupt:
    sys.exit('interrupted; run the same command again to continue')
  if failed:
    listed = ''.join(f'\n  {name}: {log}' for name, log in failed.items())
    sys.exit(f'error: {len(failed)} of {len(sweep.runs)} runs failed:{listed}')


def _train_and_report(sweep, missing, launch) -> dict[str, str]:
  """Trains the missing runs, prints the tables, and returns the failed runs."""
  from pose_action.sweeps import record, runner
  from pose_action.sweeps.table import report

  with runner.sole_user(launch.workdir):
    recorded = record.add_to_record(
      launch.workdir, dataclasses.asdict(sweep), launch.extra_flags
    )
    if unknown := record.runs_without_known_flags(recorded):
      print(
        f'note: {len(unknown)} runs, such as {unknown[0]}, are from before the flags'
        ' after -- were recorded; give the flags that they were trained with'
      )
    failed = runner.train_runs(missing, launch)
  print(f'\n{report(recorded, launch.workdir)}')
  return failed
