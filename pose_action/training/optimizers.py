"""Optimisers and learning rates, as the config describes them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_collections
import optax


def make_schedule(
  config: ml_collections.ConfigDict, *, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
  """The learning rate by step: a linear warm-up, then what `config.schedule` names.

  'constant'; 'cosine' to 0 at the end; 'steps', times `decay_factor` at each of
  `decay_epochs`.
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
        f"config.optimizer.schedule is {other!r}; it is 'constant', 'cosine' or 'steps'"
      )
  if warmup:
    rise = optax.linear_schedule(peak / (warmup + 1), peak, warmup)
    schedule = optax.join_schedules([rise, schedule], [warmup])
  # optax mixes the step with floats, which strict dtypes refuse of an integer; float32
  # counts exactly to 16 million steps.
  return lambda step: schedule(jnp.asarray(step, jnp.float32))


def make_optimizer(
  config: ml_collections.ConfigDict, schedule: optax.Schedule
) -> optax.GradientTransformation:
  """SGD, Adam or AdamW with optional clipping and weight decay.

  For 'sgd' and 'adam' the decay is added to the gradient, as PyTorch's optimisers do;
  'adamw' decouples it. Only kernels of convolutions and classifiers decay; biases,
  BatchNorm and the few numbers of a temporal pose convolution do not; ours.
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
        f"config.optimizer.name is {other!r}; it is 'sgd', 'adam' or 'adamw'"
      )
  if config.clip_norm:
    steps.insert(0, optax.clip_by_global_norm(config.clip_norm))
  return optax.chain(*steps, optax.scale_by_learning_rate(schedule))


def make_plateau(
  config: ml_collections.ConfigDict,
) -> optax.GradientTransformationExtraArgs:
  """Lowers a scale on the learning rate when the monitored value stops improving.

  Updated once an evaluation, with a value that falls as the model improves.

  Raises:
    ValueError: where `config.plateau` names no value that an evaluation gives.
  """
  if config.plateau not in ('', 'accuracy', 'loss'):
    raise ValueError(
      f"config.optimizer.plateau is {config.plateau!r}; it is '' (off), 'accuracy' or"
      " 'loss'"
    )
  return optax.contrib.reduce_on_plateau(
    factor=config.plateau_factor, patience=config.plateau_patience
  )


def _kernels(params):
  """True for the arrays that decay."""
  return jax.tree_util.tree_map_with_path(
    lambda path, _: path[-1].key == 'kernel', params
  )
