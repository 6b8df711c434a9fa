"""What a model reads and computes for one clip: maps, motion maps (PA3D Fig. 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import struct
from jaxtyping import Float

from input_pipeline.model_input import VIEWED
from pa3d_jax.model import PA3D
from pose_action.training.evaluation_step import Batch, InputOfBatch


@struct.dataclass
class Activations:
  """Activations for one view of one clip.

  Attributes:
    maps: the model's input by modality; for PoTion maps `t` is the colour and `c` the
      joint.
    motion_maps: by modality; empty if the model has none.
    filters: kernels of the action CNN's last convolution; None without an action CNN.
    features: that layer's output after BatchNorm and ReLU, in the model's order. For the
      temporal model 'tsn', which reads single frames, the mean over frames.
    layer: the convolution's name; 'conv3_2' for Table 1's network.
    trajectories: the model's input if it reads trajectories; `maps` is empty then.
    joint_weights: None if the model does not weigh joints.
  """

  maps: dict[str, Float[np.ndarray, 't h w c']]
  motion_maps: dict[str, Float[np.ndarray, 'h w c n']]
  filters: Float[np.ndarray, '3 3 i o'] | None = None
  features: Float[np.ndarray, 'h w o'] | None = None
  trajectories: Float[np.ndarray, 'm t j 3'] | None = None
  joint_weights: Float[np.ndarray, 'j'] | None = None
  layer: str = struct.field(pytree_node=False, default='')

  @property
  def missing(self) -> tuple[str, ...]:
    """The parts of PA3D's Fig. 4 that this model does not have."""
    without_motion = () if self.motion_maps else ('motion maps',)
    return without_motion + (() if self.layer else ('action CNN',))


def activations_of_clip(
  variables: dict[str, Any],
  batch: Batch,
  *,
  model: Any,
  input_of_batch: InputOfBatch,
  modalities: Sequence[str],
) -> Activations:
  """Returns the activations for the middle view in a batch of one clip; pure.

  Args:
    model: a module from `pose_action.training.model_registry`.
    batch: leaves `[1, v, …]` for fields that differ between views, `[1, …]` for others.
    modalities: the modalities that the model reads.
  """
  view = {
    name: array[:, array.shape[1] // 2] if name in VIEWED else array
    for name, array in batch.items()
  }
  inputs: Any = input_of_batch(view, None)
  last = _last_layer(model)
  output, captured = model.apply(
    variables,
    inputs,
    train=False,
    capture_intermediates=lambda module, method: module.name == f'norm{last}',
    mutable=['intermediates'],
  )
  weights = None if output.joint_weights is None else output.joint_weights[0]
  if model.encoding == 'trajectories':
    return Activations({}, {}, trajectories=inputs[0], joint_weights=weights)
  shown = _by_modality(inputs, modalities)
  if model.encoding == 'potion':
    shown = {name: rearrange(m, 'j h w c -> c h w j') for name, m in shown.items()}
  motion_maps = _by_modality(output.motion_maps, modalities)
  activations = Activations(shown, motion_maps, joint_weights=weights)
  if not isinstance(model, PA3D):
    return activations
  (features,) = captured['intermediates']['action_cnn'][f'norm{last}']['__call__']
  if model.order == 'norm_relu':
    features = nn.relu(features)
  return dataclasses.replace(
    activations,
    filters=variables['params']['action_cnn'][f'conv{last}']['kernel'],
    features=features.mean(axis=0, dtype=jnp.float32),
    layer=f'conv{last}',
  )


def _last_layer(model: nn.Module) -> str:
  """Returns the suffix of the action CNN's last layer; '' without an action CNN."""
  if not isinstance(model, PA3D):
    return ''
  return f'{len(model.features)}_{model.convolutions}'


def _by_modality(maps: Any, modalities: Sequence[str]) -> dict[str, Any]:
  """Returns the one clip's maps by modality; an empty dict for None."""
  if maps is None:
    return {}
  named = maps if isinstance(maps, dict) else {modalities[0]: maps}
  return {name: named[name][0] for name in modalities}
