"""Evaluation during training: figures, pictures, and the drop on plateau."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from einops import rearrange

from input_pipeline.maps.modalities import stored_modality
from pose_action import plots
from pose_action.evaluation import metrics
from pose_action.runtime import sharding
from pose_action.runtime.writers import EVALUATION
from pose_action.training.evaluation_step import Batch
from pose_action.training.optimizers import TRAIN_LOSS
from pose_action.training.program import Program
from pose_action.training.run import TrainingRun
from pose_action.training.step import TrainState

# Evaluations of a run that draw pictures, about: TensorBoard shows ten per name. Drawing
# takes longer than predicting a hundred clips with DD-Net.
_DRAWN = 10


def validate(
  run: TrainingRun, state: TrainState, step: int, poll: Callable[[], int] = lambda: 0
) -> tuple[TrainState, float]:
  """Evaluates the validation clips, and writes figures and the confusion matrix.

  The matrix is drawn only after some steps, see `is_drawn`.

  The parameters are those that `config.eval.weights` names.

  Args:
    poll: stops the evaluation before anything is written, see `predict_split`.

  Returns:
    The state, with its plateau updated if the config watches one, and the headline
    metric by which the best checkpoint is chosen: the accuracy, or the mAP for
    multi-label clips.

  Raises:
    ValueError: if the run has no validation clips.
    PredictionStopped: if `poll` says so.
  """
  split = run.data.validation
  if split is None:
    raise ValueError('there are no clips to validate on')
  variables = state.variables(run.config.eval.weights)
  scores = np.asarray(run.predict(variables, split, poll).probabilities)
  figures = metrics.figures(scores, split.labels, run.data.asked_figures)
  run.writer.write_scalars(step, {f'{EVALUATION}{n}': v for n, v in figures.items()})
  draws = is_drawn(run.program, step) and jax.process_index() == 0
  if draws and not run.data.multi_label:
    names = run.data.class_names
    counts = metrics.confusion_matrix(scores, split.labels, len(names))
    picture = plots.confusion_matrix_image(counts, names)
    run.writer.write_images(step, {f'{EVALUATION}confusion_matrix': picture})
  shown = ', '.join(
    f'{name.replace("_", " ")} {value:{".3f" if name == "loss" else ".1%"}}'
    for name, value in figures.items()
  )
  run.report(f'{split.name} at step {step}: {shown}')
  return _watch_plateau(run, state, figures), metrics.headline_figure(figures)


def is_drawn(program: Program, step: int) -> bool:
  """Whether the evaluation after a step draws pictures: at most 12 of a run do.

  The first, the last, and about ten evenly spread between.
  """
  every = program.steps_per_evaluation or program.total_steps
  number, last = (-(-steps // every) for steps in (step, program.total_steps))
  return number in (1, last) or number % math.ceil(last / _DRAWN) == 0


def write_pictures(run: TrainingRun, state: TrainState, step: int, batch: Batch):
  """Writes what the model reads for a batch's first clips to TensorBoard and as PNG.

  Maps and motion maps, or skeletons at a few moments if the model reads trajectories.
  """
  inputs, motion_maps, labels = jax.device_get(
    run.program.pictures(state.variables(run.config.eval.weights), batch)
  )
  if jax.process_index():
    return
  titles = [_title(label, run.data.class_names) for label in labels]
  if run.data.trajectory_settings is not None:
    kind, images = 'trajectories', _pictures_of_trajectories(run, inputs, titles)
  else:
    kind, images = 'maps', _pictures_of_maps(run, inputs, titles)
  for name, shown in _by_modality(run, motion_maps).items():
    image = plots.motion_maps_image(shown, titles)
    images[_file_name(run, 'motion_maps', name)] = image
  run.writer.write_images(step, {f'{kind}/{name}': i for name, i in images.items()})
  for name, image in images.items():
    plots.save_png(run.workdir / f'{name}.png', image)


def _pictures_of_trajectories(
  run: TrainingRun, trajectories: np.ndarray, titles: Sequence[str]
) -> dict[str, np.ndarray]:
  skeleton = run.data.skeleton
  image = plots.sample_trajectories_image(
    trajectories, titles, skeleton.limb_indices, skeleton.limb_sides
  )
  return {'sample_trajectories': image}


def _pictures_of_maps(
  run: TrainingRun, maps: Any, titles: Sequence[str]
) -> dict[str, np.ndarray]:
  """Maps by file name, one picture per modality, without the background."""
  column = 'frame'
  if run.data.map_settings.potion is not None:
    column = 'colour, from first to last'
    maps = rearrange(maps, 'b j h w c -> b c h w j')
  images = {}
  for name, shown in _by_modality(run, maps).items():
    if stored_modality(name) == 'joints':
      shown = shown[..., : run.data.skeleton.num_joints]
    image = plots.sample_maps_image(np.abs(shown), titles, column)
    images[_file_name(run, 'sample_maps', name)] = image
  return images


def _by_modality(run: TrainingRun, maps) -> dict[str, np.ndarray]:
  """Maps by modality name; empty if the model makes none."""
  if maps is None:
    return {}
  return maps if isinstance(maps, dict) else {run.config.data.modalities[0]: maps}


def _file_name(run: TrainingRun, kind: str, modality: str) -> str:
  return kind if len(run.config.data.modalities) == 1 else f'{kind}_{modality}'


def _title(label: np.ndarray, class_names: Sequence[str]) -> str:
  """The class name, or the first of several and the number of the others."""
  if not label.ndim:
    return class_names[int(label)]
  names = [name for name, present in zip(class_names, label, strict=True) if present]
  return names[0] + (f' + {len(names) - 1}' if len(names) > 1 else '') if names else '–'


def _watch_plateau(
  run: TrainingRun, state: TrainState, figures: dict[str, float]
) -> TrainState:
  monitored = run.config.optimizer.plateau
  if monitored in ('', TRAIN_LOSS):
    return state
  # optax compares relative to the best value so far, which must fall and be at least 0:
  # with negative values, a tie would count as an improvement.
  falling = 1 - metrics.headline_figure(figures)
  values = {'accuracy': falling, 'loss': figures['loss']}
  value = jax.device_put(
    np.float32(values[monitored]), sharding.replicated(run.program.mesh)
  )
  return dataclasses.replace(
    state, plateau=run.program.plateau_step(state.plateau, value)
  )
