"""JMRN, the joint-motion re-weighting network (WACV 2022): PoTion maps to logits."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from jax.sharding import Mesh
from jaxtyping import Array, Float

from jmrn_jax.convolution import (
  Conv1x1,
  Conv3x3,
  direct_convolution,
  winograd_convolution,
)
from jmrn_jax.empty_map_windows import InputAffine, kernels_and_biases
from jmrn_jax.joint_encoder import (
  JointEncoder,
  ShallowJointEncoder,
  over_joints_and_clips,
  shallow_width,
)
from jmrn_jax.joint_selector import JointSelector
from jmrn_jax.window_passes import encoded
from model_lib.convolution import is_winograd
from model_lib.output import ModelOutput
from model_lib.rematerialized import rematerialized

ENCODERS = ('auto', 'dense', 'windows')


class JMRN(nn.Module):
  """Encodes each joint separately, weighs the joints, and reasons over all of them.

  The maps contain joints only; the caller drops a background map (official code). Sizes
  that the paper does not give are the official code's for JHMDB.

  Two clips with PoTion maps of 18 joints in 3 colours, and a narrow network:

  >>> import jax
  >>> import jax.numpy as jnp
  >>> from jmrn_jax import JMRN
  >>> model = JMRN(num_classes=5, compressed=4, features=(8, 8), reasoning_features=8)
  >>> maps = jnp.zeros((2, 18, 16, 24, 3))  # [clip, joint, row, column, colour]
  >>> variables = model.init(jax.random.key(0), maps, train=False)
  >>> output = model.apply(variables, maps, train=False)
  >>> output.logits.shape
  (2, 5)
  >>> output.joint_weights.shape
  (2, 18)
  >>> output.joint_embeddings.shape  # for `joint_contrastive_loss`
  (2, 18, 128)

  Attributes:
    num_classes: K.
    compressed: channels per joint in the joint reasoning (the paper's c_dim): 128 for
      JHMDB, 64 for HMDB, 32 for Charades.
    features: channels of each of the joint encoder's two stages.
    selector_features, selector_temperature, gumbel: see `JointSelector`.
    reasoning_features: channels of the reduction and the two convolutions after it.
    projection_features: size of the embeddings for the joint-contrastive loss; 0 leaves
      them out.
    dropout: rate at which whole channels are dropped, after each ReLU in the encoder
      and after each BatchNorm and ReLU in the reasoning; 0.25 for Charades, else 0.
    selector: False leaves the joints unweighted (the ablation in Sec. 4.3).
    siamese: False gives each joint its own shallower encoder; together they have about
      as many parameters as the shared encoder (the ablation in Sec. 4.3).
    dtype: dtype of the computation; parameters, statistics, joint weights, embeddings
      and logits stay float32.
    encoder: 'dense'; 'windows', which computes the same on windows around each joint's
      motion; or 'auto', which does so on CPUs only. Dense also without `windows`, with
      separate encoders, and in training with dropout.
    convolution_algorithm: of the 3×3 convolutions on windows and in the reasoning, see
      `model_lib.convolution`. A dense encoder's are direct: all tiles of all joints would
      need too much memory.
    windows: the plan of windows on the encoder's input, see `window_plan`; () for none.
    mesh: devices that clips are divided over; each has windows of its own. None for one.
    rematerialize: keep only each layer's input for the backward pass, where the encoder
      is dense, and in the reasoning. `config.train.rematerialize` sets it.
  """

  num_classes: int
  compressed: int = 128
  features: Sequence[int] = (128, 256)
  selector_features: int = 256
  reasoning_features: int = 512
  projection_features: int = 128
  dropout: float = 0.0
  selector: bool = True
  selector_temperature: float = 1.0
  gumbel: bool = False
  siamese: bool = True
  dtype: jnp.dtype = jnp.float32
  encoder: str = 'dense'
  convolution_algorithm: str = 'direct'
  windows: Sequence[tuple[int, float, float]] = ()
  mesh: Mesh | None = None
  rematerialize: bool = False

  @property
  def encoding(self) -> str:
    """Kind of input: PoTion maps."""
    return 'potion'

  @nn.compact
  def __call__(self, maps: Float[Array, 'b j h w c'], *, train: bool) -> ModelOutput:
    if maps.ndim != 5:
      raise ValueError(
        'JMRN needs maps [clip, joint, row, column, channel], but got shape'
        f' {maps.shape}'
      )
    encode = self._encoded_on_windows if self._on_windows(train) else self._encoded
    pooled, joint_maps = encode(maps, train)
    joint_weights = None
    if self.selector:
      joint_weights = JointSelector(
        features=self.selector_features,
        temperature=self.selector_temperature,
        gumbel=self.gumbel,
        dtype=self._wide,
        name='joint_selector',
      )(pooled, train)
      weights = joint_weights.astype(self.dtype)
      joint_maps = joint_maps * rearrange(weights, 'b j -> b j 1 1 1')
    return ModelOutput(
      logits=self._reason(joint_maps, train),
      joint_weights=joint_weights,
      joint_embeddings=self._project(pooled) if self.projection_features else None,
    )

  def _on_windows(self, train: bool) -> bool:
    """Whether the encoder runs on windows.

    Raises:
      ValueError: for an unknown `encoder`.
    """
    if self.encoder not in ENCODERS:
      raise ValueError(
        f'there is no encoder {self.encoder!r}; use one of {", ".join(ENCODERS)} (all'
        ' compute the same)'
      )
    if self.encoder == 'auto' and jax.default_backend() != 'cpu':
      return False
    # Dropout would make cells random whose values are known.
    exact = self.siamese and not (train and self.dropout)
    asked = self.encoder != 'dense' and bool(self.windows)
    # The dense network makes the parameters, which are the same.
    return asked and exact and not self.is_initializing()

  def _encoded(
    self, maps: Float[Array, 'b j h w c'], train: bool
  ) -> tuple[Float[Array, 'b j d'], Float[Array, 'b j h4 w4 e']]:
    """The joints' features, averaged over the map, and compressed."""
    # A separate BatchNorm for each joint's maps (official code).
    maps = self._norm('input_norm', train, axis=(1, -1))(maps)
    joint_features = self._encoder(maps)(maps, train)
    pooled = joint_features.mean(axis=(2, 3), dtype=self._wide)
    compression = Conv1x1(self.compressed, dtype=self.dtype, name='compression')
    return pooled, nn.relu(compression(joint_features))

  def _encoded_on_windows(
    self, maps: Float[Array, 'b j h w c'], train: bool
  ) -> tuple[Float[Array, 'b j d'], Float[Array, 'b j h4 w4 e']]:
    """Same as `_encoded`, with the same variables; see `window_passes`."""
    affine = InputAffine(name='input_norm')(maps, train)
    kernels, biases = kernels_and_biases(self.variables['params'], self.dtype)
    return encoded(
      maps,
      affine,
      kernels,
      biases,
      self.windows,
      self.dtype,
      self.mesh,
      fewer_products=is_winograd(self.convolution_algorithm, self.dtype),
    )

  @property
  def _wide(self) -> jnp.dtype:
    """The dtype of what stays float32 (of float64, in tests)."""
    return jnp.promote_types(jnp.float32, self.dtype)

  def _encoder(self, maps: jax.Array) -> nn.Module:
    """The encoder for one joint, mapped over joints and clips."""
    if len(self.features) != 2:
      raise ValueError(
        'the joint encoder has two stages and needs two features, but got'
        f' {tuple(self.features)}'
      )
    joints, channels = maps.shape[1], maps.shape[-1]
    if self.siamese:
      module = over_joints_and_clips(JointEncoder, joints=joints, shared=True)
      features, name = self.features, 'joint_encoder'
    else:
      module = over_joints_and_clips(ShallowJointEncoder, joints=joints, shared=False)
      width = shallow_width(joints, channels, self.features)
      features, name = (width, self.features[-1]), 'joint_encoders'
    return module(features, self.dropout, self.dtype, self.rematerialize, name=name)

  def _reason(
    self, joint_maps: Float[Array, 'b j h w c'], train: bool
  ) -> Float[Array, 'b k']:
    """Inter-joint reasoning (Sec. 3.1): from all joints' maps to logits."""
    x = rearrange(joint_maps, 'b j h w c -> b h w (j c)')
    x = nn.relu(Conv1x1(self.reasoning_features, dtype=self.dtype, name='reduction')(x))
    for layer, stride in ((1, 2), (2, 1)):
      block = functools.partial(JMRN._block, layer=layer, stride=stride, train=train)
      x = rematerialized(block, self.rematerialize)(self, x)
    x = x.mean(axis=(1, 2), dtype=self._wide)
    return Conv1x1(self.num_classes, dtype=self._wide, name='classifier')(x)

  def _block(
    self, x: Float[Array, 'b h w c'], *, layer: int, stride: int, train: bool
  ) -> Float[Array, 'b h2 w2 d']:
    """A convolution of the reasoning with its BatchNorm, ReLU and dropout."""
    fewer_products = is_winograd(self.convolution_algorithm, self.dtype)
    x = Conv3x3(
      self.reasoning_features,
      stride,
      lowering=winograd_convolution if fewer_products else direct_convolution,
      dtype=self.dtype,
      name=f'conv{layer}',
    )(x)
    x = nn.relu(self._norm(f'norm{layer}', train)(x))
    drop = nn.Dropout(self.dropout, broadcast_dims=(1, 2), deterministic=not train)
    return drop(x)

  def _project(self, pooled: Float[Array, 'b j c']) -> Float[Array, 'b j d']:
    """Unit-norm embeddings from one projection head for all joints, in float32."""
    layer = functools.partial(Conv1x1, self.projection_features, self._wide)
    x = nn.relu(layer(name='projection1')(pooled))
    x = layer(name='projection2')(x)
    square = jnp.square(x).sum(axis=-1, keepdims=True)
    # An all-zero vector stays zero and keeps a finite gradient.
    return x * jax.lax.rsqrt(jnp.where(square > 0, square, jnp.ones_like(square)))

  def _norm(self, name: str, train: bool, axis: Any = -1) -> nn.BatchNorm:
    return nn.BatchNorm(
      use_running_average=not train,
      axis=axis,
      momentum=0.9,
      epsilon=1e-5,
      dtype=self.dtype,
      name=name,
    )
