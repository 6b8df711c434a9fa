"""An experiment from start to end: train or resume, evaluate, write results."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import ml_collections
import numpy as np
from jax.sharding import Mesh

from input_pipeline.catalog.holdout import FOLD_RULE
from input_pipeline.catalog.protocols import PROTOCOLS
from pose_action.evaluation.calibration import calibrations
from pose_action.evaluation.evaluation import Checkpoint, Evaluation
from pose_action.evaluation.joint_weights import joint_weight_images
from pose_action.evaluation.results import headline, results_table, write_results
from pose_action.evaluation.unknown import abstentions
from pose_action.runtime import sharding
from pose_action.runtime.stop_signals import StopSignals
from pose_action.runtime.writers import FINAL
from pose_action.training.checkpoint_digests import DamagedCheckpointError
from pose_action.training.loop import TrainingStopped, train
from pose_action.training.predict_split import PredictionStopped
from pose_action.training.resume import ResumeError, check_same_run, start_or_resume
from pose_action.training.run import Run, TrainingRun, open_run, open_training
from pose_action.training.saved_checkpoints import SavedCheckpoints
from pose_action.training.step import TrainState
from pose_action.training.weight_average import WEIGHTS


def train_and_evaluate(
  config: ml_collections.ConfigDict,
  workdir: str,
  *,
  trains: bool = True,
  evaluates: bool = True,
  mesh: Mesh | None = None,
) -> dict[str, Any] | None:
  """Trains (or resumes from the latest checkpoint), evaluates, and writes results.

  Args:
    config: see `configs/shared/base.py`.
    workdir: the output folder.
    trains: False evaluates the existing checkpoints.
    evaluates: False leaves the test split untouched.
    mesh: all devices by default.

  Returns:
    The content of `results.json`; None if nothing was evaluated.

  Raises:
    ValueError: for an invalid config, a missing data set, or a workdir that holds
      another run; raised before anything is compiled.
    TrainingDiverged: if the loss, a gradient or a score is not finite.
    TrainingStopped: after Ctrl-C or SIGTERM, when the state is saved.
  """
  mesh = mesh or sharding.make_mesh()
  if not trains:
    return _evaluate(open_run(config, workdir, mesh)) if evaluates else None
  with open_training(config, workdir, mesh) as run, StopSignals() as stop:
    if evaluates:
      _check_something_to_evaluate(run)
    with stop.leaving(run.checkpoints.latest_step or 0):
      start = start_or_resume(run)
    state = train(run, *start, stop=stop)
    if not evaluates:
      return None
    try:
      with stop.leaving(int(state.step)):
        return _evaluate(run, state, stop.poll)
    except PredictionStopped as error:
      raise TrainingStopped(int(state.step), stop.poll()) from error


def _check_something_to_evaluate(run: Run):
  if run.data.validation is None and run.data.test is None:
    holdout = run.data.holdout
    if holdout is not None:
      raise ValueError(
        f'there is nothing to evaluate on: fold {holdout.fold} of {holdout.folds} has no'
        f' clip by rule {holdout.rule}, and config.data.test_split is empty; set'
        f' config.data.fold_rule={FOLD_RULE} or another config.data.validation_fold, or'
        ' --mode=train'
      )
    raise ValueError(
      'there is nothing to evaluate on: config.data.validation_folds is 0 and'
      ' config.data.test_split is empty; give one of them, or --mode=train'
    )


def _evaluate(
  run: Run, last: TrainState | None = None, poll: Callable[[], int] = lambda: 0
) -> dict[str, Any]:
  """Evaluates the last and the best checkpoint, and writes the results files.

  If the run averages its weights, the last checkpoint is evaluated with both, and the
  best with those that chose it (`config.eval.weights`).

  Args:
    last: the state of the last checkpoint, if it was just trained.
    poll: stops the evaluation, see `predict_split`.
  """
  _check_something_to_evaluate(run)
  try:
    saved = SavedCheckpoints(run.workdir)
  except FileNotFoundError as error:
    raise ResumeError(
      f'there is no checkpoint in {run.workdir}; train first (--mode=train, or'
      ' train_and_evaluate)'
    ) from error
  with contextlib.closing(saved):
    check_same_run(saved, run.description, run.workdir)
    latest, best = saved.latest_step, saved.best_step
    weights = run.config.eval.weights
    evaluations = []
    for name in WEIGHTS if run.config.train.average_decay else ('last',):
      variables = _variables(run, saved, latest, name, last)
      evaluations += _evaluations(run, variables, latest, name, poll)
    notes = _notes(run)
    if best == latest:
      evaluations += [
        dataclasses.replace(e, checkpoint='best')
        for e in evaluations
        if e.checkpoint == weights
      ]
    elif best is not None:
      try:
        variables = _variables(run, saved, best, weights)
      except DamagedCheckpointError as error:
        notes.append(
          f'only the last checkpoint is evaluated, because the best, {error}'
        )
        best = None
      else:
        evaluations += _evaluations(run, variables, best, 'best', poll)
  if jax.process_index():
    return {}
  return _write(run, evaluations, notes, is_selected=best is not None)


def _variables(
  run: Run,
  saved: SavedCheckpoints,
  step: int,
  weights: str,
  state: TrainState | None = None,
) -> Any:
  if state is not None:
    return state.variables(weights)
  shapes = run.program.state_shapes.variables()
  return saved.restore_variables(step, shapes, weights)


def _write(
  run: Run, evaluations: list[Evaluation], notes: list[str], *, is_selected: bool
) -> dict[str, Any]:
  """Writes the results files; for a run that trains, also pictures to TensorBoard."""
  validation = run.data.validation
  chosen = validation.name if is_selected and validation else None
  weights = run.config.eval.weights
  of_average = ' of the averaged weights' if weights == 'average' else ''
  results = write_results(
    run.workdir,
    evaluations,
    dataset=run.config.data.dataset,
    protocol=_protocol(run),
    selection_rule=(
      f'best: the highest {chosen} figure{of_average} during training, the latest on a'
      ' tie'
      if chosen
      else f'none: the last checkpoint{of_average}'
    ),
    weights=weights,
    selection_split=chosen,
    held_out=run.data.holdout.to_dict() if run.data.holdout else None,
    notes=notes,
    further=_calibrations(run, evaluations),
  )
  run.report(results_table(results, run.workdir))
  if isinstance(run, TrainingRun):
    shown = headline(evaluations, chosen, weights)
    images = joint_weight_images(shown).items()
    run.writer.write_images(shown.step, {f'{FINAL}{n}': i for n, i in images})
  return results


def _calibrations(run: Run, evaluations: list[Evaluation]) -> dict[str, Any]:
  """Temperatures and thresholds from held-out training clips; they change no score."""
  if run.data.holdout is None or run.data.validation is None:
    return {}
  held_out = run.data.validation.name
  return {
    'calibration': calibrations(evaluations, held_out),
    'abstention': abstentions(evaluations, held_out),
  }


def _evaluations(
  run: Run,
  variables: Any,
  step: int,
  checkpoint: Checkpoint,
  poll: Callable[[], int],
) -> list[Evaluation]:
  """Evaluates one checkpoint on the validation clips and the test split, if any."""
  splits = {s.name: s for s in (run.data.validation, run.data.test) if s is not None}
  evaluations = []
  for split in splits.values():
    prediction = run.predict(variables, split, poll)
    weights = prediction.joint_weights
    evaluations.append(
      Evaluation(
        split=split.name,
        checkpoint=checkpoint,
        step=step,
        video_ids=split.video_ids,
        scores=np.asarray(prediction.probabilities),
        labels=split.labels,
        class_names=run.data.class_names,
        views=run.config.eval.views,
        asked=run.data.asked_figures,
        joint_weights=None if weights is None else np.asarray(weights),
        skeleton=run.data.skeleton,
      )
    )
  return evaluations


def _notes(run: Run) -> list[str]:
  """What a reader of the figures must know besides the protocol."""
  notes = []
  test, protocol = run.data.test, PROTOCOLS.get(run.config.data.dataset)
  if test and protocol and test.name in protocol.num_clips:
    here, published = len(test.video_ids), protocol.num_clips[test.name]
    if here != published:
      notes.append(
        f'{test.name} has {here} clips here, but {published} as published: clips that are'
        ' missing or show no joint are excluded from training and from all metrics'
      )
  if run.config.data.validate_on == 'test':
    watched = run.config.optimizer.plateau
    notes.append(
      f'same as published: {run.config.data.test_split} chose the best checkpoint'
      + (f' and lowered the learning rate (by its {watched})' if watched else '')
      + ', so its figures are optimistic'
    )
  return notes


def _protocol(run: Run) -> str:
  """One line for `results.json`: training data, held-out clips, views and seed."""
  data, evaluation = run.config.data, run.config.eval
  if data.validate_on == 'test':
    held_out = f'validated on {data.test_split}'
  elif run.data.validation:
    held_out = f'fold {data.validation_fold} of {data.validation_folds} held out'
  else:
    held_out = 'nothing held out'
  if data.representation == 'potion':
    seen = 'whole videos'
  elif data.sampling == 'whole':
    seen = f'whole videos, at most {data.read_frames or data.num_frames} frames each'
    if data.read_frames:
      seen += f', read at {data.num_frames} moments'
  else:
    seen = (
      f'{evaluation.views} views of {data.num_frames} frames per video,'
      f' {evaluation.average} averaged'
    )
  if evaluation.mirror:
    seen += f', {evaluation.average} averaged with the mirror images'
  folds = f'; folds {run.data.holdout.by}' if run.data.holdout else ''
  seed = f'seed {run.config.seed}'
  weights = '; averaged weights' if evaluation.weights == 'average' else ''
  return f'trained on {data.train_split}, {held_out}; {seen}{weights}; {seed}{folds}'
