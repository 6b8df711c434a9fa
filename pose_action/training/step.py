"""The train state, and the pure functions that change or read it, for any model."""

from __future__ import annotations

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Int, Key

from pose_action.training.evaluation_step import Batch, InputOfBatch
from pose_action.training.losses import (
  LossSettings,
  classification_losses,
  contrastive_loss,
  masked_mean,
  real_rows,
)
from pose_action.training.step_metrics import TrainMetrics


class TrainingDiverged(FloatingPointError):
  """A loss, gradient or score is not finite; the message says where."""


@struct.dataclass
class TrainState:
  """Everything that training changes, and the random key.

  Attributes:
    step: the number of updates so far.
    params: float32 parameters.
    collections: the model's other variables (BatchNorm statistics).
    opt_state: the optimiser's state.
    plateau: the state of the drop on plateau; its `scale` multiplies every update.
    key: the run's key; step `s` uses `fold_in(key, s)`.
  """

  step: Int[Array, '']
  params: Any
  collections: Any
  opt_state: Any
  plateau: Any
  key: Key[Array, '']

  def variables(self) -> dict[str, Any]:
    return {'params': self.params, **self.collections}


def initial_state(
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  plateau: optax.GradientTransformation,
  example_input: Any,
  seed: Int[Array, ''],
) -> TrainState:
  """A fresh state; a pure function, so that `jax.eval_shape` gives its shapes."""
  init_key, run_key = jax.random.split(jax.random.key(seed))
  maps = jax.tree.map(
    lambda shape: jnp.zeros((1, *shape.shape[1:]), shape.dtype), example_input
  )
  variables = model.init(init_key, maps, train=False)
  params = variables.pop('params')
  return TrainState(
    step=jnp.int32(0),
    params=params,
    collections=variables,
    opt_state=optimizer.init(params),
    plateau=plateau.init(params),
    key=run_key,
  )


def train_step(
  state: TrainState,
  batch: Batch,
  *,
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  schedule: optax.Schedule,
  input_of_batch: InputOfBatch,
  losses: LossSettings,
) -> tuple[TrainState, TrainMetrics]:
  """One update from one global batch; the metrics describe the state before it.

  If `input_of_batch` returns several augmented views per row, one after another, all are
  classified, and BatchNorm sees all of them (JMRN's official code).
  """
  key = jax.random.fold_in(state.key, state.step)
  augment_key, dropout_key = jax.random.split(key)
  maps = input_of_batch(batch, augment_key)
  views = len(jax.tree.leaves(maps)[0]) // len(batch['mask'])
  labels, mask = (jnp.repeat(batch[n], views, axis=0) for n in ('label', 'mask'))
  maps = jax.tree.map(lambda leaf: real_rows(leaf, mask), maps)

  def loss_of(params):
    output, changed = model.apply(
      {'params': params, **state.collections},
      maps,
      train=True,
      rngs={'dropout': dropout_key},
      mutable=list(state.collections),
    )
    classification = classification_losses(output.logits, labels, losses, mask)
    contrastive = contrastive_loss(output, labels, mask, losses)
    total = masked_mean(classification, mask)
    total += losses.weight_at(state.step) * contrastive
    return total, (classification, contrastive, output.logits, changed)

  gradient_of = jax.value_and_grad(loss_of, has_aux=True)
  (_, (classification, contrastive, logits, collections)), gradients = gradient_of(
    state.params
  )
  updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
  updates = jax.tree.map(lambda update: state.plateau.scale * update, updates)
  metrics = TrainMetrics.single_from_model_output(
    loss=classification,
    contrastive_loss=contrastive,
    logits=logits,
    labels=labels,
    mask=mask,
    learning_rate=schedule(state.step) * state.plateau.scale,
    gradient_norm=optax.tree.norm(gradients),
    step=state.step,
  )
  new_state = dataclasses.replace(
    state,
    step=state.step + 1,
    params=optax.apply_updates(state.params, updates),
    collections=collections,
    opt_state=opt_state,
  )
  return new_state, metrics
