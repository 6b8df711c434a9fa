"""Temporal pose convolution (PA3D Sec. 3.2): one 1×1 filter over frames for all joints.

A branch (global, dilated, local) is a set of small filters, each of which reads some
frames of the clip. All branches are written into one matrix Θ [n, t], so that temporal
association and semantic convolution are a single einsum for any choice of branches.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from model_lib.initializers import fan_in_uniform

LOCAL_FRAMES = 3  # PA3D Table 3: "adjacent 3 frames with stride 1".


@dataclasses.dataclass(frozen=True)
class Branch:
  """The frames and filters of one branch.

  Attributes:
    frames: int `[n, taps]`, the frames that each output reads, in time order.
    filters: int `[n]`, the filter that each output uses.
  """

  frames: np.ndarray
  filters: np.ndarray

  @property
  def filter_shape(self) -> tuple[int, int]:
    """(number of filters, taps): the shape of the branch's parameters."""
    return int(self.filters.max()) + 1, self.frames.shape[1]


def global_branch(num_frames: int, outputs: int) -> Branch:
  """Eq. (1): every output has its own filter over all frames, so N·T parameters."""
  return _lay(np.arange(num_frames)[None], outputs)


def dilated_branch(
  num_frames: int, outputs: int, dilation: int, phases: str = 'first'
) -> Branch:
  """Eq. (2): filters over every `dilation`-th frame, T/d taps each.

  The paper does not cover the T - 1 frames of a difference, which d seldom divides. We
  read the frames 0, d, 2d, … that exist, so T/d is rounded up (our choice).

  Args:
    phases: with 'first' every filter reads frames 0, d, 2d, … (M = outputs, as counted
      in Eq. (2)). With 'all' a filter slides over the d start frames, as in a dilated
      convolution (M = outputs / d); d must then divide T. The paper leaves this open.

  Raises:
    ValueError: for a dilation below 1, unknown phases, and phases 'all' if d does not
      divide T.
  """
  if dilation < 1:
    raise ValueError(f'the dilation must be at least 1 frame, but got {dilation}')
  starts = {'first': 1, 'all': dilation}.get(phases)
  if starts is None:
    raise ValueError(f"there are no dilation phases {phases!r}; use 'first' or 'all'")
  if num_frames % starts:
    raise ValueError(
      f"dilation {dilation} with phases 'all' needs a number of frames divisible by"
      f' {dilation}, so that each start has T/d taps, but got {num_frames} frames; use'
      " phases 'first', which take any number"
    )
  taps = np.arange(0, num_frames, dilation)
  return _lay(taps + np.arange(starts)[:, None], outputs)


def local_branch(num_frames: int, outputs: int) -> Branch:
  """Table 3: filters over 3 adjacent frames, moved with stride 1.

  With as many outputs as positions, one filter gives all of them (T = 8, N = 6). With
  fewer, the kept positions are spread over the clip. With more, further filters are
  added, for example for the T - 1 frames of a difference, which the paper does not
  cover.

  Raises:
    ValueError: for fewer than 3 frames.
  """
  positions = num_frames - LOCAL_FRAMES + 1
  if positions < 1:
    raise ValueError(
      f'the local branch needs at least {LOCAL_FRAMES} frames, but got {num_frames}'
    )
  starts = np.arange(positions)
  if outputs < positions:
    starts = np.round(np.linspace(0, positions - 1, outputs)).astype(int)
  return _lay(starts[:, None] + np.arange(LOCAL_FRAMES), outputs)


def _lay(windows: np.ndarray, outputs: int) -> Branch:
  """Assigns the first filter to all windows `[p, taps]`, then the next, and so on."""
  positions = len(windows)
  index = np.arange(outputs)
  return Branch(frames=windows[index % positions], filters=index // positions)


def split_outputs(outputs: int, branches: Sequence[str]) -> tuple[int, ...]:
  """Divides N among the branches, so that N is the same for every combination.

  PA3D Sec. 4.1 keeps N fixed but does not say how it is divided. We divide evenly; the
  first branches take the remainder (our choice).

  Raises:
    ValueError: for no branches, and for fewer outputs than branches.
  """
  if not 1 <= len(branches) <= outputs:
    raise ValueError(
      f'cannot divide {outputs} outputs among the branches {tuple(branches)}; give at'
      ' least one branch and at least one output per branch'
    )
  share, rest = divmod(outputs, len(branches))
  return tuple(share + (i < rest) for i in range(len(branches)))


def semantic_convolution(
  maps: Float[Array, 'b t h w c'], theta: Float[Array, 'n t'], dtype: jnp.dtype
) -> Float[Array, 'b h w c n']:
  """Applies Θ to the frames of every channel, in `dtype` (Eq. (1))."""
  return jnp.einsum('bthwc,nt->bhwcn', maps.astype(dtype), theta.astype(dtype))


def with_nonlinearity(motion_maps: jax.Array, nonlinearity: str) -> jax.Array:
  """Returns the maps unchanged ('none') or after a ReLU ('relu')."""
  if nonlinearity not in ('none', 'relu'):
    raise ValueError(f"there is no nonlinearity {nonlinearity!r}; use 'none' or 'relu'")
  return nn.relu(motion_maps) if nonlinearity == 'relu' else motion_maps


class TemporalPoseConv(nn.Module):
  """Applies Θ [n, t] to the frames of every channel: `bthwc,nt->bhwcn`.

  The parameters are one array of filters per branch. Their number does not depend on
  the number of channels (the paper's claim: N·T instead of N·C·T).

  One filter over T = 8 frames for each of N = 6 outputs, on 2 clips with 19 maps:

  >>> import jax
  >>> import jax.numpy as jnp
  >>> from pa3d_jax import TemporalPoseConv
  >>> layer = TemporalPoseConv(branches=('global',), outputs=6)
  >>> maps = jnp.ones((2, 8, 16, 24, 19))  # [clip, frame, row, column, map]
  >>> variables = layer.init(jax.random.key(0), maps)
  >>> variables['params']['global'].shape
  (6, 8)
  >>> layer.apply(variables, maps).shape
  (2, 16, 24, 19, 6)

  Attributes:
    branches: any of 'global', 'dilated', 'local'; their outputs are concatenated.
    outputs: N, output maps per channel, in all branches together.
    dilation: d of the dilated branch.
    dilation_phases: see `dilated_branch`.
    nonlinearity: applied to the outputs: 'none', as in Eq. (1) and (2), or 'relu'.
    dtype: dtype of the computation; parameters stay float32.
  """

  branches: Sequence[str] = ('global',)
  outputs: int = 6
  dilation: int = 2
  dilation_phases: str = 'first'
  nonlinearity: str = 'none'
  dtype: jnp.dtype = jnp.float32

  def __call__(self, maps: Float[Array, 'b t h w c']) -> Float[Array, 'b h w c n']:
    motion_maps = semantic_convolution(maps, self.theta(maps.shape[1]), self.dtype)
    return with_nonlinearity(motion_maps, self.nonlinearity)

  @nn.compact
  def theta(self, num_frames: int) -> Float[Array, 'n t']:
    """Θ, the filters of all branches, from the parameters."""
    theta = []
    shares = split_outputs(self.outputs, self.branches)
    for name, outputs in zip(self.branches, shares, strict=True):
      branch = self._branch(name, num_frames, outputs)
      # PyTorch's default for a 1×1 convolution with the taps as input channels.
      initializer = fan_in_uniform(branch.filter_shape[1])
      filters = self.param(name, initializer, branch.filter_shape)
      rows = jnp.zeros((outputs, num_frames), filters.dtype)
      output = np.arange(outputs)[:, None]
      theta.append(rows.at[output, branch.frames].set(filters[branch.filters]))
    return jnp.concatenate(theta)

  def _branch(self, name: str, num_frames: int, outputs: int) -> Branch:
    match name:
      case 'global':
        return global_branch(num_frames, outputs)
      case 'dilated':
        return dilated_branch(num_frames, outputs, self.dilation, self.dilation_phases)
      case 'local':
        return local_branch(num_frames, outputs)
    raise ValueError(
      f"temporal pose convolution has no branch {name!r}; use 'global', 'dilated' or"
      " 'local'"
    )
