"""A run: its config and workdir, with the data, program and files opened for it."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import ml_collections
from jax.sharding import Mesh

from input_pipeline.annotations.training_windows import SegmentOptions, tier_names
from input_pipeline.export.open_or_export import open_or_export
from input_pipeline.loading.kept_batches import KeptBatches
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.readers.options import options_of_flags
from input_pipeline.storage.dataset import PoseDataset
from pose_action.host import atomic_files
from pose_action.host.garbage import search_paused
from pose_action.host.user_paths import user_path
from pose_action.host.workdir_lock import WorkdirLockedError, sole_run
from pose_action.runtime import sharding
from pose_action.runtime.writers import RunWriter
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.encoder_windows import with_window_plan
from pose_action.training.evaluation_step import EvaluationOutput
from pose_action.training.fold_rule import with_fold_rule
from pose_action.training.predict_split import predict_split
from pose_action.training.program import Program, build_program
from pose_action.training.resume import check_same_run, describe_run
from pose_action.training.run_data import RunData, Split, make_run_data

_CLASSES_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class Run:
  """Everything that evaluation works with. It writes nothing to the workdir.

  Attributes:
    description: saved in every checkpoint, see `resume.describe_run`.
    report: prints a line on process 0, and does nothing on the others.
    kept: batches of the splits that were predicted.
  """

  config: ml_collections.ConfigDict
  workdir: pathlib.Path
  data: RunData
  program: Program
  description: dict
  report: Callable[[str], object]
  kept: KeptBatches = dataclasses.field(
    default_factory=KeptBatches, kw_only=True, repr=False
  )

  def predict(
    self, variables: Any, split: Split, poll: Callable[[], int] = lambda: 0
  ) -> EvaluationOutput:
    """Predicts every clip of a split, with the views that the config asks for.

    Args:
      poll: stops the prediction, see `predict_split`.
    """
    return predict_split(
      variables,
      split,
      self.data,
      self.program.evaluation_step,
      self.program.mesh,
      batch_size=self.config.eval.batch_size,
      num_views=self.config.eval.views,
      poll=poll,
      kept=self.kept,
    )


@dataclasses.dataclass(frozen=True)
class TrainingRun(Run):
  """A run that trains, and is the only one that writes to its workdir."""

  checkpoints: Checkpoints
  writer: RunWriter


@search_paused()
def open_run(config: ml_collections.ConfigDict, workdir: str, mesh: Mesh) -> Run:
  """Opens data and program.

  Raises:
    ValueError: for an invalid config.
  """
  is_primary = jax.process_index() == 0

  def report(line: str):
    if is_primary:
      print(line, flush=True)

  folder = user_path(workdir)
  config = with_fold_rule(config, folder)
  data = make_run_data(config, open_data(config, report))
  for line in _held_out(data):
    report(line)
  config = with_window_plan(config, data, report, folder)
  return Run(
    config=config,
    workdir=folder,
    data=data,
    program=build_program(config, data, mesh),
    description=describe_run(config, data),
    report=report,
  )


@contextlib.contextmanager
def open_training(
  config: ml_collections.ConfigDict, workdir: str, mesh: Mesh
) -> Iterator[TrainingRun]:
  """Locks the workdir, opens data, program, checkpoints and writers; closes them all.

  Raises:
    ValueError: for an invalid config.
    WorkdirLockedError: if another job trains in the workdir.
    ResumeError: if the workdir holds another run.
  """
  folder = user_path(workdir)
  with sole_job(folder):
    run = open_run(config, workdir, mesh)
    # Always closed, so that a save that has begun is finished.
    with contextlib.closing(Checkpoints(folder)) as checkpoints:
      check_same_run(checkpoints, run.description, folder)
      checkpoints.set_unreadable_aside(run.program.state_shapes)
      is_primary = jax.process_index() == 0
      first_step = checkpoints.latest_step or 0
      left_open = checkpoints.left_open(first_step)
      with RunWriter(
        folder,
        enabled=is_primary,
        resume_step=first_step,
        evaluates_again=bool(left_open and left_open['evaluation']),
      ) as writer:
        if is_primary:
          atomic_files.write_json(folder / 'config.json', run.description['config'])
        fields = {f.name: getattr(run, f.name) for f in dataclasses.fields(run)}
        yield TrainingRun(**fields, checkpoints=checkpoints, writer=writer)


@contextlib.contextmanager
def sole_job(folder: pathlib.Path) -> Iterator[None]:
  """Process 0 locks the workdir for all processes of its job.

  Raises:
    WorkdirLockedError: if another job uses the workdir.
  """
  with contextlib.ExitStack() as lock:
    refusal = None
    if jax.process_index() == 0:
      try:
        lock.enter_context(sole_run(folder))
      except (WorkdirLockedError, OSError) as error:
        refusal = error
    is_refused = sharding.largest_of_all([refusal is not None])[0]
    if refusal is not None:
      raise refusal
    if is_refused:
      raise WorkdirLockedError(
        f'process 0 could not lock {folder}; its output says why'
      )
    yield


def _held_out(data: RunData) -> Iterator[str]:
  """Says which clips are held out, and which classes that leaves untrained."""
  if data.holdout is None:
    return
  yield f'validation: {data.holdout}'
  untrained = [data.class_names[label] for label in data.holdout.untrained]
  if untrained:
    shown = ', '.join(untrained[:_CLASSES_SHOWN])
    more = len(untrained) - _CLASSES_SHOWN
    yield (
      f'note: all clips of {shown}{f" and {more} more classes" if more > 0 else ""} are'
      ' held out in this fold, so the model cannot learn them'
    )


def _segments(segments: ml_collections.ConfigDict) -> SegmentOptions | None:
  if not segments.file:
    return None
  return SegmentOptions(
    segments.file,
    segments.window,
    segments.stride,
    segments.background,
    tiers=tier_names(segments.tiers.split(',')),
  )


def open_data(
  config: ml_collections.ConfigDict, report: Callable[[str], object]
) -> PoseDataset:
  """Opens the config's data set, and exports it first where it is missing."""
  data = config.data
  return open_or_export(
    dataset=data.dataset,
    representation=data.representation,
    data_dir=data.data_dir,
    format=data.format or None,
    poses=data.poses or None,
    skeleton=data.skeleton or None,
    options=options_of_flags(
      frame_size=data.frame_size or None,
      max_people=data.max_people or None,
      per_person=data.per_person or None,
      normalized=data.normalized or None,
      trust_order=data.trust_order or None,
      frame_rate=data.fps or None,
    ),
    annotations=data.annotations or None,
    segments=_segments(data.segments),
    short_side=data.map_short_side,
    sigma=data.map_sigma,
    channels=data.potion.channels,
    weights=data.potion.weights,
    modalities=stored_modalities(data.modalities),
    part_width=data.part_width,
    progress=report,
    is_primary=jax.process_index() == 0,
    wait=lambda: sharding.wait_for_all('data set'),
  )
