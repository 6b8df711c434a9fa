"""PA3D: temporal pose convolution, then the action CNN, trained jointly.

The baselines differ from it only before the action CNN. For the PoTion baseline the
maps are coloured before they reach the model.
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
from pa3d_jax.folded_filter import Channels, is_folded, unfiltered
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
  """Computes class logits from the maps of one modality, or of several in one model.

  Several modalities (PA3D Sec. 4.1, ⊕) are passed as a dict of maps by modality. Each
  modality has its own temporal model. Their representations are concatenated on the
  channel axis for one action CNN, sorted by modality name (JAX sorts dict keys, so no
  other order survives a jit). Modalities may differ in frames and channels. Parameter
  names end in the modality: `temporal_pose_conv_joints`.

  Two clips of T = 4 frames with 19 maps per frame, N = 6 outputs, and a narrow action
  CNN:

  >>> import jax
  >>> import jax.numpy as jnp
  >>> from pa3d_jax import PA3D
  >>> model = PA3D(num_classes=5, outputs=6, features=(8, 8))
  >>> maps = jnp.zeros((2, 4, 16, 24, 19))  # [clip, frame, row, column, map]
  >>> variables = model.init(jax.random.key(0), maps, train=False)
  >>> output = model.apply(variables, maps, train=False)
  >>> output.logits.shape
  (2, 5)
  >>> output.motion_maps.shape
  (2, 16, 24, 19, 6)

  Attributes:
    num_classes: K.
    temporal: 'temporal_pose_conv', or a baseline from Table 2: 'temporal_conv' (T×1×1,
      see `TemporalConv`), 'conv3d' (T×3×3), 'colorization' of the sampled frames,
      'tsn', or 'potion', which reads PoTion maps `[b, j, h, w, c]` of whole videos and
      concatenates them on the channel axis.
    input_norm: normalisation of the input maps. 'none' takes them as they are, in 0..1;
      'batch_norm' normalises each channel.
    outputs: N, output maps per channel and modality (for 'temporal_conv' and 'conv3d'
      in total per modality); unused by 'tsn' and 'potion'.
    nonlinearity: 'none' or 'relu', applied to the learnt outputs.
    branches, dilation, dilation_phases: see `TemporalPoseConv`; unused elsewhere.
    filter_folding: 'auto' computes temporal pose convolution inside conv1_1 where this
      saves work, see `folded_filter`; 'plain' never does. Both compute the same.
    features, convolutions, order, dropout, convolution_algorithm: see `ActionCNN`.
    dtype: dtype of the computation; parameters and statistics stay float32.
    rematerialize: see `ActionCNN`; `config.train.rematerialize` sets it.
  """

  num_classes: int
  temporal: str = 'temporal_pose_conv'
  input_norm: str = 'none'
  branches: Sequence[str] = ('global', 'dilated')
  outputs: int = 8
  dilation: int = 2
  dilation_phases: str = 'first'
  nonlinearity: str = 'none'
  filter_folding: str = 'auto'
  features: Sequence[int] = (128, 256, 512)
  convolutions: int = 2
  order: str = 'norm_relu'
  dropout: float = 0.5
  convolution_algorithm: str = 'direct'
  dtype: jnp.dtype = jnp.float32
  rematerialize: bool = False

  @property
  def encoding(self) -> str:
    """Kind of input: 'frames' (maps per frame) or 'potion' (PoTion maps)."""
    return 'potion' if self.temporal == 'potion' else 'frames'

  @nn.compact
  def __call__(self, maps: _Maps | Mapping[str, _Maps], *, train: bool) -> ModelOutput:
    """Applies the model.

    Raises:
      ValueError: for an unknown setting, and for modalities whose maps cannot be
        concatenated.
    """
    if self.temporal not in TEMPORAL:
      raise ValueError(
        f'there is no temporal model {self.temporal!r}; use one of {", ".join(TEMPORAL)}'
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
    motion_maps, representations = {}, []
    for modality, of_modality in by_modality.items():
      temporal = self._temporal_model(modality)
      motion_maps[modality] = temporal(of_modality)
      representations.append(
        self._channels(temporal, of_modality, motion_maps[modality])
      )
    return ModelOutput(
      logits=self._action_cnn()(representations, train=train),
      motion_maps=motion_maps if several else motion_maps[''],
    )

  def _channels(
    self, temporal: nn.Module, maps: jax.Array, motion_maps: jax.Array
  ) -> Channels:
    """What conv1_1 reads of one modality: its motion maps, or its frames and Θ."""
    frames = maps.shape[1]
    if isinstance(temporal, TemporalPoseConv) and is_folded(
      self.filter_folding, self.nonlinearity, frames=frames, outputs=self.outputs
    ):
      return unfiltered(maps, temporal.theta(frames))
    return Channels(rearrange(motion_maps, 'b h w c n -> b h w (c n)'))

  def _normalised(self, maps: jax.Array, modality: str, train: bool) -> jax.Array:
    if self.input_norm == 'none':
      return maps
    if self.input_norm != 'batch_norm':
      raise ValueError(
        f"there is no input norm {self.input_norm!r}; use 'none' or 'batch_norm'"
      )
    return nn.BatchNorm(
      use_running_average=not train,
      momentum=0.9,
      dtype=self.dtype,
      name=_name('input_batch_norm', modality),
    )(maps)

  def _temporal_model(self, modality: str) -> nn.Module:
    """The module that computes motion maps `[b, h, w, c, n]` from maps of frames."""
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
    """Applies the action CNN to all modalities; `pattern` puts their channels last."""
    representations = [rearrange(maps, pattern) for maps in by_modality.values()]
    return self._action_cnn()(jnp.concatenate(representations, axis=-1), train=train)

  def _action_cnn(self) -> ActionCNN:
    return ActionCNN(
      num_classes=self.num_classes,
      features=self.features,
      convolutions=self.convolutions,
      order=self.order,
      dropout=self.dropout,
      convolution_algorithm=self.convolution_algorithm,
      dtype=self.dtype,
      rematerialize=self.rematerialize,
      name='action_cnn',
    )


def _name(module: str, modality: str) -> str:
  return f'{module}_{modality}' if modality else module


def _check_modalities(by_modality: Mapping[str, jax.Array], temporal: str):
  """Raises ValueError for maps that cannot be concatenated on the channel axis."""
  if not by_modality:
    raise ValueError('got an empty dict of modalities; give the maps of at least one')
  shapes = {name: maps.shape for name, maps in sorted(by_modality.items())}
  if len({(shape[0], *shape[2:4]) for shape in shapes.values()}) > 1:
    raise ValueError(
      'the modalities of one model need equal b, h and w in [b, t, h, w, c], but got'
      f' {shapes}; make the number of clips and the map sizes equal'
    )
  frames = {name: shape[1] for name, shape in shapes.items()}
  if temporal == 'tsn' and len(set(frames.values())) > 1:
    raise ValueError(
      "the temporal model 'tsn' reads all modalities of a frame together and needs equal"
      f' numbers of frames, but got {frames}; use only difference modalities, or none,'
      ' or another temporal model'
    )
