"""Trains the runs of a sweep, each in a process of its own, one or several at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import runpy
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from configs.shared.sweep import Sweep, SweepRun
from pose_action.host.progress import in_words

_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Launch:
  """How the runs of a sweep are started.

  Attributes:
    workdir: folder of the sweep; each run has a folder in it, by its name.
    extra_flags: flags for the training program, the same for every run.
    jobs: how many runs to train at a time, at least 1.
  """

  workdir: pathlib.Path
  extra_flags: Sequence[str] = ()
  jobs: int = 1


def load_sweep(config: str) -> Sweep:
  """The sweep that a file describes; its options follow the path after a colon.

  Raises:
    ValueError: if the file does not define a sweep, or an option is not valid.
  """
  path, _, options = config.partition(':')
  get_sweep = runpy.run_path(path).get('get_sweep')
  if get_sweep is None:
    raise ValueError(
      f'{path} is not a sweep: it does not define get_sweep. Give a configs/*_sweep.py,'
      ' or train a single experiment with main.py'
    )
  return get_sweep(options)


def missing_runs(sweep: Sweep, workdir: pathlib.Path) -> list[SweepRun]:
  """The runs that have not written their results yet."""
  return [
    run for run in sweep.runs if not (workdir / run.name / 'results.json').exists()
  ]


def command(run: SweepRun, launch: Launch) -> list[str]:
  """Arguments for Python that train a run: main.py of this folder, or the package."""
  is_checkout = pathlib.Path('main.py').exists()
  program = ['main.py'] if is_checkout else ['-m', 'pose_action', 'train']
  return [
    *program,
    f'--config={run.config}',
    f'--workdir={launch.workdir / run.name}',
    *run.flags,
    *launch.extra_flags,
  ]


def shown(command: Sequence[str]) -> str:
  """A command as a user would type it."""
  return f'python {shlex.join(command)}'


@contextlib.contextmanager
def sole_user(workdir: pathlib.Path) -> Iterator[None]:
  """Locks the workdir: two sweeps at once would train one run twice in one folder.

  Raises:
    ValueError: if another sweep is using the workdir.
  """
  workdir.mkdir(parents=True, exist_ok=True)
  with open(workdir / '.sweep.lock', 'w') as lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      raise ValueError(
        f'another sweep is running in {workdir}; wait until it ends, or give another'
        ' --workdir'
      ) from error
    yield


def train_runs(runs: Sequence[SweepRun], launch: Launch) -> dict[str, str]:
  """Trains the runs and prints how far they are; a failed run does not stop the rest.

  The next run starts when all running ones have opened their data: the first run on a
  data set exports it, and a second process that finds an unfinished export gives up.
  Running processes are terminated if this function is interrupted.

  Returns:
    For each failed run, by name, where its error is.
  """
  waiting = list(runs)
  running: list[_Running] = []
  seconds: list[float] = []
  failed: dict[str, str] = {}
  try:
    while waiting or running:
      if (
        waiting and len(running) < launch.jobs and all(r.has_its_data for r in running)
      ):
        slot = min(set(range(launch.jobs)) - {r.slot for r in running})
        print(f'[{len(runs) - len(waiting) + 1}/{len(runs)}] ', end='')
        running.append(_start(waiting.pop(0), launch, slot))
      for run in [run for run in running if run.process.poll() is not None]:
        running.remove(run)
        if run.process.returncode:
          failed[run.name] = _where_to_look(run)
        seconds.append(run.seconds)
        left = _time_left(seconds, waiting, running, launch.jobs)
        print(f'{_how_it_ended(run)}; {left}', flush=True)
      time.sleep(_POLL_SECONDS)
  finally:
    for run in running:
      run.process.terminate()
      run.process.wait()
  return failed


@dataclasses.dataclass
class _Running:
  """A run whose process has been started.

  Attributes:
    workdir: the run's own folder.
    slot: which share of the cores it has, 0 to jobs - 1.
    log: file with its output; None if it prints to the terminal.
    config_before: when its config.json was last written before the start, in ns.
    started: by the monotonic clock, in seconds.
  """

  name: str
  process: subprocess.Popen
  workdir: pathlib.Path
  slot: int
  log: pathlib.Path | None
  config_before: int
  started: float

  @property
  def has_its_data(self) -> bool:
    """Whether it has opened its data set: it writes config.json right after that."""
    return _written_at(self.workdir / 'config.json') != self.config_before

  @property
  def seconds(self) -> float:
    return time.monotonic() - self.started


def _start(run: SweepRun, launch: Launch, slot: int) -> _Running:
  arguments = command(run, launch)
  log = launch.workdir / f'{run.name}.log' if launch.jobs > 1 else None
  print(shown(arguments) + (f' > {log}' if log else ''), flush=True)
  folder = launch.workdir / run.name
  with contextlib.ExitStack() as stack:
    output = stack.enter_context(log.open('a')) if log else None
    config_before = _written_at(folder / 'config.json')
    stack.enter_context(_on_its_share_of_cores(slot, launch.jobs))
    process = subprocess.Popen(
      [sys.executable, *arguments],
      stdout=output,
      stderr=subprocess.STDOUT if log else None,
    )
  now = time.monotonic()
  return _Running(run.name, process, folder, slot, log, config_before, now)


@contextlib.contextmanager
def _on_its_share_of_cores(slot: int, jobs: int) -> Iterator[None]:
  """Pins processes that are started in the block to their share of the cores.

  XLA starts one thread per core that it may use. Without shares, runs side by side would
  compete for the same cores. XLA's own flags offer only one thread or all of them.
  """
  if jobs == 1 or not hasattr(os, 'sched_setaffinity'):  # Only Linux has it.
    yield
    return
  all_cores = os.sched_getaffinity(0)
  cores = sorted(all_cores)
  share = cores[slot::jobs] or [cores[slot % len(cores)]]
  # New processes inherit the cores of the thread that starts them. A preexec_fn would
  # set them too, but must not be used where JAX's threads are running.
  os.sched_setaffinity(0, share)
  try:
    yield
  finally:
    os.sched_setaffinity(0, all_cores)


def _written_at(file: pathlib.Path) -> int:
  """When a file was last written, in ns; 0 if it does not exist."""
  try:
    return file.stat().st_mtime_ns
  except FileNotFoundError:
    return 0


def _time_left(
  seconds: Sequence[float],
  waiting: Sequence[SweepRun],
  running: Sequence[_Running],
  jobs: int,
) -> str:
  """How many runs are left, and how long they will take, going by the ended ones."""
  runs_left = len(waiting) + len(running)
  spent = sum(run.seconds for run in running)
  seconds_left = max(statistics.fmean(seconds) * runs_left - spent, 0) / jobs
  return f'left: {runs_left} runs, about {in_words(seconds_left)}'


def _how_it_ended(run: _Running) -> str:
  took = in_words(run.seconds)
  if run.process.returncode:
    return f'FAILED {run.name} (exit status {run.process.returncode}) after {took}'
  return f'done {run.name} in {took}'


def _where_to_look(run: _Running) -> str:
  if run.log:
    return str(run.log)
  # Written by the training program; it may be left from an earlier failure.
  error_log = run.workdir / 'error.log'
  return str(error_log) if error_log.exists() else 'see its output above'
