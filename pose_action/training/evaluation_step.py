"""The pure evaluation step: probabilities per clip, averaged over views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
# (batch, key or None, mirrored=False) → model input [b·v, …]; see
# `input_pipeline.model_input`.
InputOfBatch = Callable[..., ModelInput]


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
  mirror: Sequence[int] | None = None,
) -> EvaluationOutput:
  """The model's output for each video, averaged over its views.

  Args:
    batch: fields that differ between views (`VIEWED`) have shape `[b, v, …]`.
    losses: determines softmax or sigmoid.
    average: what is averaged over views: 'probabilities', or 'logits' before the
      softmax.
    mirror: the skeleton's `map_flip_permutation`, to average also over the mirror image
      of each view, as over a view; None for no mirror images.
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
  outputs = [model.apply(variables, input_of_batch(views, None), train=False)]
  if mirror is not None:
    mirrored = model.apply(
      variables, input_of_batch(views, None, mirrored=True), train=False
    )
    outputs.append(_with_own_sides(mirrored, mirror))
  return _averaged(outputs, num_views, losses, average)


def _with_own_sides(output: Any, permutation: Sequence[int]) -> Any:
  """A mirror image's output, with the weight of each joint in the joint's own place.

  The mirror image shows the left hand in the place of the right one.
  """
  weights = output.joint_weights
  if weights is None:
    return output
  # The permutation is its own inverse; a model may leave out the background, the last.
  return output.replace(
    joint_weights=weights[:, jnp.array(permutation)[: weights.shape[1]]]
  )


def _averaged(
  outputs: Sequence[Any], num_views: int, losses: LossSettings, average: str
) -> EvaluationOutput:
  """The average over views, those of each output `[b·v, …]`."""

  def by_clip(arrays: Sequence[Float[Array, 'bv n']]) -> Float[Array, 'b v n']:
    views = [rearrange(a, '(b v) n -> b v n', v=num_views) for a in arrays]
    return jnp.concatenate(views, axis=1)

  logits = by_clip([output.logits for output in outputs])
  if average == 'logits':
    probabilities = class_probabilities(logits.mean(axis=1), losses)
  else:
    probabilities = class_probabilities(logits, losses).mean(axis=1)
  weights = None
  if outputs[0].joint_weights is not None:
    weights = by_clip([output.joint_weights for output in outputs]).mean(axis=1)
  return EvaluationOutput(probabilities=probabilities, joint_weights=weights)
