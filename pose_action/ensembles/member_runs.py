"""Trains the members of an ensemble: ordinary runs, in turn or side by side."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import ml_collections
from jax.sharding import Mesh

from pose_action.host import atomic_files
from pose_action.host.progress import in_words
from pose_action.host.side_by_side import Job, run_jobs, time_left, training_program
from pose_action.runtime import sharding
from pose_action.runtime.stop_signals import StopSignals
from pose_action.training.experiment import train_and_evaluate
from pose_action.training.loop import TrainingStopped

_FINISHED = 'finished.json'
_CONFIG = 'member.json'


class MembersFailedError(ValueError):
  """Some members could not be trained."""


class MembersStopped(TrainingStopped):
  """Ctrl-C or SIGTERM stopped members that were trained side by side."""

  def __init__(self, signal: int):
    super().__init__(0, signal)
    self.args = ('stopped; the same command resumes',)


@dataclasses.dataclass(frozen=True)
class MemberRun:
  """One run of one member.

  Attributes:
    name: `held_out/NAME` or `members/NAME`; its folder in the ensemble's workdir.
    config: the run's own config.
    workdir: the run's own folder.
    split: the split that it predicts after training; '' only trains.
  """

  name: str
  config: ml_collections.ConfigDict
  workdir: pathlib.Path
  split: str

  @property
  def is_finished(self) -> bool:
    """Whether it was trained and, where it is to be, evaluated."""
    try:
      finished = json.loads((self.workdir / _FINISHED).read_text('utf-8'))
    except (OSError, ValueError):
      return False
    if not self.split:
      return True
    return finished == {'split': self.split} and self._results.is_file()

  def finish(self):
    """Records that nothing is left to do."""
    atomic_files.write_json(self.workdir / _FINISHED, {'split': self.split})

  @property
  def _results(self) -> pathlib.Path:
    return self.workdir / 'results.json'


def train_members(
  runs: Sequence[MemberRun],
  *,
  jobs: int = 1,
  mesh: Mesh | None = None,
):
  """Trains the runs that are not finished, and evaluates those with a split.

  A run that was interrupted continues where it stopped.

  Args:
    jobs: how many to train at a time. Beyond 1, each has a process of its own and its
      share of the cores; its output goes to `<workdir>.log`.
    mesh: all devices by default; for one run at a time.

  Raises:
    MembersFailedError: if runs in processes of their own failed, when all have ended.
    TrainingStopped: after Ctrl-C or SIGTERM, when the state is saved.
  """
  left = [run for run in runs if not _agreed(run.is_finished)]
  if jobs > 1:
    _train_side_by_side(left, jobs)
    return
  seconds: list[float] = []
  for number, run in enumerate(left, start=1):
    say(f'[{number}/{len(left)}] {run.name}')
    started = time.monotonic()
    run_here(run, mesh=mesh)
    if sharding.is_first():
      run.finish()
    seconds.append(time.monotonic() - started)
    left_over = time_left(seconds, len(left) - number)
    say(f'done {run.name} in {in_words(seconds[-1])}; {left_over}')


def run_here(
  run: MemberRun, *, trains: bool = True, mesh: Mesh | None = None
) -> dict[str, Any] | None:
  """Trains or only evaluates one run in this process; lines begin with its name."""
  with _named_output(run.name):
    try:
      return train_and_evaluate(
        run.config,
        str(run.workdir),
        trains=trains,
        evaluates=bool(run.split),
        mesh=mesh,
      )
    except TrainingStopped as stopped:
      stopped.args = (f'{run.name}: {stopped}',)
      raise


def say(line: str):
  """Prints a line on process 0."""
  if sharding.is_first():
    print(line, flush=True)


def _agreed(is_finished: bool) -> bool:
  """The same in all processes of a job: finished if process 0 says so."""
  return bool(sharding.largest_of_all([is_finished and sharding.is_first()])[0])


def _train_side_by_side(runs: Sequence[MemberRun], jobs: int):
  if not sharding.is_alone():
    raise ValueError(
      f'jobs is {jobs}, but a job of several processes trains one member at a time; set'
      ' it to 1'
    )
  by_name = {run.name: run for run in runs}
  with StopSignals() as stop:
    failed = run_jobs(
      [_job(run) for run in runs],
      jobs,
      stop=stop.poll,
      ended=lambda job: by_name[job.name].finish(),
    )
    if received := stop.poll():
      raise MembersStopped(received)
  if failed:
    listed = '; '.join(f'{name}, see {log}' for name, log in failed.items())
    raise MembersFailedError(
      f'{len(failed)} of {len(runs)} members failed: {listed}. The same command tries'
      ' them again'
    )


def _job(run: MemberRun) -> Job:
  config = run.workdir / _CONFIG
  atomic_files.write_json(config, run.config.to_dict())
  mode = 'train_and_evaluate' if run.split else 'train'
  return Job(
    name=run.name,
    arguments=[
      *training_program(),
      f'--config={config}',
      f'--workdir={run.workdir}',
      f'--mode={mode}',
    ],
    workdir=run.workdir,
    log=run.workdir.with_name(f'{run.workdir.name}.log'),
  )


@contextlib.contextmanager
def _named_output(name: str) -> Iterator[None]:
  """Begins each line that is printed in the block with a name."""
  with contextlib.redirect_stdout(_Named(sys.stdout, f'{name}: ')):
    yield


class _Named(io.TextIOBase):
  """Writes text to a stream, each line after a prefix."""

  def __init__(self, stream: TextIO, prefix: str):
    self._stream = stream
    self._prefix = prefix
    self._begins_line = True

  def write(self, text: str) -> int:
    for line in text.splitlines(keepends=True):
      if self._begins_line:
        self._stream.write(self._prefix)
      self._stream.write(line)
      self._begins_line = line.endswith('\n')
    return len(text)

  def flush(self):
    self._stream.flush()
