"""Temporal pose convolution and conv1_1 as a single convolution over frames (ours).

Without a nonlinearity between them, Θ and the action CNN's first convolution are two
linear maps in a row, and their product is one convolution:

    Σ_(c n) W[y, x, (c n), o] · Σ_t Θ[n, t] maps[t, c]  =  Σ_(t c) W'[y, x, (t c), o] · maps[t, c]
    W'[y, x, (t c), o]  =  Σ_n Θ[n, t] W[y, x, (c n), o]

This is an identity in the parameters Θ and W: outputs and gradients are equal, and W'
is never stored. conv1_1 reads T·C channels in place of N·C, and Θ's gradient comes
through W', so that no gradient of the motion maps is needed. It pays if T ≤ N.
"""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import struct
from jaxtyping import Array, Float

FOLDING = ('auto', 'plain')


@struct.dataclass
class Channels:
  """Input channels of conv1_1: one modality's representation.

  Attributes:
    maps: motion maps with i = (c n); with `theta`, maps of frames with i = (t c).
    theta: Θ, which conv1_1 applies to `maps`; None if it is already applied.
  """

  maps: Float[Array, 'b h w i']
  theta: Float[Array, 'n t'] | None = None

  @property
  def kernel_inputs(self) -> int:
    """Channels of the representation, which conv1_1's parameters are for."""
    if self.theta is None:
      return self.maps.shape[-1]
    outputs, frames = self.theta.shape
    return self.maps.shape[-1] // frames * outputs


def is_folded(folding: str, nonlinearity: str, *, frames: int, outputs: int) -> bool:
  """Whether conv1_1 takes over Θ.

  Args:
    folding: 'auto' folds where this is exact and has no more channels; 'plain' never.

  Raises:
    ValueError: for another `folding`.
  """
  if folding not in FOLDING:
    raise ValueError(
      f"there is no filter folding {folding!r}; use 'auto' or 'plain' (both compute the"
      ' same)'
    )
  return folding == 'auto' and nonlinearity == 'none' and frames <= outputs


def unfiltered(maps: Float[Array, 'b t h w c'], theta: Float[Array, 'n t']) -> Channels:
  """The channels of frames to which conv1_1 applies Θ."""
  return Channels(rearrange(maps, 'b t h w c -> b h w (t c)'), theta)


def folded_kernel(
  kernel: Float[Array, 'y x i o'], theta: Float[Array, 'n t']
) -> Float[Array, 'y x k o']:
  """W' [y, x, (t c), o] from W [y, x, (c n), o]."""
  kernel = rearrange(kernel, 'y x (c n) o -> y x c n o', n=theta.shape[0])
  folded = jnp.einsum('nt,yxcno->yxtco', theta, kernel)
  return rearrange(folded, 'y x t c o -> y x (t c) o')


class FoldedConv(nn.Module):
  """A 3×3 convolution like `nn.Conv`, with its parameters, that applies Θ too.

  Attributes: see `nn.Conv`; padding is 1 on every side, and there is no bias.
  """

  features: int
  strides: int
  kernel_init: nn.initializers.Initializer
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, modalities: Sequence[Channels]) -> Float[Array, 'b h2 w2 o']:
    sizes = [channels.kernel_inputs for channels in modalities]
    shape = (3, 3, sum(sizes), self.features)
    kernel = self.param('kernel', self.kernel_init, shape)
    kernels = [
      part if channels.theta is None else folded_kernel(part, channels.theta)
      for part, channels in zip(
        jnp.split(kernel, np.cumsum(sizes)[:-1], axis=2), modalities, strict=True
      )
    ]
    maps = [channels.maps.astype(self.dtype) for channels in modalities]
    return jax.lax.conv_general_dilated(
      jnp.concatenate(maps, axis=-1),
      jnp.concatenate(kernels, axis=2).astype(self.dtype),
      window_strides=(self.strides, self.strides),
      padding=((1, 1), (1, 1)),
      dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )
