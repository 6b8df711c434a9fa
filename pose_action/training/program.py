"""The compiled functions of a run, and its numbers of steps."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import optax
from jax.sharding import Mesh

from input_pipeline.loading.sampling import check_one_view
from input_pipeline.model_input import batch_input
from pose_action.runtime import sharding
from pose_action.runtime.compiler_options import (
  convolution_options,
  initial_state_options,
)
from pose_action.training import input_settings, optimizers
from pose_action.training.evaluation_step import (
  Batch,
  EvaluationOutput,
  InputOfBatch,
  check_average,
  evaluation_step,
)
from pose_action.training.losses import (
  LossSettings,
  log_class_priors,
  make_class_weights,
)
from pose_action.training.micro_batches import are_in_loop, check_micro_batches
from pose_action.training.mixup import check_mixup
from pose_action.training.model_registry import (
  build_model,
  check_encoding,
  on_devices,
  with_rematerialization,
  without_dropout,
)
from pose_action.training.run_data import RunData
from pose_action.training.step import TrainState, initial_state, train_step
from pose_action.training.step_metrics import TrainMetrics
from pose_action.training.weight_average import check_averaging

_CLIPS_SHOWN = 4
_AT_LEAST_ONE = (
  'data.num_frames',
  'train.epochs',
  'eval.views',
  'eval.batch_size',
)


TrainStep = Callable[[TrainState, TrainMetrics, Batch], tuple[Any, Any]]


@dataclasses.dataclass(frozen=True)
class Program:
  """The compiled functions of a run, for one mesh.

  Attributes:
    batch_size: training clips per step, on all devices together.
    state_shapes: the state's shapes, dtypes and shardings; nothing is computed.
    initial_state: seed → a fresh state, with its final sharding.
    empty_metrics: () → the metrics of no step, replicated.
    train_step: (state, metrics, batch) → (state, metrics); both arguments are donated.
    early_train_step: the same without dropout, for the first `early_steps` updates.
    evaluation_step: (variables, batch) → (output, index `[b]`), replicated.
    pictures: (variables, training batch) → (inputs, motion maps or None, labels) for the
      first clips, replicated.
    plateau_step: (plateau state, monitored value) → plateau state.
  """

  mesh: Mesh
  model: nn.Module
  batch_size: int
  total_steps: int
  steps_per_epoch: int
  steps_per_evaluation: int
  state_shapes: TrainState
  initial_state: Callable[[jax.Array], TrainState]
  empty_metrics: Callable[[], TrainMetrics]
  train_step: TrainStep
  early_train_step: TrainStep
  early_steps: int
  evaluation_step: Callable[[Any, Batch], tuple[EvaluationOutput, jax.Array]]
  pictures: Callable[[Any, Batch], tuple[jax.Array, jax.Array | None, jax.Array]]
  plateau_step: Callable[[Any, jax.Array], Any]

  def step_function(self, step: int) -> TrainStep:
    """The function for an update, numbered from 1; compiled at its first call."""
    return self.early_train_step if step <= self.early_steps else self.train_step


def build_program(
  config: ml_collections.ConfigDict, data: RunData, mesh: Mesh
) -> Program:
  """Builds the run's functions; compiles nothing yet.

  Raises:
    ValueError: for an invalid field of the config.
  """
  _check_fields(config, data, mesh)
  batch_size = _batch_size(config, data, mesh)
  steps_per_epoch = max(len(data.train.indices) // batch_size, 1)
  total_steps = config.train.epochs * steps_per_epoch
  steps = _make_steps(config, data, mesh, total_steps, steps_per_epoch)
  shapes = jax.eval_shape(steps.initial_state, jnp.int32(0))
  places = sharding.state_sharding(shapes, mesh, config.train.state_sharding)
  whole, rows = sharding.replicated(mesh), sharding.over_rows(mesh)
  platform = mesh.devices.flat[0].platform
  training, inference = None, None
  if config.train.fast_cpu_convolutions:
    quick = config.train.quick_compilation
    training, inference = (
      convolution_options(platform, trains=trains, quick=quick)
      for trains in (True, False)
    )
  compiled_step = functools.partial(
    jax.jit,
    in_shardings=(places, whole, rows),
    out_shardings=(places, whole),
    donate_argnums=(0, 1),
    compiler_options=training,
  )
  return Program(
    mesh=mesh,
    model=steps.model,
    batch_size=batch_size,
    total_steps=total_steps,
    steps_per_epoch=steps_per_epoch,
    steps_per_evaluation=config.train.eval_every_epochs * steps_per_epoch,
    state_shapes=_with_sharding(shapes, places),
    initial_state=jax.jit(
      steps.initial_state,
      out_shardings=places,
      compiler_options=initial_state_options(platform),
    ),
    # Not device_put: over several processes it compares values, and NaN is not NaN.
    empty_metrics=jax.jit(lambda: TrainMetrics.empty(), out_shardings=whole),
    train_step=compiled_step(steps.train),
    early_train_step=compiled_step(steps.early_train),
    early_steps=config.train.dropout_from_epoch * steps_per_epoch,
    evaluation_step=jax.jit(
      steps.evaluate, out_shardings=whole, compiler_options=inference
    ),
    pictures=jax.jit(steps.pictures, out_shardings=whole),
    plateau_step=jax.jit(steps.update_plateau),
  )


@dataclasses.dataclass(frozen=True)
class _Steps:
  """The functions of a `Program` before they are compiled for a mesh."""

  model: nn.Module
  initial_state: Callable[..., TrainState]
  train: Callable[..., tuple[TrainState, TrainMetrics]]
  early_train: Callable[..., tuple[TrainState, TrainMetrics]]
  evaluate: Callable[..., tuple[EvaluationOutput, jax.Array]]
  pictures: Callable[..., tuple[Any, Any, jax.Array]]
  update_plateau: Callable[..., Any]


def _make_steps(
  config: ml_collections.ConfigDict,
  data: RunData,
  mesh: Mesh,
  total_steps: int,
  steps_per_epoch: int,
) -> _Steps:
  """Builds model, optimiser and losses, and binds the pure steps to them."""
  model = on_devices(build_model(config.model, len(data.class_names)), mesh)
  check_encoding(model, config.data.encoding)
  schedule = optimizers.make_schedule(
    config.optimizer, total_steps=total_steps, steps_per_epoch=steps_per_epoch
  )
  optimizer = optimizers.make_optimizer(config.optimizer, schedule)
  plateau = optimizers.make_plateau(config.optimizer, steps_per_epoch)
  input_of_batch = _input_of_batch(data)
  trained = with_rematerialization(model) if config.train.rematerialize else model
  shared = {
    'model': model,
    'input_of_batch': input_of_batch,
    'losses': _losses(config.train, data, steps_per_epoch),
  }
  one_step = functools.partial(
    train_step,
    optimizer=optimizer,
    schedule=schedule,
    average_decay=config.train.average_decay,
    mixup_alpha=config.augment.mixup,
    micro_batches=config.train.micro_batches,
    in_loop=are_in_loop(mesh),
    **shared | {'model': trained},
  )
  early_step = one_step
  if config.train.dropout_from_epoch:
    early_step = functools.partial(one_step, model=without_dropout(trained))
  watched = plateau if config.optimizer.plateau == optimizers.TRAIN_LOSS else None
  evaluate = functools.partial(
    evaluation_step,
    average=config.eval.average,
    mirror=input_settings.mirror_permutation(config, data.skeleton),
    **shared,
  )
  return _Steps(
    model=model,
    initial_state=functools.partial(
      initial_state,
      model,
      optimizer,
      plateau,
      data.example_input,
      averages=config.train.average_decay > 0,
    ),
    train=functools.partial(_step_and_count, one_step, watched),
    early_train=functools.partial(_step_and_count, early_step, watched),
    evaluate=lambda variables, batch: (evaluate(variables, batch), batch['index']),
    pictures=functools.partial(_pictures, model, input_of_batch),
    update_plateau=functools.partial(_plateau_step, plateau),
  )


def _losses(
  train: ml_collections.ConfigDict, data: RunData, steps_per_epoch: int
) -> LossSettings:
  labels, classes = data.train.labels, len(data.class_names)
  return LossSettings.from_config(
    train,
    steps_per_epoch,
    make_class_weights(train.class_weights, labels, classes),
    log_class_priors(train.logit_adjustment, labels, classes),
  )


def _input_of_batch(data: RunData) -> InputOfBatch:
  return functools.partial(
    batch_input,
    skeleton=data.skeleton,
    settings=data.map_settings,
    augmentation=data.augment_settings,
    trajectories=data.trajectory_settings,
  )


def _check_fields(config: ml_collections.ConfigDict, data: RunData, mesh: Mesh):
  """Refuses values that would fail, or change their meaning, only later."""
  for field in _AT_LEAST_ONE:
    section, name = field.split('.')
    if config[section][name] < 1:
      raise ValueError(
        f'config.{field} is {config[section][name]}, but must be at least 1'
      )
  if config.train.dropout_from_epoch < 0:
    raise ValueError(
      f'config.train.dropout_from_epoch is {config.train.dropout_from_epoch}; give the'
      ' number of epochs without dropout, 0 or more'
    )
  check_average(config.eval.average)
  check_averaging(config)
  check_mixup(config)
  if config.data.sampling == 'whole' or config.data.representation == 'potion':
    check_one_view(config.eval.views, 'the model sees the whole video')
  watched = config.optimizer.plateau not in ('', optimizers.TRAIN_LOSS)
  if watched and data.validation is None:
    raise ValueError(
      f'config.optimizer.plateau is {config.optimizer.plateau!r}, but no clips are held'
      " out to monitor; set config.data.validation_folds, or the plateau to ''"
    )


def _batch_size(config: ml_collections.ConfigDict, data: RunData, mesh: Mesh) -> int:
  """Clips per training step; for 0, the most clips that divide evenly."""
  asked = config.train.batch_size
  if asked < 0:
    raise ValueError(
      f'config.train.batch_size is {asked}, but must be at least 1, or 0 for all training'
      ' clips in one batch'
    )
  parts = config.train.micro_batches
  sharding.check_batch_size(asked, mesh, 'train.batch_size')
  check_micro_batches(parts, asked, mesh.size)
  clips, unit = len(data.train.indices), mesh.size * parts
  return asked or max(clips - clips % unit, unit)


def _with_sharding(shapes: TrainState, places: TrainState) -> TrainState:
  return jax.tree.map(
    lambda array, place: jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=place),
    shapes,
    places,
  )


def _step_and_count(
  one_step,
  plateau: optax.GradientTransformationExtraArgs | None,
  state: TrainState,
  metrics: TrainMetrics,
  batch: Batch,
):
  """A step; `plateau` sees the batch's classification loss, if it is given."""
  state, step_metrics = one_step(state, batch)
  if plateau is not None:
    watched = _plateau_step(plateau, state.plateau, step_metrics.loss.compute())
    state = dataclasses.replace(state, plateau=watched)
  return state, metrics.merge(step_metrics)


def _pictures(model: nn.Module, input_of_batch, variables: Any, batch: Batch):
  inputs = input_of_batch(jax.tree.map(lambda rows: rows[:_CLIPS_SHOWN], batch), None)
  output: Any = model.apply(variables, inputs, train=False)
  return inputs, output.motion_maps, batch['label'][:_CLIPS_SHOWN]


def _plateau_step(plateau: optax.GradientTransformationExtraArgs, state, value):
  return plateau.update({}, state, value=value)[1]
