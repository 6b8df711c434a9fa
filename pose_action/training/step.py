"""The train state, and the pure functions that change or read it, for any model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from einops import rearrange
from flax import struct
from jaxtyping import Array, Float, Int, Key

from input_pipeline.maps.batch_maps import VIEWED, Maps
from pose_action.training.losses import (
  LossSettings,
  class_probabilities,
  classification_losses,
  contrastive_loss,
  masked_mean,
)
from pose_action.training.step_metrics import TrainMetrics

AVERAGES = ('probabilities', 'logits')

Batch = dict[str, jax.Array]
# (batch, key or None) → maps [b·v, …]; see `input_pipeline.maps.batch_maps`.
MapsOfBatch = Callable[[Batch, Any], Maps]


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


@struct.dataclass
class EvaluationOutput:
  """A model's output for clips, averaged over views.

  Attributes:
    probabilities: per class; they sum to 1 unless clips are multi-label.
    joint_weights: per joint, in 0..1; None if the model does not weigh joints.
  """

  probabilities: Float[Array, 'b k']
  joint_weights: Float[Array, 'b j'] | None = None


def initial_state(
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  plateau: optax.GradientTransformation,
  example_maps: Any,
  seed: Int[Array, ''],
) -> TrainState:
  """A fresh state; a pure function, so that `jax.eval_shape` gives its shapes."""
  init_key, run_key = jax.random.split(jax.random.key(seed))
  maps = jax.tree.map(
    lambda shape: jnp.zeros((1, *shape.shape[1:]), shape.dtype), example_maps
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
  maps_of_batch: MapsOfBatch,
  losses: LossSettings,
) -> tuple[TrainState, TrainMetrics]:
  """One update from one global batch; the metrics describe the state before it.

  If `maps_of_batch` returns several augmented views per row, one after another, all are
  classified, and BatchNorm sees all of them (JMRN's official code).
  """
  key = jax.random.fold_in(state.key, state.step)
  augment_key, dropout_key = jax.random.split(key)
  maps = maps_of_batch(batch, augment_key)
  views = len(jax.tree.leaves(maps)[0]) // len(batch['mask'])
  labels, mask = (jnp.repeat(batch[n], views, axis=0) for n in ('label', 'mask'))

  def loss_of(params):
    output, changed = model.apply(
      {'params': params, **state.collections},
      maps,
      train=True,
      rngs={'dropout': dropout_key},
      mutable=list(state.collections),
    )
    classification = classification_losses(output.logits, labels, losses)
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


def check_average(average: str):
  """Raises ValueError for an unknown average over views."""
  if average not in AVERAGES:
    raise ValueError(
      f"config.eval.average is {average!r}; give 'probabilities' or 'logits'"
    )


def evaluation_step(
  variables: dict[str, Any],
  batch: Batch,
  *,
  model: nn.Module,
  maps_of_batch: MapsOfBatch,
  losses: LossSettings,
  average: str = 'probabilities',
) -> EvaluationOutput:
  """The model's output for each video, averaged over its views.

  Args:
    batch: fields that differ between views (`VIEWED`) have shape `[b, v, …]`.
    losses: determines softmax or sigmoid.
    average: what is averaged over views: 'probabilities', or 'logits' before the
      softmax.
  """
  check_average(average)
  viewed = VIEWED & batch.keys()
  num_views = batch[next(iter(viewed))].shape[1]
  views = {
    name: rearrange(array, 'b v ... -> (b v) ...')
    if name in viewed
    else jnp.repeat(array, num_views, axis=0)
    for name, array in batch.items()
  }
  output: Any = model.apply(variables, maps_of_batch(views, None), train=False)
  logits = rearrange(output.logits, '(b v) k -> b v k', v=num_views)
  if average == 'logits':
    probabilities = class_probabilities(logits.mean(axis=1), losses)
  else:
    probabilities = class_probabilities(logits, losses).mean(axis=1)
  weights = output.joint_weights
  if weights is not None:
    weights = rearrange(weights, '(b v) j -> b v j', v=num_views).mean(axis=1)
  return EvaluationOutput(probabilities=probabilities, joint_weights=weights)
