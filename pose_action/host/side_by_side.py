"""Runs training programs in processes of their own, one or several at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from pose_action.host.progress import in_words

_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Job:
  """One training program to run.

  Attributes:
    name: shown to the user.
    arguments: for Python, see `training_program`.
    workdir: the program's own output folder.
    log: file that its output is appended to; None prints it to the terminal.
  """

  name: str
  arguments: Sequence[str]
  workdir: pathlib.Path
  log: pathlib.Path | None = None


def training_program() -> list[str]:
  """Arguments for Python: main.py of this folder, or else the package's command."""
  is_checkout = pathlib.Path('main.py').exists()
  return ['main.py'] if is_checkout else ['-m', 'pose_action', 'train']


def shown(arguments: Sequence[str]) -> str:
  """A command as a user would type it."""
  return f'python {shlex.join(arguments)}'


def run_jobs(
  jobs: Sequence[Job],
  at_a_time: int = 1,
  *,
  stop: Callable[[], int] | None = None,
  ended: Callable[[Job], object] = lambda job: None,
) -> dict[str, str]:
  """Runs the jobs and prints how far they are; a failed job does not stop the rest.

  The next job starts when all running ones have opened their data: the first job on a
  data set exports it, and a second process that finds an unfinished export gives up.
  Running processes are terminated if this function is interrupted.

  Args:
    stop: polled; a signal's number is passed on to the running processes once, no job is
      started any more, and this function returns when they have ended. With it, Ctrl-C
      in the terminal does not reach the processes directly.
    ended: called after each job that succeeded.

  Returns:
    For each failed job, by name, where its error is.
  """
  waiting = list(jobs)
  running: list[_Running] = []
  seconds: list[float] = []
  failed: dict[str, str] = {}
  received = 0
  try:
    while waiting or running:
      if stop is not None and not received and (received := stop()):
        waiting.clear()
        for run in running:
          run.process.send_signal(received)
      if waiting and len(running) < at_a_time and all(r.has_its_data for r in running):
        slot = min(set(range(at_a_time)) - {r.slot for r in running})
        print(f'[{len(jobs) - len(waiting) + 1}/{len(jobs)}] ', end='')
        running.append(_start(waiting.pop(0), slot, at_a_time, detached=bool(stop)))
      for run in [run for run in running if run.process.poll() is not None]:
        running.remove(run)
        if run.process.returncode:
          failed[run.job.name] = _where_to_look(run.job)
        else:
          ended(run.job)
        seconds.append(run.seconds)
        spent = sum(other.seconds for other in running)
        count = len(waiting) + len(running)
        left = time_left(seconds, count, spent, at_a_time)
        print(f'{_how_it_ended(run)}; {left}', flush=True)
      time.sleep(_POLL_SECONDS)
  finally:
    for run in running:
      run.process.terminate()
      run.process.wait()
  return failed


def time_left(
  seconds: Sequence[float], left: int, spent: float = 0.0, at_a_time: int = 1
) -> str:
  """How many runs are left, and how long they will take, going by the ended ones.

  Args:
    seconds: how long each ended run took.
    left: runs that have not ended.
    spent: seconds that these have taken so far, together.
  """
  seconds_left = max(statistics.fmean(seconds) * left - spent, 0) / at_a_time
  return f'left: {left} runs, about {in_words(seconds_left)}'


@dataclasses.dataclass
class _Running:
  """A job whose process has been started.

  Attributes:
    slot: which share of the cores it has, 0 to at_a_time - 1.
    config_before: when its config.json was last written before the start, in ns.
    started: by the monotonic clock, in seconds.
  """

  job: Job
  process: subprocess.Popen
  slot: int
  config_before: int
  started: float

  @property
  def has_its_data(self) -> bool:
    """Whether it has opened its data set: it writes config.json right after that."""
    return _written_at(self.job.workdir / 'config.json') != self.config_before

  @property
  def seconds(self) -> float:
    return time.monotonic() - self.started


def _start(job: Job, slot: int, at_a_time: int, *, detached: bool) -> _Running:
  to_log = f' > {job.log}' if job.log else ''
  print(f'{shown(job.arguments)}{to_log}', flush=True)
  with contextlib.ExitStack() as stack:
    output = stack.enter_context(job.log.open('a')) if job.log else None
    config_before = _written_at(job.workdir / 'config.json')
    stack.enter_context(_on_its_share_of_cores(slot, at_a_time))
    process = subprocess.Popen(
      [sys.executable, *job.arguments],
      stdout=output,
      stderr=subprocess.STDOUT if job.log else None,
      start_new_session=detached,
    )
  return _Running(job, process, slot, config_before, time.monotonic())


@contextlib.contextmanager
def _on_its_share_of_cores(slot: int, at_a_time: int) -> Iterator[None]:
  """Pins processes that are started in the block to their share of the cores.

  XLA starts one thread per core that it may use. Without shares, runs side by side would
  compete for the same cores. XLA's own flags offer only one thread or all of them.
  """
  if at_a_time == 1 or not hasattr(os, 'sched_setaffinity'):  # Only Linux has it.
    yield
    return
  all_cores = os.sched_getaffinity(0)
  cores = sorted(all_cores)
  share = cores[slot::at_a_time] or [cores[slot % len(cores)]]
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


def _how_it_ended(run: _Running) -> str:
  took = in_words(run.seconds)
  status = run.process.returncode
  if status in (128 + signal.SIGINT, 128 + signal.SIGTERM):
    return f'stopped {run.job.name} after {took}'
  if status:
    return f'FAILED {run.job.name} (exit status {status}) after {took}'
  return f'done {run.job.name} in {took}'


def _where_to_look(job: Job) -> str:
  if job.log:
    return str(job.log)
  # Written by the training program; it may be left from an earlier failure.
  error_log = job.workdir / 'error.log'
  return str(error_log) if error_log.exists() else 'see its output above'
