"""The train state, and the pure functions that change or read it, for any model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Float, Int, Key

from model_lib.output import ModelOutput
from pose_action.training import mixup
from pose_action.training.evaluation_step import Batch, InputOfBatch
from pose_action.training.losses import (
  LossSettings,
  classification_losses,
  contrastive_loss,
  masked_mean,
  real_rows,
)
from pose_action.training.micro_batches import Found, Rows, gradient_of_batch
from pose_action.training.step_metrics import TrainMetrics
from pose_action.training.weight_average import updated_average

# Folded into a step's key. Keys 0 and 1 are the two that `jax.random.split` makes.
_MIXUP = 2


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
    average: the parameters' moving average, see `weight_average`; None if none is kept.
  """

  step: Int[Array, '']
  params: Any
  collections: Any
  opt_state: Any
  plateau: Any
  key: Key[Array, '']
  average: Any = None

  def variables(self, weights: str = 'last') -> dict[str, Any]:
    """The model's variables, with the 'last' parameters or their 'average'.

    BatchNorm statistics are always those of the last step (our choice).
    """
    params = self.average if weights == 'average' else self.params
    return {'params': params, **self.collections}


def initial_state(
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  plateau: optax.GradientTransformation,
  example_input: Any,
  seed: Int[Array, ''],
  *,
  averages: bool = False,
) -> TrainState:
  """A fresh state; a pure function, so that `jax.eval_shape` gives its shapes.

  Args:
    averages: keeps a moving average of the parameters, which starts from the first ones.
  """
  init_key, run_key = jax.random.split(jax.random.key(seed))
  inputs = jax.tree.map(
    lambda shape: jnp.zeros((1, *shape.shape[1:]), shape.dtype), example_input
  )
  variables = model.init(init_key, inputs, train=False)
  params = variables.pop('params')
  return TrainState(
    step=jnp.int32(0),
    params=params,
    collections=variables,
    opt_state=optimizer.init(params),
    plateau=plateau.init(params),
    key=run_key,
    average=params if averages else None,
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
  average_decay: float = 0.0,
  mixup_alpha: float = 0.0,
  micro_batches: int = 1,
  in_loop: bool = True,
) -> tuple[TrainState, TrainMetrics]:
  """One update from one global batch; the metrics describe the state before it.

  If `input_of_batch` returns several augmented views per row, one after another, all are
  classified, and BatchNorm sees all of them (JMRN's official code). With mixup, the
  accuracy is measured against the label with the larger share.

  Args:
    micro_batches: parts of the batch whose gradients are computed one after another. All
      rows are augmented and mixed before they are divided.
    in_loop: see `micro_batches.gradient_of_batch`.
  """
  key = jax.random.fold_in(state.key, state.step)
  augment_key, dropout_key = jax.random.split(key)
  inputs = input_of_batch(batch, augment_key)
  views = len(jax.tree.leaves(inputs)[0]) // len(batch['mask'])
  labels, mask = (jnp.repeat(batch[n], views, axis=0) for n in ('label', 'mask'))
  inputs = jax.tree.map(lambda leaf: real_rows(leaf, mask), inputs)
  mixing = None
  if mixup_alpha:
    mixing = mixup.draw(jax.random.fold_in(key, _MIXUP), mixup_alpha, batch['mask'])
    inputs = mixing.input(inputs)
  rows = Rows(inputs, labels, mask, mixing and mixing.partners(labels))

  loss_of = _batch_loss(model, losses, mixing, state.step)
  found, gradients = gradient_of_batch(
    jax.value_and_grad(loss_of, has_aux=True),
    state.params,
    state.collections,
    rows,
    dropout_key,
    parts=micro_batches,
    views=views,
    in_loop=in_loop,
  )
  metrics = TrainMetrics.single_from_model_output(
    loss=found.losses,
    contrastive_loss=found.contrastive,
    logits=found.logits,
    labels=mixing.larger_labels(labels) if mixing else labels,
    mask=mask,
    learning_rate=schedule(state.step) * state.plateau.scale,
    gradient_norm=optax.tree.norm(gradients),
    step=state.step,
  )
  state = dataclasses.replace(state, collections=found.collections)
  return _updated(state, gradients, optimizer, average_decay), metrics


def _batch_loss(
  model: nn.Module,
  losses: LossSettings,
  mixing: mixup.Mixing | None,
  step: Int[Array, ''],
) -> Callable[..., tuple[jax.Array, Found]]:
  """The loss of a batch or a part of it, see `micro_batches.GradientOf`."""

  def loss_of(params, collections, rows, key, share):
    output, changed = model.apply(
      {'params': params, **collections},
      rows.inputs,
      train=True,
      rngs={'dropout': key},
      mutable=list(collections),
    )
    classification = _classification(output, rows, losses, mixing)
    contrastive = contrastive_loss(output, rows.labels, rows.mask, losses)
    mean = masked_mean(classification, rows.mask)
    if share is not None:
      mean *= share
      contrastive *= share if losses.reduction == 'mean' else 1
    total = mean + losses.weight_at(step) * contrastive
    return total, Found(classification, contrastive, output.logits, changed)

  return loss_of


def _classification(
  output: ModelOutput, rows: Rows, losses: LossSettings, mixing: mixup.Mixing | None
) -> Float[Array, 'bv']:
  """The classification loss of each row, against mixed labels if rows are mixed.

  Of a model with branches it is the mean of the branches' losses.
  """
  branches = output.branch_logits

  def loss_of(labels):
    if branches is None:
      return classification_losses(output.logits, labels, losses, rows.mask)
    found = [classification_losses(one, labels, losses, rows.mask) for one in branches]
    return jnp.stack(found).mean(axis=0)

  if mixing is None:
    return loss_of(rows.labels)
  return mixing.loss(loss_of, rows.labels, rows.partner_labels)


def _updated(
  state: TrainState,
  gradients: Any,
  optimizer: optax.GradientTransformation,
  average_decay: float,
) -> TrainState:
  """The state after an update of its parameters, and of their average."""
  updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
  updates = jax.tree.map(lambda update: state.plateau.scale * update, updates)
  params = optax.apply_updates(state.params, updates)
  return dataclasses.replace(
    state,
    step=state.step + 1,
    params=params,
    opt_state=opt_state,
    average=updated_average(state.average, params, state.step, average_decay),
  )
