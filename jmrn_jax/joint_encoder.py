"""The joint-motion extractor (JMRN Sec. 3.1): from ONE joint's maps to its features.

The encoders here read one joint of one clip. `over_joints_and_clips` maps them over all
joints and clips, with shared parameters (Siamese) or separate parameters per joint (the
ablation in Sec. 4.3).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jmrn_jax.convolution import Conv3x3, patch_convolution
from model_lib.rematerialized import rematerialized


class JointEncoder(nn.Module):
  """Two stages of two 3×3 convolutions with ReLU; each stage starts with stride 2.

  There is no BatchNorm inside (official code).

  Attributes:
    features: channels of each of the two stages.
    dropout: rate at which whole channels are dropped after each ReLU.
    dtype: dtype of the computation; parameters stay float32.
    rematerialize: keep only each convolution's input for the backward pass.
  """

  features: Sequence[int] = (128, 256)
  dropout: float = 0.0
  dtype: jnp.dtype = jnp.float32
  rematerialize: bool = False

  @nn.compact
  def __call__(
    self, maps: Float[Array, 'h w c'], train: bool
  ) -> Float[Array, 'h4 w4 d']:
    x = maps[None]  # Convolutions take a batch.
    for stage, features in enumerate(self.features, start=1):
      for layer, stride in ((1, 2), (2, 1)):
        name = f'conv{stage}_{layer}'
        convolution = functools.partial(
          Conv3x3, features, stride, dtype=self.dtype, name=name
        )
        x = _block(self, x, convolution, train)
    return x[0]


class ShallowJointEncoder(nn.Module):
  """Two 3×3 convolutions with stride 2 and ReLU, for separate parameters per joint.

  The paper says only that separate extractors are shallower and have as many parameters
  in total (Sec. 4.3); these two layers are our choice. `shallow_width` gives the width
  of the first.

  Attributes: see `JointEncoder`.
  """

  features: Sequence[int]
  dropout: float = 0.0
  dtype: jnp.dtype = jnp.float32
  rematerialize: bool = False

  @nn.compact
  def __call__(
    self, maps: Float[Array, 'h w c'], train: bool
  ) -> Float[Array, 'h4 w4 d']:
    x = maps[None]  # Convolutions take a batch.
    for layer, features in enumerate(self.features, start=1):
      convolution = functools.partial(
        *(Conv3x3, features, 2),
        lowering=patch_convolution,
        dtype=self.dtype,
        name=f'conv{layer}',
      )
      x = _block(self, x, convolution, train)
    return x[0]


def _block(
  encoder: JointEncoder | ShallowJointEncoder,
  x: Float[Array, '1 h w c'],
  convolution: Callable[[], nn.Module],
  train: bool,
) -> Float[Array, '1 h2 w2 d']:
  """A convolution with its ReLU and dropout, as layers of the encoder."""

  def layers(encoder: nn.Module, x: jax.Array) -> jax.Array:
    x = nn.relu(convolution()(x))
    drop = nn.Dropout(encoder.dropout, broadcast_dims=(1, 2), deterministic=not train)
    return drop(x)

  return rematerialized(layers, encoder.rematerialize)(encoder, x)


def over_joints_and_clips(
  encoder: type[nn.Module], *, joints: int, shared: bool
) -> Any:
  """Maps an encoder class over joints and clips; the result reads `[b, j, h, w, c]`.

  The outer map is over clips, which matters when clips are sharded over devices.
  Batching folds both axes into the convolution's batch axis, the outer axis first, and
  a folded axis stays sharded only along its first part. With joints first, every device
  would gather and encode all clips.

  Args:
    shared: True for one set of parameters for all joints; False for parameters with a
      leading joint axis.
  """
  maps_not_train: Any = (0, None)  # Flax's annotation allows only a single axis.
  params = None if shared else 0
  of_joints = nn.vmap(
    encoder,
    in_axes=maps_not_train,
    axis_size=joints,
    variable_axes={'params': params},
    split_rngs={'params': not shared, 'dropout': True},
  )
  return nn.vmap(
    of_joints,
    in_axes=maps_not_train,
    variable_axes={'params': None},
    split_rngs={'params': False, 'dropout': True},
  )


def shallow_width(joints: int, channels: int, features: Sequence[int]) -> int:
  """Width of `ShallowJointEncoder`'s first layer that matches a shared encoder's size.

  It is the largest width for which the encoders of all joints together have no more
  parameters than one `JointEncoder`: 24 for 18 joints, 3 channels, features (128, 256).
  """
  first, last = features
  sizes = ((channels, first), (first, first), (first, last), (last, last))
  shared = sum(9 * inputs * outputs + outputs for inputs, outputs in sizes)
  # A joint's encoder has (9·channels + 1 + 9·last)·width + last parameters.
  return max(1, (shared // joints - last) // (9 * (channels + last) + 1))
