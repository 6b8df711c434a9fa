"""Our network that reads each joint with the same encoder and weighs the joints."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from einops import rearrange, repeat
from jaxtyping import Array, Bool, Float

from ddnet_jax import features, layers
from ddnet_jax.layers import ConvNorm, DropChannels, NormLeaky, halved, maximum_and_mean
from model_lib.rematerialized import rematerialized

_REASONING_WIDTHS = (1, 3)  # in frames, of the two layers over all joints; ours


class JointEncoder(nn.Module):
  """Encodes each joint by itself, weighs the joints, and reasons over all of them; ours.

  JMRN's plan on trajectories. A joint's features are its position, two motions, and its
  distances to all joints, plus a learned vector that says which joint it is.

  Attributes:
    joint_features: channels of the shared encoder's two stages.
    joint_vector: size of the learned vector.
    selector_features: hidden size of the joint selector; 0 leaves joints unweighted.
    reasoning_features: channels of the two layers over all joints.
    channel_dropout: rate at which whole channels are dropped.
    dtype: dtype of the computation; parameters, statistics and joint weights stay
      float32.
    rematerialize: keep only each convolution's input for the backward pass.
    convolution_algorithm: see `layers.ConvNorm`.
  """

  joint_features: Sequence[int]
  joint_vector: int
  selector_features: int
  reasoning_features: Sequence[int]
  channel_dropout: float
  dtype: jnp.dtype = jnp.float32
  rematerialize: bool = False
  convolution_algorithm: str = 'auto'

  @nn.compact
  def __call__(
    self, positions: Float[Array, 'n t j 2'], present: Bool[Array, 'n'], train: bool
  ) -> tuple[Float[Array, 'n c'], Float[Array, 'n j'] | None]:
    """Returns the features of each person, and the weights of that person's joints."""
    joints = self._encoded(positions, present, train)
    weights = None
    if self.selector_features:
      selector = JointSelector(self.selector_features, name='joint_selector')
      weights = selector(joints.astype(jnp.float32).mean(axis=2))
      joints = joints * rearrange(weights, 'n j -> n j 1 1').astype(self.dtype)
    x = rearrange(joints, 'n j t c -> n t (j c)')
    sizes = zip(self.reasoning_features, _REASONING_WIDTHS, strict=True)
    for layer, (channels, width) in enumerate(sizes, start=1):
      x = self._conv(channels, width, f'reasoning{layer}')(x, present, train)
      x = DropChannels(self.channel_dropout)(x, train)
    return maximum_and_mean(x), weights

  def _encoded(
    self, positions: Float[Array, 'n t j 2'], present: Bool[Array, 'n'], train: bool
  ) -> Float[Array, 'n j t4 c']:
    """One encoder for all joints: joints of people are rows."""
    _check_two('joint_features', self.joint_features)
    _check_two('reasoning_features', self.reasoning_features)
    rows, joints = len(positions), positions.shape[2]
    x = jnp.concatenate([f(positions) for f in _OF_A_JOINT], axis=-1)
    x = rearrange(x, 'n t j c -> (n j) t c')
    present = repeat(present, 'n -> (n j)', j=joints)
    norm = NormLeaky(layers.OURS, leaky=False, dtype=self.dtype, name='input')
    x = norm(x, present, train)
    vectors = self.param(
      'vectors', nn.initializers.normal(1.0), (joints, self.joint_vector)
    )
    named = repeat(vectors, 'j c -> (n j) t c', n=rows, t=x.shape[1])
    x = jnp.concatenate([x, named.astype(self.dtype)], axis=-1)
    x = self._conv(self.joint_features[0], 1, 'stem')(x, present, train)
    for stage, channels in enumerate(self.joint_features, start=1):
      for layer in (1, 2):
        x = self._conv(channels, 3, f'stage{stage}_{layer}')(x, present, train)
      x = DropChannels(self.channel_dropout)(halved(x), train)
    return rearrange(x, '(n j) t c -> n j t c', j=joints)

  def _conv(self, channels: int, width: int, name: str) -> ConvNorm:
    block = rematerialized(ConvNorm, self.rematerialize, static_argnums=(3,))
    algorithm = self.convolution_algorithm
    return block(channels, width, layers.OURS, self.dtype, algorithm, name=name)


def _check_two(name: str, sizes: Sequence[int]):
  if len(sizes) != 2:
    raise ValueError(
      f'config.model.{name} gives the channels of two stages, but is {tuple(sizes)}'
    )


_OF_A_JOINT = (
  features.centred,
  features.steps,
  features.strides,
  features.distances_to_all_joints,
)


class JointSelector(nn.Module):
  """A weight in 0..1 per joint, from its mean over frames and the mean over joints.

  sigmoid(weight(relu(reduction([joint, mean over joints])))), with the same parameters
  for every joint, in float32; ours, after JMRN Sec. 3.1.

  Attributes:
    features: size of the reduction.
  """

  features: int

  @nn.compact
  def __call__(self, pooled: Float[Array, 'n j c']) -> Float[Array, 'n j']:
    overall = jnp.broadcast_to(pooled.mean(axis=1, keepdims=True), pooled.shape)
    x = jnp.concatenate([pooled, overall], axis=-1)
    x = nn.relu(nn.Dense(self.features, name='reduction')(x))
    return nn.sigmoid(nn.Dense(1, name='weight')(x)[..., 0])
