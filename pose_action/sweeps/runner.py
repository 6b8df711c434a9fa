"""Trains the runs of a sweep, each in a process of its own, one or several at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import pathlib
import runpy
from collections.abc import Iterator, Sequence

from configs.shared.sweep import Sweep, SweepRun
from pose_action.host.side_by_side import Job, run_jobs, training_program


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
  return [
    *training_program(),
    f'--config={run.config}',
    f'--workdir={launch.workdir / run.name}',
    *run.flags,
    *launch.extra_flags,
  ]


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
  """Trains the runs and prints how far they are; see `side_by_side.run_jobs`.

  Returns:
    For each failed run, by name, where its error is.
  """
  jobs = [
    Job(
      name=run.name,
      arguments=command(run, launch),
      workdir=launch.workdir / run.name,
      log=launch.workdir / f'{run.name}.log' if launch.jobs > 1 else None,
    )
    for run in runs
  ]
  return run_jobs(jobs, launch.jobs)
