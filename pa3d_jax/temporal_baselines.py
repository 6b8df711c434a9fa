"""Other ways to treat time, to compare temporal pose convolution with (PA3D Table 2)."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jaxtyping import Array, Float

from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.temporal_pose_conv import semantic_convolution, with_nonlinearity

# Uniform ±1/√fan_in, what PyTorch gives any convolution.
_FAN_IN_UNIFORM = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')


class TSNStyle(nn.Module):
  """Each frame alone through the action CNN, scores averaged (PA3D Sec. 3.2 (3)).

  Blind to the order of frames: the comparison that shows what order is worth.
  """

  action_cnn: ActionCNN

  def __call__(
    self, maps: Float[Array, 'b t h w c'], *, train: bool
  ) -> Float[Array, 'b k']:
    frames = rearrange(maps, 'b t h w c -> (b t) h w c')
    logits: jax.Array = self.action_cnn(frames, train=train)
    return rearrange(logits, '(b t) k -> b t k', t=maps.shape[1]).mean(axis=1)


class TemporalConv(nn.Module):
  """T×k×k convolution, C channels in and N out: N·C·T·k² weights, none shared.

  k = 1 is the traditional temporal convolution that temporal pose convolution is
  compared with (PA3D Sec. 3.2 (1)). k = 3 is Table 2's "3DConv", whose kernel the paper
  does not give; ours, by analogy with T×1×1: T×3×3, one cell of padding on every side.

  There is no bias, as Eq. (1) has none, so that the comparison is of filters alone.

  Attributes:
    outputs: N, maps in all, each a mixture of all channels.
    window: k, the kernel's rows and columns; odd.
    nonlinearity: of the outputs, see `TemporalPoseConv`.
    dtype: of the computation; parameters stay float32.
  """

  outputs: int = 6
  window: int = 1
  nonlinearity: str = 'none'
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, maps: Float[Array, 'b t h w c']) -> Float[Array, 'b h w 1 n']:
    # Over all T frames there is one place in time, so that a convolution of T·C
    # channels in the plane is the same; 3D ones are several times slower on a CPU.
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
  """Pose colorization: fixed colours of time in the place of learnt filters.

  It "encodes the heatmaps of each frame according to the relative time of this frame in
  the clip" (PA3D Table 2, of PoTion [4]): here in the T sampled frames. It has no
  parameters, and is as wide as temporal pose convolution with the same `outputs`.

  Attributes:
    outputs: C, the colours of time, as many maps for each channel.
    dtype: of the computation.
  """

  outputs: int = 6
  dtype: jnp.dtype = jnp.float32

  def __call__(self, maps: Float[Array, 'b t h w c']) -> Float[Array, 'b h w c n']:
    theta = colour_filters(maps.shape[1], self.outputs)
    return semantic_convolution(maps, jnp.asarray(theta), self.dtype)


def colour_filters(num_frames: int, colours: int) -> Float[np.ndarray, 'n t']:
  """Each row is a colour's triangle over time, divided by its sum: a mean over frames.

  o_c(t) = max(0, 1 - |t / (T - 1) · (C - 1) - c|) (PoTion Sec. 3.2). With fewer frames
  than colours, a colour that no frame comes near is 0; a single frame is the first
  colour's.
  """
  if colours < 2:
    raise ValueError(
      f'pose colorization needs at least 2 colours (outputs), but got {colours}: one'
      ' cannot tell the time'
    )
  # Whole numbers, T - 1 times the weights: no rounding for a small sum to magnify.
  last = max(num_frames - 1, 1)
  position = np.arange(num_frames) * (colours - 1)
  weights = np.maximum(0, last - abs(position - last * np.arange(colours)[:, None]))
  sums = weights.sum(axis=1, keepdims=True)
  return (weights / np.maximum(sums, 1)).astype(np.float32)
