"""What happens at an evaluation during training: figures, pictures, drop on plateau."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from report_lib import plots
from train_lib import metrics, sharding
from train_lib.evaluate import negative_log_likelihood
from train_lib.run import Run
from train_lib.step import Batch, TrainState


def validate(run: Run, state: TrainState, step: int) -> tuple[TrainState, float]:
  """Evaluates the held-out clips, writes figures and the confusion matrix.

  Returns:
    The state, its plateau updated where the config asks for that, and the accuracy,
    by which the best checkpoint is chosen.
  """
  split = run.data.validation
  if split is None:
    raise ValueError('there are no held-out clips to validate on')
  scores = run.predict(state, split)
  figures = {
    'loss': negative_log_likelihood(scores, split.labels),
    'accuracy': metrics.accuracy(scores, split.labels),
    'mean_class_accuracy': metrics.mean_class_accuracy(scores, split.labels),
  }
  run.writer.write_scalars(step, {f'validation/{n}': v for n, v in figures.items()})
  counts = metrics.confusion_matrix(scores, split.labels, len(run.data.class_names))
  if jax.process_index() == 0:
    picture = plots.confusion_matrix_image(counts, run.data.class_names)
    run.writer.write_images(step, {'validation/confusion_matrix': picture})
  run.report(
    f'validation at step {step}: accuracy {figures["accuracy"]:.1%},'
    f' mean class {figures["mean_class_accuracy"]:.1%}, loss {figures["loss"]:.3f}'
  )
  return _watch_plateau(run, state, figures), figures['accuracy']


def write_pictures(run: Run, state: TrainState, step: int, batch: Batch):
  """The maps and motion maps of a batch's first clips: TensorBoard, and the workdir."""
  maps, motion_maps, labels = jax.device_get(
    run.program.pictures(state.variables(), batch)
  )
  if jax.process_index():
    return
  titles = [run.data.class_names[label] for label in labels]
  joints = maps[..., : run.data.skeleton.num_joints]
  images = {'sample_maps': plots.sample_maps_image(joints, titles)}
  if motion_maps is not None:
    images['motion_maps'] = plots.motion_maps_image(motion_maps, titles)
  run.writer.write_images(step, {f'maps/{name}': i for name, i in images.items()})
  for name, image in images.items():
    plots.save_png(run.workdir / f'{name}.png', image)


def _watch_plateau(
  run: Run, state: TrainState, figures: dict[str, float]
) -> TrainState:
  monitored = run.config.optimizer.plateau
  if not monitored:
    return state
  # optax compares relative to the best value so far, which must fall and not be below
  # 0: of negative values, a tie would count as better.
  values = {'accuracy': 1 - figures['accuracy'], 'loss': figures['loss']}
  value = jax.device_put(
    np.float32(values[monitored]), sharding.replicated(run.program.mesh)
  )
  return dataclasses.replace(
    state, plateau=run.program.plateau_step(state.plateau, value)
  )
