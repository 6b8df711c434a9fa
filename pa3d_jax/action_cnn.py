"""The action CNN (PA3D Table 1): six convolutions, pooling, dropout, classifier."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from model_lib.convolution import is_winograd, unit_stride_convolution
from model_lib.rematerialized import rematerialized
from pa3d_jax.folded_filter import Channels, FoldedConv


class ActionCNN(nn.Module):
  """Computes class logits from maps with any number of channels.

  Each stage has two 3×3 convolutions, the first with stride 2, each followed by
  BatchNorm and ReLU. Table 1 lists the convolutions. BatchNorm and ReLU are taken from
  PoTion's network, reference [4], which Sec. 3.3 follows; the paper does not give their
  order. Padding is 1 on every side, as in PyTorch (XLA's 'SAME' would shift the grid on
  even sizes). Layers have Table 1's names (`conv3_2`, and `norm3_2` for its BatchNorm),
  so that their outputs can be captured for pictures (Fig. 4).

  Attributes:
    num_classes: K.
    features: channels of each stage; (128, 256, 512) in Table 1.
    convolutions: convolutions per stage; 2 in Table 1. With 3, the PoTion baseline is
      about as large as JMRN (the deeper baseline in JMRN's Table 7).
    order: 'norm_relu' or 'relu_norm', after each convolution.
    dropout: rate before the classifier.
    convolution_algorithm: of the 3×3 convolutions, see `model_lib.convolution`.
    dtype: dtype of the computation; parameters and statistics stay float32.
    rematerialize: keep only each convolution's input for the backward pass.
  """

  num_classes: int
  features: Sequence[int] = (128, 256, 512)
  convolutions: int = 2
  order: str = 'norm_relu'
  dropout: float = 0.5
  convolution_algorithm: str = 'direct'
  dtype: jnp.dtype = jnp.float32
  rematerialize: bool = False

  @nn.compact
  def __call__(
    self, maps: Float[Array, 'b h w r'] | Sequence[Channels], *, train: bool
  ) -> Float[Array, 'b k']:
    """Applies the CNN to maps, or to channels of which conv1_1 filters some itself."""
    if self.order not in ('norm_relu', 'relu_norm'):
      raise ValueError(
        f"there is no order {self.order!r}; use 'norm_relu' or 'relu_norm'"
      )
    x: Any = maps if isinstance(maps, Sequence) else maps.astype(self.dtype)
    for stage, features in enumerate(self.features, start=1):
      for layer in range(1, self.convolutions + 1):
        block = functools.partial(
          _block,
          name=f'{stage}_{layer}',
          features=features,
          strides=2 if layer == 1 else 1,
          train=train,
        )
        x = rematerialized(block, self.rematerialize)(self, x)
    x = x.mean(axis=(1, 2), dtype=jnp.promote_types(jnp.float32, self.dtype))
    x = nn.Dropout(self.dropout, deterministic=not train)(x)
    return nn.Dense(self.num_classes, name='classifier')(x)


def _block(
  cnn: ActionCNN,
  x: Float[Array, 'b h w r'] | Sequence[Channels],
  *,
  name: str,
  features: int,
  strides: int,
  train: bool,
) -> Float[Array, 'b h2 w2 features']:
  """A convolution with its BatchNorm and ReLU, as layers of the CNN."""
  convolution = functools.partial(
    nn.Conv, kernel_size=(3, 3), padding=1, use_bias=False, dtype=cnn.dtype
  )
  folded_convolution = functools.partial(FoldedConv, dtype=cnn.dtype)
  made: Any = folded_convolution if isinstance(x, Sequence) else convolution
  fewer_products = strides == 1 and is_winograd(cnn.convolution_algorithm, cnn.dtype)
  y = made(
    features,
    strides=strides,
    **({'conv_general_dilated': unit_stride_convolution} if fewer_products else {}),
    kernel_init=nn.initializers.he_normal(),
    name=f'conv{name}',
  )(x)
  norm = nn.BatchNorm(
    use_running_average=not train,
    momentum=0.9,
    epsilon=1e-5,
    dtype=cnn.dtype,
    name=f'norm{name}',
  )
  return nn.relu(norm(y)) if cnn.order == 'norm_relu' else norm(nn.relu(y))
