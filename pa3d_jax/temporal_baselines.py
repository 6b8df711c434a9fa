"""Baselines for temporal pose convolution: other ways to model time (PA3D Table 2)."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jaxtyping import Array, Float

from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.temporal_pose_conv import semantic_convolution, with_nonlinearity

# Uniform in ±1/√fan_in, PyTorch's default, with the fan-in read from the kernel's
# shape. `model_lib.initializers.fan_in_uniform` draws the same up to float32 rounding.
_FAN_IN_UNIFORM = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')


class TSNStyle(nn.Module):
  """Applies the action CNN to each frame and averages the logits (PA3D Sec. 3.2 (3)).

  It ignores the order of frames, and so shows how much that order contributes.
  """

  action_cnn: ActionCNN

  def __call__(
    self, maps: Float[Array, 'b t h w c'], *, train: bool
  ) -> Float[Array, 'b k']:
    frames = rearrange(maps, 'b t h w c -> (b t) h w c')
    logits: jax.Array = self.action_cnn(frames, train=train)
    return rearrange(logits, '(b t) k -> b t k', t=maps.shape[1]).mean(axis=1)


class TemporalConv(nn.Module):
  """T×k×k convolution from C channels to N: N·C·T·k² weights, none shared.

  k = 1 is the traditional temporal convolution that the paper compares with temporal
  pose convolution (PA3D Sec. 3.2 (1)). k = 3 is Table 2's "3DConv". The paper does not
  give its kernel; ours is T×3×3 with one cell of padding on every side, by analogy
  with T×1×1.

  There is no bias, as in Eq. (1), so that the comparison concerns only the filters.

  Attributes:
    outputs: N, output maps in total, each a mixture of all channels.
    window: k, rows and columns of the kernel; odd.
    nonlinearity: applied to the outputs, see `TemporalPoseConv`.
    dtype: dtype of the computation; parameters stay float32.
  """

  outputs: int = 6
  window: int = 1
  nonlinearity: str = 'none'
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, maps: Float[Array, 'b t h w c']) -> Float[Array, 'b h w 1 n']:
    # The kernel spans all T frames, so a 2D convolution over T·C channels is the same;
    # 3D convolutions are several times slower on a CPU.
    motion_maps = nn.Conv(
      self.outputs,
      kernel_size=(self.window, self.window),
      padding=self.window // 2,
      use_bias=False,
      kernel_init=_FAN_IN_UNIFORM,
      dtype=self.dtype,
      name='conv',
    )(rearrange(maps, 'b t h w c -> b h w (t c)'))
    return with_nonlinearity(motion_maps[..., None, :], self.nonlinearity)


class Colorization(nn.Module):
  """Pose colorization: fixed colours for time instead of learnt filters.

  It "encodes the heatmaps of each frame according to the relative time of this frame in
  the clip" (PA3D Table 2, after PoTion [4]); here, within the T sampled frames. It has
  no parameters and as many outputs as temporal pose convolution with the same
  `outputs`.

  Attributes:
    outputs: C, number of colours, and so of output maps per channel.
    dtype: dtype of the computation.
  """

  outputs: int = 6
  dtype: jnp.dtype = jnp.float32

  def __call__(self, maps: Float[Array, 'b t h w c']) -> Float[Array, 'b h w c n']:
    theta = colour_filters(maps.shape[1], self.outputs)
    return semantic_convolution(maps, jnp.asarray(theta), self.dtype)


def colour_filters(num_frames: int, colours: int) -> Float[np.ndarray, 'n t']:
  """Weights of each frame in each colour: a triangle over time, divided by its sum.

    o_c(t) = max(0, 1 - |t / (T - 1) · (C - 1) - c|)   (PoTion Sec. 3.2)

  With fewer frames than colours, the row of a colour without a near frame is 0. A
  single frame has the first colour.

  Raises:
    ValueError: for fewer than 2 colours.
  """
  if colours < 2:
    raise ValueError(
      f'pose colorization needs at least 2 colours (outputs), but got {colours}; a'
      ' single colour does not encode time'
    )
  # Integers, T - 1 times the weights, so that a small sum magnifies no rounding error.
  last = max(num_frames - 1, 1)
  position = np.arange(num_frames) * (colours - 1)
  weights = np.maximum(0, last - abs(position - last * np.arange(colours)[:, None]))
  sums = weights.sum(axis=1, keepdims=True)
  return (weights / np.maximum(sums, 1)).astype(np.float32)
