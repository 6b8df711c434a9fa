"""DD-Net, and our networks for the same input: trajectories of joints to logits."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Bool, Float

from ddnet_jax import layers
from ddnet_jax.double_motion import DoubleMotionEncoder
from ddnet_jax.joints import JointEncoder
from ddnet_jax.people import maximum_over_people, mean_over_people, present_people
from ddnet_jax.streams import StreamEncoder
from model_lib.output import ModelOutput

NETWORKS = ('ddnet', 'streams', 'joints')
_FORMS = {'keras': layers.KERAS, 'port': layers.PORT}
_LEAST_FRAMES = 8  # The encoders halve the number of frames up to three times.


class DDNet(nn.Module):
  """Encodes each person's trajectory, takes the maximum over people, and classifies.

  All people share one encoder. A person whose scores are all 0 is absent and changes
  nothing, neither the maximum nor BatchNorm's statistics. Nor does a clip without people.

  Two clips with one person of 15 joints in 32 frames, and a narrow network:

  >>> import jax
  >>> import jax.numpy as jnp
  >>> from ddnet_jax import DDNet
  >>> model = DDNet(num_classes=5, width=8)
  >>> inputs = jnp.ones((2, 1, 32, 15, 3))  # [clip, person, frame, joint, (x, y, score)]
  >>> variables = model.init(jax.random.key(0), inputs, train=False)
  >>> model.apply(variables, inputs, train=False).logits.shape
  (2, 5)

  Attributes:
    num_classes: K.
    network: 'ddnet', as published; 'streams', our stronger one of the same size; or
      'joints', half as large, with one encoder for all joints and a weight per joint.
      Several joined by '+' are branches: each has an encoder, a head and, in training, a
      loss of its own, and the logits are the mean of theirs. Ours.
    form: of 'ddnet' only: 'keras', the authors' notebooks, or 'port', a PyTorch port,
      whose BatchNorm is over frames.
    width: F of 'ddnet' and 'streams'.
    streams: of 'streams' only, names in `features.STREAMS`.
    joint_features, joint_vector, selector_features, reasoning_features: of 'joints'
      only, see `JointEncoder`.
    hidden: sizes of the dense layers before the classifier.
    channel_dropout: rate at which whole channels are dropped.
    dropout: rate after each dense layer; of 'streams' and 'joints' also before the
      first.
    dtype: dtype of the encoder's computation; parameters, statistics, joint weights, the
      dense layers and logits stay float32.
    convolution_algorithm: 'auto', 'direct' or 'winograd' for convolutions over three frames
      in evaluations and predictions; all give the same result up to rounding.
    rematerialize: keep only each convolution's input for the backward pass;
      `config.train.rematerialize` sets it.
  """

  num_classes: int
  network: str = 'ddnet'
  form: str = 'keras'
  width: int = 64
  streams: Sequence[str] = ('distances', 'positions', 'steps', 'strides')
  joint_features: Sequence[int] = (64, 96)
  joint_vector: int = 16
  selector_features: int = 64
  reasoning_features: Sequence[int] = (256, 384)
  hidden: Sequence[int] = (128, 128)
  channel_dropout: float = 0.1
  dropout: float = 0.5
  dtype: jnp.dtype = jnp.float32
  convolution_algorithm: str = 'auto'
  rematerialize: bool = False

  @property
  def encoding(self) -> str:
    """Kind of input: trajectories."""
    return 'trajectories'

  @nn.compact
  def __call__(self, inputs: Float[Array, 'b m t j 3'], *, train: bool) -> ModelOutput:
    self._check(inputs)
    present = present_people(inputs[..., 2])
    networks = self._networks()
    found = [self._branch(name, inputs[..., :2], present, train) for name in networks]
    logits = jnp.stack([logits for logits, _ in found])
    weights = [weights for _, weights in found if weights is not None]
    return ModelOutput(
      logits=logits.mean(axis=0) if len(networks) > 1 else logits[0],
      branch_logits=logits if len(networks) > 1 else None,
      joint_weights=weights[0] if weights else None,
    )

  def _branch(
    self,
    network: str,
    positions: Float[Array, 'b m t j 2'],
    present: Bool[Array, 'b m'],
    train: bool,
  ) -> tuple[Float[Array, 'b k'], Float[Array, 'b j'] | None]:
    """One network: its logits, and the joints' weights if it has any."""
    people = present.shape[1]
    prefix = f'{network}_' if len(self._networks()) > 1 else ''
    features, weights = self._encoder(network, f'{prefix}encoder')(
      rearrange(positions, 'b m t j xy -> (b m) t j xy'),
      rearrange(present, 'b m -> (b m)'),
      train,
    )
    features = rearrange(features, '(b m) c -> b m c', m=people)
    head = layers.Head(
      num_classes=self.num_classes,
      form=self._form(network),
      hidden=tuple(self.hidden),
      dropout=self.dropout,
      input_dropout=0.0 if network == 'ddnet' else self.dropout,
      name=f'{prefix}head',
    )
    if weights is not None:
      weights = rearrange(weights, '(b m) j -> b m j', m=people)
      weights = mean_over_people(weights, present)
    is_there = present.any(axis=1)
    return head(maximum_over_people(features, present), is_there, train), weights

  def _encoder(self, network: str, name: str) -> nn.Module:
    shared = {
      'channel_dropout': self.channel_dropout,
      'dtype': self.dtype,
      'rematerialize': self.rematerialize,
      'convolution_algorithm': self.convolution_algorithm,
      'name': name,
    }
    if network == 'joints':
      return JointEncoder(
        joint_features=self.joint_features,
        joint_vector=self.joint_vector,
        selector_features=self.selector_features,
        reasoning_features=self.reasoning_features,
        **shared,
      )
    if network == 'streams':
      return StreamEncoder(streams=tuple(self.streams), width=self.width, **shared)
    return DoubleMotionEncoder(width=self.width, form=self._form(network), **shared)

  def _networks(self) -> list[str]:
    return self.network.split('+')

  def _form(self, network: str) -> layers.Form:
    return _FORMS[self.form] if network == 'ddnet' else layers.OURS

  def _check(self, inputs: Float[Array, 'b m t j 3']):
    networks = self._networks()
    if not {*networks} <= {*NETWORKS} or len({*networks}) < len(networks):
      raise ValueError(
        f'config.model.network is {self.network!r}; give one of {NETWORKS}, or several'
        " different ones joined by '+'"
      )
    if self.form not in _FORMS:
      raise ValueError(f'config.model.form is {self.form!r}; give one of {[*_FORMS]}')
    if inputs.ndim != 5 or inputs.shape[-1] != 3:
      raise ValueError(
        'DD-Net needs trajectories [clip, person, frame, joint, (x, y, score)], but got'
        f' shape {inputs.shape}'
      )
    frames = inputs.shape[2]
    if frames < _LEAST_FRAMES or frames % 2:
      raise ValueError(
        f'config.data.num_frames is {frames}, but DD-Net halves the frames up to three'
        f' times; give an even number, at least {_LEAST_FRAMES}'
      )
