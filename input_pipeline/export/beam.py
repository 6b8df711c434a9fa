"""Exports on Apache Beam: workers write whole shards, the same as one process would.

TFDS can run a ShardBasedBuilder on Beam too, but writes a split's shards again for every
split after it (4.9.10), and does not return which clips were written. So the pipeline is
ours; features, records and files are TFDS's. Workers report on their clips in files, as
a pipeline's results are files on every runner.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import logging
import os
import signal
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence

from etils import epath

from input_pipeline.catalog.source_spec import SourceSpec, open_once
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.export.shard_plan import Shard
from input_pipeline.export.write_shard import Recipe, ShardReport, export_shard
from input_pipeline.poses.reasons import FewLines
from input_pipeline.storage.paths import is_remote
from pose_action.host.progress import Progress

LOCAL_RUNNER = 'DirectRunner'

_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_TO_STOP = 10
# Beam's threads that wait for a worker process, and that read from one.
_WAITS_FOR_WORKER = 'run_worker'
_READ_WORKER = ('read_grpc_client_inputs', 'beam_control_read')
# A worker writes the second if a strict export meets a clip that cannot be used (a
# PoseDataError), and the first on any other error.
_FAILED, _REFUSED = 'failed.txt', 'refused.txt'


@dataclasses.dataclass(frozen=True)
class BeamSettings:
  """Where the workers run.

  Attributes:
    runner: name of a Beam runner; DirectRunner uses processes on this machine.
    num_workers: number of workers; None lets the runner choose (DirectRunner: one per
      core).
    options: more flags for Beam, such as '--project=…'.
  """

  runner: str = LOCAL_RUNNER
  num_workers: int | None = None
  options: tuple[str, ...] = ()

  def __post_init__(self):
    if self.num_workers is not None and self.num_workers < 1:
      raise PoseDatasetError(
        f'num_workers is {self.num_workers}, but must be at least 1'
      )

  @property
  def is_local(self) -> bool:
    return self.runner == LOCAL_RUNNER


def check_beam():
  """Checks that Beam is installed.

  Raises:
    PoseDatasetError: if not; says how to install it.
  """
  if importlib.util.find_spec('apache_beam') is None:
    raise PoseDatasetError(
      "a runner needs Apache Beam, which is not installed: pip install '.[beam]'"
    )


def export_on_beam(
  spec: SourceSpec,
  shards: Sequence[Shard],
  recipe: Recipe,
  notes: epath.Path,
  settings: BeamSettings,
  progress: Callable[[str], object],
) -> list[ShardReport]:
  """Writes the shards on Beam's workers; returns their reports in the given order.

  Args:
    notes: an empty directory that the workers can write to, as they can to
      `recipe.directory`.
    progress: as in `export_dataset`; reports a shard's clips when the shard is done.

  Raises:
    PoseDatasetError: if a worker process ends before its work is done.
    PoseDataError: in a strict export, from the first clip that cannot be used.
    RuntimeError: for any other error in a worker, with its traceback.
  """
  task = _ShardTask(spec, recipe, os.fspath(notes))
  watch = _Watch(notes, shards, progress)
  with _quiet_beam(), _lost_workers() as lost:
    run = _Run(lambda: _run_pipeline(task, shards, settings))
    try:
      while not run.done.wait(_SECONDS_BETWEEN_LOOKS):
        watch.look()
        if lost:
          raise PoseDatasetError(
            f'a worker process of Beam ended before its work was done ({lost[0]}),'
            ' perhaps killed for lack of memory; nothing is kept; use fewer workers'
          )
        # Beam itself would let the other workers finish their work first.
        if settings.is_local and (failure := _failure(notes)):
          raise failure
    finally:
      if settings.is_local and not run.done.is_set():
        _stop_workers(notes)
  if run.error is not None:
    raise _failure(notes) or run.error
  watch.look()
  return [watch.reports[shard.split, shard.index] for shard in shards]


class _ShardTask:
  """A worker's task: exports a shard and leaves a report. Can be pickled."""

  def __init__(self, spec: SourceSpec, recipe: Recipe, notes: str):
    self._spec = spec
    self._recipe = recipe
    self._notes = notes

  def __call__(self, shard: Shard) -> int:
    notes = epath.Path(self._notes)
    if not is_remote(notes):
      (notes / f'{os.getpid()}.pid').touch()
    try:
      report = export_shard(
        open_once(self._spec), shard, self._recipe, lambda video_id, reason: None
      )
    except PoseDataError as error:
      _leave(notes / _REFUSED, str(error))
      raise
    except Exception:
      _leave(notes / _FAILED, traceback.format_exc())
      raise
    _leave(notes / _report_name(shard), report.to_json())
    return len(report.video_ids)


def _leave(note: epath.Path, text: str):
  """Writes a note atomically.

  Not with `atomic_files`: notes may be in an object store, and workers on several
  machines may write the same note, with equal process ids.
  """
  unfinished = note.with_name(f'{note.name}.{uuid.uuid4().hex}')
  unfinished.write_text(text)
  unfinished.replace(note)


def _failure(notes: epath.Path) -> Exception | None:
  """The error that a worker left a note about, if any."""
  if (notes / _REFUSED).exists():
    return PoseDataError((notes / _REFUSED).read_text())
  if (notes / _FAILED).exists():
    return RuntimeError(f'error in a worker of Beam:\n{(notes / _FAILED).read_text()}')
  return None


class _Watch:
  """Collects the workers' reports as they appear, and shows progress."""

  def __init__(
    self,
    notes: epath.Path,
    shards: Sequence[Shard],
    progress: Callable[[str], object],
  ):
    self.reports: dict[tuple[str, int], ShardReport] = {}
    self._notes = notes
    self._waiting = {_report_name(shard): shard for shard in shards}
    self._progress = progress
    self._few = FewLines()
    self._pace = Progress(
      sum(len(shard.video_ids) for shard in shards), 'clips', progress
    )

  def look(self):
    """Reads the reports that have appeared since the last call."""
    present = {file.name for file in self._notes.iterdir()}
    for name in sorted(present & set(self._waiting)):
      shard = self._waiting.pop(name)
      report = ShardReport.from_json((self._notes / name).read_text())
      self.reports[shard.split, shard.index] = report
      for video_id, reason in report.left_out:
        line = f'{shard.split}: left out {video_id!r}: {reason}'
        if (shown := self._few.line(video_id, reason, line)) is not None:
          self._progress(shown)
      self._pace.add(len(shard.video_ids), label=shard.split)


class _Run:
  """Runs a call in a daemon thread, because Beam may never return."""

  def __init__(self, call: Callable[[], object]):
    self.error: BaseException | None = None
    self.done = threading.Event()
    self._call = call
    threading.Thread(target=self._run, daemon=True).start()

  def _run(self):
    try:
      self._call()
    except BaseException as error:
      self.error = error
    finally:
      self.done.set()


def _run_pipeline(task: _ShardTask, shards: Sequence[Shard], settings: BeamSettings):
  import apache_beam as beam  # pyright: ignore[reportMissingImports]
  from apache_beam.options.pipeline_options import (  # pyright: ignore[reportMissingImports]
    PipelineOptions,
  )

  options = PipelineOptions(_flags(settings))
  with beam.Pipeline(runner=settings.runner, options=options) as pipeline:
    _ = (
      pipeline
      | 'Shards' >> beam.Create(list(shards))
      # Without this, one worker would write all shards.
      | 'Share' >> beam.Reshuffle()
      | 'Write' >> beam.Map(task)
    )


def _flags(settings: BeamSettings) -> list[str]:
  if settings.is_local:
    flags = [
      '--direct_running_mode=multi_processing',
      f'--direct_num_workers={settings.num_workers or 0}',  # 0: one per core.
      '--default_sdk_harness_log_level=ERROR',
      # Otherwise Beam 2.77 first looks on the network for another engine, which ignores
      # the number of workers; that engine refuses pipelines with this flag.
      '--allow_unsafe_triggers',
    ]
  else:
    flags = [f'--num_workers={settings.num_workers}'] if settings.num_workers else []
  return [*flags, *settings.options]


def _report_name(shard: Shard) -> str:
  return f'{shard.split}-{shard.index:05d}.json'


@contextlib.contextmanager
def _quiet_beam() -> Iterator[None]:
  """Silences Beam's log messages; its errors are still raised."""
  disabled = logging.root.manager.disable
  logging.disable(max(disabled, logging.ERROR))
  try:
    yield
  finally:
    logging.disable(disabled)


@contextlib.contextmanager
def _lost_workers() -> Iterator[list[str]]:
  """Collects errors about lost worker processes on this machine.

  Beam raises these errors in its own thread, where nothing catches them, and then waits
  forever.
  """
  lost: list[str] = []
  default_hook = threading.excepthook

  def collect(args: threading.ExceptHookArgs):
    name = args.thread.name if args.thread is not None else ''
    if name == _WAITS_FOR_WORKER:
      lost.append(str(args.exc_value))
    elif name not in _READ_WORKER:
      default_hook(args)

  threading.excepthook = collect
  try:
    yield lost
  finally:
    threading.excepthook = default_hook


def _stop_workers(notes: epath.Path):
  """Kills the worker processes on this machine that have begun a shard."""
  for file in notes.glob('*.pid'):
    with contextlib.suppress(ProcessLookupError):
      os.kill(int(file.stem), signal.SIGKILL)
  for thread in threading.enumerate():
    if thread.name in (_WAITS_FOR_WORKER, *_READ_WORKER):
      thread.join(_SECONDS_TO_STOP)
