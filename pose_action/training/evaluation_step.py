"""The pure evaluation step: probabilities per clip, averaged over views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from flax import struct
from jaxtyping import Array, Float

from input_pipeline.model_input import VIEWED, ModelInput
from pose_action.training.losses import LossSettings, class_probabilities

AVERAGES = ('probabilities', 'logits')

Batch = dict[str, jax.Array]
# (batch, key or None) → model input [b·v, …]; see `input_pipeline.model_input`.
InputOfBatch = Callable[[Batch, Any], ModelInput]


@struct.dataclass
class EvaluationOutput:
  """A model's output for clips, averaged over views.

  Attributes:
    probabilities: per class; they sum to 1 unless clips are multi-label.
    joint_weights: per joint, in 0..1; None if the model does not weigh joints.
  """

  probabilities: Float[Array, 'b k']
  joint_weights: Float[Array, 'b j'] | None = None


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
  input_of_batch: InputOfBatch,
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
  output: Any = model.apply(variables, input_of_batch(views, None), train=False)
  logits = rearrange(output.logits, '(b v) k -> b v k', v=num_views)
  if average == 'logits':
    probabilities = class_probabilities(logits.mean(axis=1), losses)
  else:
    probabilities = class_probabilities(logits, losses).mean(axis=1)
  weights = output.joint_weights
  if weights is not None:
    weights = rearrange(weights, '(b v) j -> b v j', v=num_views).mean(axis=1)
  return EvaluationOutput(probabilities=probabilities, joint_weights=weights)
