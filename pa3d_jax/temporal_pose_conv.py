"""Temporal pose convolution (PA3D Sec. 3.2): one 1×1 filter over frames for all joints.

A branch (global, dilated, local) is a set of small filters, each laid over some of the
clip's frames. All branches are written into one matrix Θ [n, t], so that temporal
association and semantic convolution, whatever the branches, are a single einsum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

LOCAL_FRAMES = 3  # PA3D Table 3: "adjacent 3 frames with stride 1".


@dataclasses.dataclass(frozen=True)
class Branch:
  """Where the filters of one branch lie.

  Attributes:
    frames: int `[n, taps]`, the frames that each output reads, in time order.
    filters: int `[n]`, the filter that each output uses.
  """

  frames: np.ndarray
  filters: np.ndarray

  @property
  def filter_shape(self) -> tuple[int, int]:
    """(number of filters, taps): the branch's parameters."""
    return int(self.filters.max()) + 1, self.frames.shape[1]


def global_branch(num_frames: int, outputs: int) -> Branch:
  """Eq. (1): every output has its own filter over all frames; N·T parameters."""
  return _lay(np.arange(num_frames)[None], outputs)


def dilated_branch(
  num_frames: int, outputs: int, dilation: int, phases: str = 'first'
) -> Branch:
  """Eq. (2): filters over the frames at intervals of `dilation`, T/d taps each.

  The paper is silent on the T - 1 frames of a difference, which d seldom divides; ours:
  the frames 0, d, 2d, … that there are, so that T/d is rounded up.

  Args:
    phases: 'first' lays every filter over frames 0, d, 2d, … (M = outputs, as Eq. (2)
      counts them); 'all' slides it over the d starts, as a dilated convolution does
      (so M = outputs / d), and needs d to divide T. The paper leaves this open.
  """
  if dilation < 1:
    raise ValueError(f'a dilation is at least 1 frame, got {dilation}')
  starts = {'first': 1, 'all': dilation}.get(phases)
  if starts is None:
    raise ValueError(f"dilation phases are 'first' or 'all', got {phases!r}")
  if num_frames % starts:
    raise ValueError(
      f"a dilation of {dilation} at phases 'all' needs a number of frames that it"
      f' divides, so that each start has T/d taps, but got {num_frames} frames; take'
      " phases 'first', which read any number"
    )
  taps = np.arange(0, num_frames, dilation)
  return _lay(taps + np.arange(starts)[:, None], outputs)


def local_branch(num_frames: int, outputs: int) -> Branch:
  """Table 3: filters over adjacent 3 frames, slid with stride 1.

  With as many outputs as positions, one filter gives them all (T = 8, N = 6); with
  fewer, the positions kept are spread over the clip; with more, further filters start
  (as for the T - 1 frames of a difference, on which the paper is silent).
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
  """Lays the first filter over all windows `[p, taps]`, then the next, and so on."""
  positions = len(windows)
  index = np.arange(outputs)
  return Branch(frames=windows[index % positions], filters=index // positions)


def split_outputs(outputs: int, branches: Sequence[str]) -> tuple[int, ...]:
  """Shares N among the branches, so that N stays the same for every combination.

  PA3D Sec. 4.1 keeps N, and does not say how it is shared; ours: evenly, the first
  branches take what is left over.
  """
  if not 1 <= len(branches) <= outputs:
    raise ValueError(
      f'{outputs} outputs cannot be shared among the branches {tuple(branches)}; name'
      ' at least one branch, and take at least one output for each'
    )
  share, rest = divmod(outputs, len(branches))
  return tuple(share + (i < rest) for i in range(len(branches)))


def semantic_convolution(
  maps: Float[Array, 'b t h w c'], theta: Float[Array, 'n t'], dtype: jnp.dtype
) -> Float[Array, 'b h w c n']:
  """Θ applied to the frames of every channel, computed in `dtype` (Eq. (1))."""
  return jnp.einsum('bthwc,nt->bhwcn', maps.astype(dtype), theta.astype(dtype))


def with_nonlinearity(motion_maps: jax.Array, nonlinearity: str) -> jax.Array:
  """The maps as they are ('none'), or cut at 0 ('relu')."""
  if nonlinearity not in ('none', 'relu'):
    raise ValueError(
      f"there is no nonlinearity {nonlinearity!r}; it is 'none' or 'relu'"
    )
  return nn.relu(motion_maps) if nonlinearity == 'relu' else motion_maps


class TemporalPoseConv(nn.Module):
  """Θ [n, t] applied to the frames of every channel: `bthwc,nt->bhwcn`.

  Parameters are one array of filters for each branch; they do not depend on the number
  of channels (PA3D's claim: N·T against N·C·T).

  Attributes:
    branches: of 'global', 'dilated', 'local'; their outputs are concatenated.
    outputs: N, output maps for each channel, over all branches.
    dilation: d of the dilated branch.
    dilation_phases: see `dilated_branch`.
    nonlinearity: of the outputs: 'none', as Eq. (1) and (2) stand, or 'relu'.
    dtype: of the computation; parameters stay float32.
  """

  branches: Sequence[str] = ('global',)
  outputs: int = 6
  dilation: int = 2
  dilation_phases: str = 'first'
  nonlinearity: str = 'none'
  dtype: jnp.dtype = jnp.float32

  @nn.compact
  def __call__(self, maps: Float[Array, 'b t h w c']) -> Float[Array, 'b h w c n']:
    num_frames = maps.shape[1]
    theta = []
    shares = split_outputs(self.outputs, self.branches)
    for name, outputs in zip(self.branches, shares, strict=True):
      branch = self._branch(name, num_frames, outputs)
      filters = self.param(name, _fan_in_uniform, branch.filter_shape)
      rows = jnp.zeros((outputs, num_frames), filters.dtype)
      output = np.arange(outputs)[:, None]
      theta.append(rows.at[output, branch.frames].set(filters[branch.filters]))
    motion_maps = semantic_convolution(maps, jnp.concatenate(theta), self.dtype)
    return with_nonlinearity(motion_maps, self.nonlinearity)

  def _branch(self, name: str, num_frames: int, outputs: int) -> Branch:
    match name:
      case 'global':
        return global_branch(num_frames, outputs)
      case 'dilated':
        return dilated_branch(num_frames, outputs, self.dilation, self.dilation_phases)
      case 'local':
        return local_branch(num_frames, outputs)
    raise ValueError(
      f"there is no temporal pose convolution {name!r}; branches are 'global',"
      " 'dilated' and 'local'"
    )


def _fan_in_uniform(
  key: jax.Array, shape: tuple[int, int], dtype: jnp.dtype = jnp.float32
) -> jax.Array:
  """Uniform ±1/√taps, what PyTorch gives a 1×1 convolution over `taps` channels."""
  bound = shape[1] ** -0.5
  return jax.random.uniform(key, shape, dtype, -bound, bound)
