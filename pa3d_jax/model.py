"""PA3D: temporal pose convolution, then the action CNN, trained jointly.

Its baselines differ before the action CNN alone; among them PoTion, whose fixed colours
have made the maps before they come here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from model_lib.output import ModelOutput
from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.temporal_baselines import Colorization, TemporalConv, TSNStyle
from pa3d_jax.temporal_pose_conv import TemporalPoseConv

TEMPORAL = (
  'temporal_pose_conv',
  'temporal_conv',
  'conv3d',
  'colorization',
  'tsn',
  'potion',
)

_Maps = Float[Array, 'b t h w c'] | Float[Array, 'b j h w c']


class PA3D(nn.Module):
  """The maps of one modality, or of several in one model, to class logits.

  Several (PA3D Sec. 4.1, ⊕) are a dict of maps by modality. Each has a temporal model
  of its own; their representations stand side by side on channels, in the order of the
  sorted names (jax sorts the keys of a dict, so that no other order survives a jit),
  and one action CNN reads them. Numbers of frames and of channels may differ. Parameters
  of a modality have its name at the end: `temporal_pose_conv_joints`.

  Attributes:
    num_classes: K.
    temporal: 'temporal_pose_conv', or a baseline of Table 2: 'temporal_conv' (T×1×1,
      see `TemporalConv`), 'conv3d' (T×3×3), 'colorization' of the sampled frames, 'tsn',
      or 'potion', whose maps are PoTion maps `[b, j, h, w, c]` of whole videos, all laid
      side by side.
    input_norm: of the maps: 'none' takes them as they are, in 0..1; 'batch_norm'
      normalises each channel.
    outputs: N, maps for each channel (of 'temporal_conv' and 'conv3d': in all), for each
      modality; 'tsn' and 'potion' have none.
    nonlinearity: of the learnt outputs: 'none' or 'relu'.
    branches, dilation, dilation_phases: see `TemporalPoseConv`, which alone has them.
    features, convolutions, order, dropout: see `ActionCNN`.
    dtype: of the computation; parameters and statistics stay float32.
  """

  num_classes: int
  temporal: str = 'temporal_pose_conv'
  input_norm: str = 'none'
  branches: Sequence[str] = ('global', 'dilated')
  outputs: int = 8
  dilation: int = 2
  dilation_phases: str = 'first'
  nonlinearity: str = 'none'
  features: Sequence[int] = (128, 256, 512)
  convolutions: int = 2
  order: str = 'norm_relu'
  dropout: float = 0.5
  dtype: jnp.dtype = jnp.float32

  @property
  def encoding(self) -> str:
    """What it reads: maps of frames, or PoTion maps."""
    return 'potion' if self.temporal == 'potion' else 'frames'

  @nn.compact
  def __call__(self, maps: _Maps | Mapping[str, _Maps], *, train: bool) -> ModelOutput:
    """Raises ValueError where maps of several modalities cannot be laid side by side."""
    if self.temporal not in TEMPORAL:
      raise ValueError(
        f'there is no temporal model {self.temporal!r}; it is one of'
        f' {", ".join(TEMPORAL)}'
      )
    several = isinstance(maps, Mapping)
    if several:
      _check_modalities(maps, self.temporal)
    by_modality = {
      modality: self._normalised(of_modality, modality, train)
      for modality, of_modality in sorted((maps if several else {'': maps}).items())
    }
    if self.temporal == 'tsn':
      frames = jnp.concatenate(list(by_modality.values()), axis=-1)
      tsn = TSNStyle(self._action_cnn(), name='tsn')
      return ModelOutput(logits=tsn(frames, train=train))
    if self.temporal == 'potion':
      return ModelOutput(
        logits=self._logits(by_modality, 'b j h w c -> b h w (j c)', train)
      )
    motion_maps = {
      modality: self._temporal_model(modality)(of_modality)
      for modality, of_modality in by_modality.items()
    }
    return ModelOutput(
      logits=self._logits(motion_maps, 'b h w c n -> b h w (c n)', train),
      motion_maps=motion_maps if several else motion_maps[''],
    )

  def _normalised(self, maps: jax.Array, modality: str, train: bool) -> jax.Array:
    if self.input_norm == 'none':
      return maps
    if self.input_norm != 'batch_norm':
      raise ValueError(
        f"there is no input norm {self.input_norm!r}; it is 'none' or 'batch_norm'"
      )
    return nn.BatchNorm(
      use_running_average=not train,
      momentum=0.9,
      dtype=self.dtype,
      name=_name('input_batch_norm', modality),
    )(maps)

  def _temporal_model(self, modality: str) -> nn.Module:
    """From maps of frames to motion maps `[b, h, w, c, n]`."""
    name = _name(self.temporal, modality)
    learnt = {'nonlinearity': self.nonlinearity, 'dtype': self.dtype, 'name': name}
    match self.temporal:
      case 'temporal_conv':
        return TemporalConv(self.outputs, window=1, **learnt)
      case 'conv3d':
        return TemporalConv(self.outputs, window=3, **learnt)
      case 'colorization':
        return Colorization(self.outputs, dtype=self.dtype, name=name)
    return TemporalPoseConv(
      branches=self.branches,
      outputs=self.outputs,
      dilation=self.dilation,
      dilation_phases=self.dilation_phases,
      **learnt,
    )

  def _logits(
    self, by_modality: Mapping[str, jax.Array], pattern: str, train: bool
  ) -> Float[Array, 'b k']:
    """The action CNN on all modalities' channels, which `pattern` puts last."""
    representations = [rearrange(maps, pattern) for maps in by_modality.values()]
    return self._action_cnn()(jnp.concatenate(representations, axis=-1), train=train)

  def _action_cnn(self) -> ActionCNN:
    return ActionCNN(
      num_classes=self.num_classes,
      features=self.features,
      convolutions=self.convolutions,
      order=self.order,
      dropout=self.dropout,
      dtype=self.dtype,
      name='action_cnn',
    )


def _name(module: str, modality: str) -> str:
  return f'{module}_{modality}' if modality else module


def _check_modalities(by_modality: Mapping[str, jax.Array], temporal: str):
  """Refuses what cannot stand side by side on channels."""
  if not by_modality:
    raise ValueError('there are no maps to read, the dict of modalities is empty')
  shapes = {name: maps.shape for name, maps in sorted(by_modality.items())}
  if len({(shape[0], *shape[2:4]) for shape in shapes.values()}) > 1:
    raise ValueError(
      'the modalities of one model need as many clips and maps of one size, [b, t, h, w,'
      f' c], but got {shapes}; bring them to the same b, h and w'
    )
  frames = {name: shape[1] for name, shape in shapes.items()}
  if temporal == 'tsn' and len(set(frames.values())) > 1:
    raise ValueError(
      "the temporal model 'tsn' reads all modalities of a frame together, so that they"
      f' need as many frames each, but got {frames}; give it differences alone or none,'
      ' or take another temporal model'
    )
