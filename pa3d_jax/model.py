"""PA3D: temporal pose convolution, then the action CNN, trained jointly.

Its baselines differ before the action CNN alone; among them PoTion, whose fixed colours
have made the maps before they come here.
"""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from model_lib.output import ModelOutput
from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.temporal_baselines import TSNStyle
from pa3d_jax.temporal_pose_conv import TemporalPoseConv


class PA3D(nn.Module):
  """One PA3D stream: the maps of one modality to class logits.

  Attributes:
    num_classes: K.
    temporal: 'temporal_pose_conv', or a baseline of Table 2: 'tsn', or 'potion', whose
      maps are PoTion maps `[b, j, h, w, c]`, all laid side by side.
    input_norm: of the maps: 'none' takes them as they are, in 0..1; 'batch_norm'
      normalises each channel.
    branches, outputs, dilation, dilation_phases, nonlinearity: see `TemporalPoseConv`.
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
  def __call__(
    self,
    maps: Float[Array, 'b t h w c'] | Float[Array, 'b j h w c'],
    *,
    train: bool,
  ) -> ModelOutput:
    maps = self._normalised(maps, train)
    action_cnn = ActionCNN(
      num_classes=self.num_classes,
      features=self.features,
      convolutions=self.convolutions,
      order=self.order,
      dropout=self.dropout,
      dtype=self.dtype,
      name='action_cnn',
    )
    if self.temporal == 'tsn':
      return ModelOutput(logits=TSNStyle(action_cnn, name='tsn')(maps, train=train))
    if self.temporal == 'potion':
      representation = rearrange(maps, 'b j h w c -> b h w (j c)')
      return ModelOutput(logits=action_cnn(representation, train=train))
    if self.temporal != 'temporal_pose_conv':
      raise ValueError(
        f"there is no temporal model {self.temporal!r}; it is 'temporal_pose_conv',"
        " 'tsn' or 'potion'"
      )
    motion_maps = TemporalPoseConv(
      branches=self.branches,
      outputs=self.outputs,
      dilation=self.dilation,
      dilation_phases=self.dilation_phases,
      nonlinearity=self.nonlinearity,
      dtype=self.dtype,
      name='temporal_pose_conv',
    )(maps)
    representation = rearrange(motion_maps, 'b h w c n -> b h w (c n)')
    logits = action_cnn(representation, train=train)
    return ModelOutput(logits=logits, motion_maps=motion_maps)

  def _normalised(self, maps: jax.Array, train: bool) -> jax.Array:
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
      name='input_batch_norm',
    )(maps)
