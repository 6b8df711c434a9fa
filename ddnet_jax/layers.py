"""The layers that DD-Net's encoders and heads share, in each of its published forms.

A layer reads rows: people of clips, one after another, or clips. `present` says which
rows are real; the others never enter a BatchNorm's statistics.
"""

from __future__ import annotations

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ddnet_jax import tiled_convolution
from model_lib.convolution import is_winograd
from model_lib.initializers import fan_in_uniform

_SLOPE = 0.2  # of the leaky ReLU below 0; both official codes


@dataclasses.dataclass(frozen=True)
class Form:
  """How an implementation normalises and initialises its layers.

  Attributes:
    norm_axis: axis of `[row, frame, channel]` with one BatchNorm scale per entry: -1 for
      channels, or 1 for frames.
    momentum, epsilon: of BatchNorm; a statistic keeps `momentum` of its old value.
    dense_bias: whether the hidden dense layers have a bias.
    uniform_fan_in: kernels start uniform in ±1/√fan_in (PyTorch's default) instead of
      Glorot's uniform values (Keras's default).
  """

  norm_axis: int = -1
  momentum: float = 0.9
  epsilon: float = 1e-5
  dense_bias: bool = False
  uniform_fan_in: bool = False


# The authors' Keras notebooks; a PyTorch port, which normalises over frames; and ours.
KERAS = Form(momentum=0.99, epsilon=1e-3)
PORT = Form(norm_axis=1, dense_bias=True, uniform_fan_in=True)
OURS = Form()


class NormLeaky(nn.Module):
  """BatchNorm over the real rows, then leaky ReLU.

  Attributes:
    form: see `Form`.
    leaky: False leaves the ReLU out.
    dtype: dtype of the result; parameters and statistics stay float32.
  """

  form: Form
  leaky: bool = True
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(
    self, x: Float[Array, 'n *t c'], present: Bool[Array, 'n'], train: bool
  ) -> Float[Array, 'n *t c']:
    # A batch without any real row would have a mean of 0 / 0, so all its rows count.
    counted = (present | ~present.any()).reshape(-1, *[1] * (x.ndim - 1))
    norm = nn.BatchNorm(
      use_running_average=not train,
      axis=self.form.norm_axis if x.ndim == 3 else -1,
      momentum=self.form.momentum,
      epsilon=self.form.epsilon,
      dtype=self.dtype,
      name='norm',
    )
    x = norm(x, mask=counted)
    return nn.leaky_relu(x, _SLOPE) if self.leaky else x


class ConvNorm(nn.Module):
  """c(k, n): a convolution over frames without bias, BatchNorm, leaky ReLU.

  In training XLA's own convolution: as one matrix product over shifted frames it is no
  faster, and its gradients are up to twice as slow. Inference on CPUs has half of the
  multiplications where that pays (`tiled_convolution`).

  Attributes:
    features: n, output channels.
    width: k, in frames; the number of frames stays the same.
    form: see `Form`.
    dtype: dtype of the computation; parameters and statistics stay float32.
    algorithm: 'auto', 'direct' or 'winograd', see `model_lib.convolution.is_winograd`.
  """

  features: int
  width: int
  form: Form
  dtype: jnp.dtype = jnp.float32
  algorithm: str = 'auto'

  @nn.compact
  def __call__(
    self, x: Float[Array, 'n t c'], present: Bool[Array, 'n'], train: bool
  ) -> Float[Array, 'n t d']:
    in_tiles = not train and is_winograd(self.algorithm, self.dtype)
    x = nn.Conv(
      self.features,
      (self.width,),
      use_bias=False,
      kernel_init=_kernel_init(self.form, self.width * x.shape[-1]),
      dtype=self.dtype,
      conv_general_dilated=tiled_convolution.convolution if in_tiles else None,
      name='conv',
    )(x)
    return NormLeaky(self.form, dtype=self.dtype, name='normalised')(x, present, train)


class DropChannels(nn.Module):
  """Spatial dropout: drops whole channels of a row, the same in all frames."""

  rate: float

  @nn.compact
  def __call__(self, x: Float[Array, 'n t c'], train: bool) -> Float[Array, 'n t c']:
    return nn.Dropout(self.rate, broadcast_dims=(1,))(x, deterministic=not train)


class Head(nn.Module):
  """Dense layers with BatchNorm, leaky ReLU and dropout, then the classifier; float32.

  Attributes:
    num_classes: K.
    form: see `Form`.
    hidden: sizes of the dense layers.
    dropout: rate after each of them.
    input_dropout: rate before the first.
  """

  num_classes: int
  form: Form
  hidden: tuple[int, ...]
  dropout: float
  input_dropout: float = 0.0

  @nn.compact
  def __call__(
    self, x: Float[Array, 'b c'], present: Bool[Array, 'b'], train: bool
  ) -> Float[Array, 'b k']:
    x = nn.Dropout(self.input_dropout, deterministic=not train)(x.astype(jnp.float32))
    for number, size in enumerate(self.hidden, start=1):
      x = self._dense(size, x.shape[-1], self.form.dense_bias, f'dense{number}')(x)
      x = NormLeaky(self.form, name=f'normalised{number}')(x, present, train)
      x = nn.Dropout(self.dropout, deterministic=not train)(x)
    return self._dense(self.num_classes, x.shape[-1], True, 'classifier')(x)

  def _dense(self, size: int, inputs: int, bias: bool, name: str) -> nn.Dense:
    zeros = nn.initializers.zeros
    return nn.Dense(
      size,
      use_bias=bias,
      kernel_init=_kernel_init(self.form, inputs),
      bias_init=fan_in_uniform(inputs) if self.form.uniform_fan_in else zeros,
      name=name,
    )


def halved(x: Float[Array, 'n t c']) -> Float[Array, 'n t2 c']:
  """The maximum of each two frames; an odd last frame is left out.

  The gradient is that of `nn.max_pool`: of two equal frames the first has all of it. It
  takes a tenth of the time (one CPU core).
  """
  end = x.shape[1] // 2 * 2
  first, second = x[:, :end:2], x[:, 1:end:2]
  return jnp.where(first >= second, first, second)


def largest(x: Float[Array, 'n t c']) -> Float[Array, 'n c']:
  """The maximum over the second axis; of several equal values the first has the gradient.

  `jnp.max` compares its result with the values again for its gradient. Where a compiler
  computes these a second time and rounds them differently, none is equal, and the gradient
  is 0 / 0 (seen on one CPU, without optimizations).
  """
  place = x.argmax(axis=1, keepdims=True)
  numbers = jax.lax.broadcasted_iota(place.dtype, x.shape, 1)
  return jnp.where(numbers == place, x, 0).sum(axis=1)


def maximum_and_mean(x: Float[Array, 'n t c']) -> Float[Array, 'n c2']:
  """Maximum and mean over frames, one after another, in float32; ours."""
  x = x.astype(jnp.float32)
  return jnp.concatenate([largest(x), x.mean(axis=1)], axis=-1)


def _kernel_init(form: Form, fan_in: int) -> jax.nn.initializers.Initializer:
  if form.uniform_fan_in:
    return fan_in_uniform(fan_in)
  return nn.initializers.glorot_uniform()
