"""An experiment from start to end: train or resume, evaluate, write results."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import jax
import ml_collections
import numpy as np
from jax.sharding import Mesh

from input_pipeline.catalog.holdout import FOLD_RULE
from input_pipeline.catalog.protocols import PROTOCOLS
from pose_action.evaluation.evaluation import Evaluation
from pose_action.evaluation.joint_weights import joint_weight_images
from pose_action.evaluation.results import headline, results_table, write_results
from pose_action.runtime import sharding
from pose_action.training.loop import train
from pose_action.training.resume import ResumeError, start_or_resume
from pose_action.training.run import Run, open_run
from pose_action.training.step import TrainState


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
  """
  with open_run(config, workdir, mesh or sharding.make_mesh()) as run:
    if evaluates:
      _check_something_to_evaluate(run)
    state = None
    if trains:
      state = train(run, *start_or_resume(run))
    return _evaluate_checkpoints(run, state) if evaluates else None


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


def _evaluate_checkpoints(run: Run, last: TrainState | None) -> dict[str, Any]:
  """Evaluates the last and the best checkpoint, and writes the results."""
  latest, best = run.checkpoints.latest_step, run.checkpoints.best_step
  if latest is None:
    raise ResumeError(
      f'there is no checkpoint in {run.workdir}; train first (--mode=train, or'
      ' train_and_evaluate)'
    )
  if last is None:
    last = run.checkpoints.restore_state(latest, run.program.state_shapes)
  evaluations = _evaluations(run, last, 'last')
  if best == latest:
    evaluations += [dataclasses.replace(e, checkpoint='best') for e in evaluations]
  elif best is not None:
    selected = run.checkpoints.restore_state(best, run.program.state_shapes)
    evaluations += _evaluations(run, selected, 'best')
  if jax.process_index():
    return {}
  chosen = run.data.validation.name if best and run.data.validation else None
  results = write_results(
    run.workdir,
    evaluations,
    dataset=run.config.data.dataset,
    protocol=_protocol(run),
    selection_rule=(
      f'best: the highest {chosen} figure during training, the latest on a tie'
      if chosen
      else 'none: the last checkpoint'
    ),
    selection_split=chosen,
    held_out=run.data.holdout.to_dict() if run.data.holdout else None,
    notes=_notes(run),
  )
  run.report(results_table(results, run.workdir))
  _write_joint_weight_images(run, headline(evaluations, chosen))
  return results


def _evaluations(
  run: Run, state: TrainState, checkpoint: Literal['last', 'best']
) -> list[Evaluation]:
  """Evaluates one checkpoint on the validation clips and the test split, if any."""
  splits = {s.name: s for s in (run.data.validation, run.data.test) if s is not None}
  evaluations = []
  for split in splits.values():
    prediction = run.predict(state, split)
    weights = prediction.joint_weights
    evaluations.append(
      Evaluation(
        split=split.name,
        checkpoint=checkpoint,
        step=int(state.step),
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


def _write_joint_weight_images(run: Run, evaluation: Evaluation):
  """Writes pictures of the joint weights to TensorBoard."""
  images = joint_weight_images(evaluation)
  run.writer.write_images(
    evaluation.step, {f'joint_weights/{name}': i for name, i in images.items()}
  )


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
    seen = f'whole videos, at most {data.num_frames} frames each'
  else:
    seen = (
      f'{evaluation.views} views of {data.num_frames} frames per video,'
      f' {evaluation.average} averaged'
    )
  folds = f'; folds {run.data.holdout.by}' if run.data.holdout else ''
  seed = f'seed {run.config.seed}'
  return f'trained on {data.train_split}, {held_out}; {seen}; {seed}{folds}'
