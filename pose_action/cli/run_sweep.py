"""Trains the runs of a sweep that are missing, and prints its tables.

  python tools/run_sweep.py --config=configs/jmrn_table1_sweep.py:quick,development \\
    --workdir=/tmp/jmrn_table1 -- --config.data.poses=jhmdb_train1.pkl

What follows `--` is passed on to every run. Run it where main.py is. A run that has its
results is skipped, one that was interrupted is resumed; one that fails is named at the
end, and the others go on. Several sweeps of one setting may share a workdir, one after
another: a run that they have in common is trained once. `tools/report.py` prints the
tables again, at any time.

--jobs=2 runs two side by side, each on its own share of the cores, its output in
<workdir>/<run>.log. A run that is resumed on another number of cores ends with other
last bits. On a GPU set XLA_PYTHON_CLIENT_MEM_FRACTION, so that two fit in its memory.
"""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import runpy
import shlex
import signal
import statistics
import subprocess
import sys
import time

from pose_action.cli.program import Flags
from pose_action.host.progress import in_words
from pose_action.sweeps import record as sweep_record

FLAGS = Flags()
_CONFIG = FLAGS.string(
  'config', None, 'A sweep of configs/, options after a colon.', required=True
)
_WORKDIR = FLAGS.string(
  'workdir', None, 'Takes a workdir of each run, by its name.', required=True
)
_JOBS = FLAGS.integer('jobs', 1, 'Runs side by side.', lower_bound=1)
_DRY_RUN = FLAGS.bool(
  'dry_run', False, 'Print the commands of the missing runs, and do nothing.'
)

_POLL_SECONDS = 0.2


def main(args):
  # As on an interrupt, its runs end too: a later call must not meet them at work.
  signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
  workdir, passed_on = pathlib.Path(_WORKDIR.value).expanduser(), args
  try:
    sweep = _sweep(_CONFIG.value)
    for note in sweep.notes:
      print(f'note: {note}')
    missing = [
      r for r in sweep.runs if not (workdir / r.name / 'results.json').exists()
    ]
    print(f'to do: {len(missing)} of {len(sweep.runs)} runs', flush=True)
    if _DRY_RUN.value:
      for run in missing:
        print(_shown(_command(run, workdir, passed_on)))
      return
    failed = _train_and_report(sweep, missing, workdir, passed_on)
  except (ValueError, OSError) as error:
    sys.exit(f'error: {error}')
  except KeyboardInterrupt:
    sys.exit('interrupted; the same command goes on from here')
  if failed:
    listed = ''.join(f'\n  {name}: {log}' for name, log in failed.items())
    sys.exit(f'error: {len(failed)} of {len(sweep.runs)} runs failed:{listed}')


def _train_and_report(
  sweep, missing, workdir: pathlib.Path, passed_on: list[str]
) -> dict[str, str]:
  """Of the runs that failed the name and where to look."""
  if not pathlib.Path('main.py').exists():
    raise FileNotFoundError(
      f'there is no main.py in {pathlib.Path.cwd()}; change to the folder that has it'
    )
  with _alone(workdir):
    record = sweep_record.add_to_record(workdir, dataclasses.asdict(sweep))
    failed = _train(missing, workdir, passed_on)
  # Only now, so that --help and wrong flags are answered at once.
  from pose_action.sweeps.table import report

  print(f'\n{report(record, workdir)}')
  return failed


def _sweep(config: str):
  """The sweep that a file and its options ask for."""
  path, _, options = config.partition(':')
  get_sweep = runpy.run_path(path).get('get_sweep')
  if get_sweep is None:
    raise ValueError(
      f'{path} is no sweep: it has no get_sweep; take a configs/*_sweep.py, or train a'
      ' single experiment by main.py'
    )
  return get_sweep(options)


@contextlib.contextmanager
def _alone(workdir: pathlib.Path):
  """Two sweeps at once would train one run twice, in the same folder."""
  workdir.mkdir(parents=True, exist_ok=True)
  with open(workdir / '.sweep.lock', 'w') as lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      raise ValueError(
        f'another run_sweep is at work in {workdir}; wait until it is done, or give'
        ' another --workdir'
      ) from error
    yield


def _command(run, workdir: pathlib.Path, passed_on: list[str]) -> list[str]:
  flags_of_run = [f'--config={run.config}', f'--workdir={workdir / run.name}']
  return ['main.py', *flags_of_run, *run.flags, *passed_on]


def _shown(command: list[str]) -> str:
  return f'python {shlex.join(command)}'


@dataclasses.dataclass
class _Running:
  """A run under way.

  Attributes:
    slot: 0..jobs - 1, its share of the cores.
    config_before: when its config.json was last written before it started.
  """

  name: str
  process: subprocess.Popen
  workdir: pathlib.Path
  slot: int
  log: pathlib.Path | None
  config_before: int
  started: float

  def has_its_data(self) -> bool:
    """A run writes its config.json afresh once its data set is exported and opened."""
    return _written_at(self.workdir / 'config.json') != self.config_before

  def seconds(self) -> float:
    return time.monotonic() - self.started


def _train(missing, workdir: pathlib.Path, passed_on: list[str]) -> dict[str, str]:
  """Trains runs, `--jobs` at a time; of those that failed the name and where to look.

  A run starts once all that are under way have opened their data: the first of a data
  set exports it, and a second process that meets an unfinished export gives up.
  """
  jobs, waiting = _JOBS.value, list(missing)
  running: list[_Running] = []
  took: list[float] = []
  failed: dict[str, str] = {}
  try:
    while waiting or running:
      if waiting and len(running) < jobs and all(r.has_its_data() for r in running):
        slot = min(set(range(jobs)) - {r.slot for r in running})
        print(f'[{len(missing) - len(waiting) + 1}/{len(missing)}] ', end='')
        running.append(_start(waiting.pop(0), workdir, passed_on, slot))
      for run in [run for run in running if run.process.poll() is not None]:
        running.remove(run)
        if run.process.returncode:
          failed[run.name] = _where_to_look(run)
        took.append(run.seconds())
        left = len(waiting) + len(running)
        spent = sum(other.seconds() for other in running)
        seconds = max(statistics.fmean(took) * left - spent, 0) / jobs
        print(
          f'{_ended(run)}; left: {left} runs, about {in_words(seconds)}', flush=True
        )
      time.sleep(_POLL_SECONDS)
  finally:
    for run in running:
      run.process.terminate()
      run.process.wait()
  return failed


def _start(run, workdir: pathlib.Path, passed_on: list[str], slot: int) -> _Running:
  command = _command(run, workdir, passed_on)
  log = workdir / f'{run.name}.log' if _JOBS.value > 1 else None
  print(_shown(command) + (f' > {log}' if log else ''), flush=True)
  folder = workdir / run.name
  with contextlib.ExitStack() as stack:
    output = stack.enter_context(log.open('a')) if log else None
    config_before = _written_at(folder / 'config.json')
    process = subprocess.Popen(
      [sys.executable, *command],
      stdout=output,
      stderr=subprocess.STDOUT if log else None,
      preexec_fn=_pin_to_cores(slot),
    )
  now = time.monotonic()
  return _Running(run.name, process, folder, slot, log, config_before, now)


def _pin_to_cores(slot: int):
  """For the new process to call: keeps it on its share of the cores, where that can be.

  XLA makes as many threads as there are cores to run on, so that runs side by side do
  not take turns on each other's. Its own flags would leave only a choice of one thread
  or all.
  """
  if _JOBS.value == 1 or not hasattr(os, 'sched_setaffinity'):  # Linux has it.
    return None
  cores = sorted(os.sched_getaffinity(0))
  share = cores[slot :: _JOBS.value] or [cores[slot % len(cores)]]
  return lambda: os.sched_setaffinity(0, share)


def _written_at(file: pathlib.Path) -> int:
  try:
    return file.stat().st_mtime_ns
  except FileNotFoundError:
    return 0


def _ended(run: _Running) -> str:
  took = in_words(run.seconds())
  if run.process.returncode:
    return f'FAILED {run.name} (exit status {run.process.returncode}) after {took}'
  return f'done {run.name} in {took}'


def _where_to_look(run: _Running) -> str:
  if run.log:
    return str(run.log)
  error_log = run.workdir / 'error.log'  # of main.py; one may be an earlier failure's
  return str(error_log) if error_log.exists() else 'see its output above'
