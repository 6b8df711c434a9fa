"""Optimisers and learning rate schedules, built from a config."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_collections
import optax

# `config.optimizer.plateau` that watches the loss of training, not the held-out clips.
TRAIN_LOSS = 'train_loss'


def make_schedule(
  config: ml_collections.ConfigDict, *, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
  """The learning rate by step: a linear warm-up, then `config.schedule`.

  'constant'; 'cosine', to 0 at the last step; 'steps', multiplied by `decay_factor` at
  each of `decay_epochs`.

  Raises:
    ValueError: for an unknown schedule.
  """
  peak = config.learning_rate
  warmup = round(config.warmup_epochs * steps_per_epoch)
  after_warmup = max(total_steps - warmup, 1)
  match config.schedule:
    case 'constant':
      schedule = optax.constant_schedule(peak)
    case 'cosine':
      schedule = optax.cosine_decay_schedule(peak, after_warmup)
    case 'steps':
      boundaries = {
        round(epoch * steps_per_epoch) - warmup: config.decay_factor
        for epoch in config.decay_epochs
      }
      schedule = optax.piecewise_constant_schedule(peak, boundaries)
    case other:
      raise ValueError(
        f"config.optimizer.schedule is {other!r}; give 'constant', 'cosine' or 'steps'"
      )
  if warmup:
    rise = optax.linear_schedule(peak / (warmup + 1), peak, warmup)
    schedule = optax.join_schedules([rise, schedule], [warmup])
  # optax mixes the step with floats, which strict dtype promotion refuses for an
  # integer; float32 is exact up to 16 million steps.
  return lambda step: schedule(jnp.asarray(step, jnp.float32))


def make_optimizer(
  config: ml_collections.ConfigDict, schedule: optax.Schedule
) -> optax.GradientTransformation:
  """SGD, Adam or AdamW with optional clipping and weight decay.

  For 'sgd' and 'adam' the decay is added to the gradient, same as in PyTorch; 'adamw'
  decouples it. Only the kernels of convolutions and classifiers decay. Biases, BatchNorm
  and the few parameters of a temporal pose convolution do not (our choice).

  Raises:
    ValueError: for an unknown optimiser.
  """
  decay = optax.add_decayed_weights(config.weight_decay, mask=_kernels)
  match config.name:
    case 'sgd':
      steps = [decay, optax.trace(config.momentum, nesterov=config.nesterov)]
    case 'adam':
      steps = [decay, optax.scale_by_adam()]
    case 'adamw':
      steps = [optax.scale_by_adam(), decay]
    case other:
      raise ValueError(
        f"config.optimizer.name is {other!r}; give 'sgd', 'adam' or 'adamw'"
      )
  if config.clip_norm:
    steps.insert(0, optax.clip_by_global_norm(config.clip_norm))
  return optax.chain(*steps, optax.scale_by_learning_rate(schedule))


def make_plateau(
  config: ml_collections.ConfigDict, steps_per_epoch: int = 1
) -> optax.GradientTransformationExtraArgs:
  """Lowers the learning rate's scale when the monitored value stops improving.

  It is updated once per evaluation, with a value that falls as the model improves; or,
  for `TRAIN_LOSS`, at every step with the batch's loss, whose mean over an epoch counts.
  The scale drops at the value that is the (patience + 1)-th in a row without improvement,
  same as in PyTorch's ReduceLROnPlateau (JMRN's official code, DD-Net's port).

  Raises:
    ValueError: for an unknown `config.plateau`.
  """
  if config.plateau not in ('', 'accuracy', 'loss', TRAIN_LOSS):
    raise ValueError(
      f"config.optimizer.plateau is {config.plateau!r}; give '' (off), 'accuracy',"
      f" 'loss' or {TRAIN_LOSS!r}"
    )
  floor = config.plateau_floor
  # optax drops when the count reaches its patience, PyTorch when the count exceeds it.
  return optax.contrib.reduce_on_plateau(
    factor=config.plateau_factor,
    patience=config.plateau_patience + 1,
    cooldown=config.plateau_cooldown,
    accumulation_size=steps_per_epoch if config.plateau == TRAIN_LOSS else 1,
    min_scale=floor / config.learning_rate if floor else 0.0,
  )


def _kernels(params):
  """True for the arrays that decay."""
  return jax.tree_util.tree_map_with_path(
    lambda path, _: path[-1].key == 'kernel', params
  )
