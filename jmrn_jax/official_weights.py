"""Converts the weights of the official JMRN release to variables of our JMRN.

The release saves only a PyTorch state dict, without sizes or class names; sizes follow
from the tensors' shapes. The names, and which tensors the network never uses, are taken
from the official code.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

# nn.DataParallel, which the release trains with, adds this prefix to every name.
_PREFIX = 'module.'
# Tensors that the official code creates and never uses, or uses only in training.
_UNUSED = re.compile(
  r'(input_norm|bn[1-4]|bn_11)\.\w+|(bn[56]|batch_norms\.\d+)\.num_batches_tracked'
)
# For each symbol in `_KERNELS`, the tensor and axis that give its size.
_SIZES = {
  'channel': ('conv1.weight', 1),
  'stage1': ('conv1.weight', 0),
  'stage2': ('conv3.weight', 0),
  'compressed': ('conv_11.weight', 0),
  'selector': ('joint_attention_block.one_x_one.weight', 0),
  'joint': ('joint_attention_block.linear.weight', 0),
  'reasoning': ('one_one_conv.weight', 0),
  'projection': ('projection_head.weight', 0),
  'class': ('FC.weight', 0),
}
_SELECTOR = 'joint_attention_block'
# Shapes of the kernels; a product is a concatenation over joints.
_KERNELS: dict[str, tuple[int | str, ...]] = {
  'conv1': ('stage1', 'channel', 3, 3),
  'conv2': ('stage1', 'stage1', 3, 3),
  'conv3': ('stage2', 'stage1', 3, 3),
  'conv4': ('stage2', 'stage2', 3, 3),
  'conv_11': ('compressed', 'stage2', 1, 1),
  f'{_SELECTOR}.one_x_one': ('selector', 'joint*stage2', 1, 1),
  f'{_SELECTOR}.linear': ('joint', 'selector'),
  'one_one_conv': ('reasoning', 'joint*compressed', 1, 1),
  'conv5': ('reasoning', 'reasoning', 3, 3),
  'conv6': ('reasoning', 'reasoning', 3, 3),
  'FC': ('class', 'reasoning'),
  'projection_head': ('projection', 'stage2'),
  'projection_head2': ('projection', 'projection'),
}
_NORMS = {'bn5': 'reasoning', 'bn6': 'reasoning'}
# From our layers, as paths in the parameters, to the official layers.
_LAYERS = {
  ('joint_encoder', 'conv1_1'): 'conv1',
  ('joint_encoder', 'conv1_2'): 'conv2',
  ('joint_encoder', 'conv2_1'): 'conv3',
  ('joint_encoder', 'conv2_2'): 'conv4',
  ('compression',): 'conv_11',
  ('joint_selector', 'reduction'): f'{_SELECTOR}.one_x_one',
  ('joint_selector', 'weights'): f'{_SELECTOR}.linear',
  ('reduction',): 'one_one_conv',
  ('conv1',): 'conv5',
  ('conv2',): 'conv6',
  ('classifier',): 'FC',
  ('projection1',): 'projection_head',
  ('projection2',): 'projection_head2',
}
_NORM_LAYERS = {'norm1': 'bn5', 'norm2': 'bn6'}
_NORM_PARTS = ('weight', 'bias', 'running_mean', 'running_var')
_PROJECTION = 'projection_head'


class WeightsError(ValueError):
  """The weights do not belong to the official JMRN."""


@dataclasses.dataclass(frozen=True)
class OfficialWeights:
  """Weights of the official release in our layout.

  Attributes:
    variables: variables of our JMRN, 'params' and 'batch_stats', in float32.
    model_fields: fields of our JMRN that these weights determine.
    num_joints, channels, num_classes: sizes of the model's input and output.
    unused: names of the tensors that the network does not use, which were left out.
  """

  variables: dict[str, dict[str, Any]]
  model_fields: dict[str, Any]
  num_joints: int
  channels: int
  num_classes: int
  unused: tuple[str, ...]

  @property
  def num_parameters(self) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(self.variables['params']))


def variables_from_state_dict(state: Mapping[str, np.ndarray]) -> OfficialWeights:
  """Converts the official state dict, and reads the model's sizes from it.

  Source: official code. Its 1×1 convolutions over all joints read channels with the
  joint as the slower index. Its per-joint BatchNorms become one over (joint, channel).

  Args:
    state: tensors by official name; all names start with `module.`, or none.

  Raises:
    WeightsError: lists every tensor that is missing, unknown or of a wrong shape.
  """
  tensors = {name: np.asarray(tensor) for name, tensor in _without_prefix(state)}
  unused = tuple(name for name in tensors if _UNUSED.fullmatch(name))
  tensors = {name: tensor for name, tensor in tensors.items() if name not in unused}
  sizes = _sizes(tensors)
  _check(tensors, _expected_shapes(tensors, sizes))
  weights = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
  return OfficialWeights(
    variables=_variables(weights, sizes['joint']),
    model_fields={
      'compressed': sizes['compressed'],
      'features': (sizes['stage1'], sizes['stage2']),
      'selector_features': sizes['selector'],
      'reasoning_features': sizes['reasoning'],
      'projection_features': sizes['projection'],
    },
    num_joints=sizes['joint'],
    channels=sizes['channel'],
    num_classes=sizes['class'],
    unused=unused,
  )


def _without_prefix(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
  prefixed = all(name.startswith(_PREFIX) for name in state)
  for name, tensor in state.items():
    yield name.removeprefix(_PREFIX) if prefixed else name, tensor


def _sizes(tensors: Mapping[str, np.ndarray]) -> dict[str, int]:
  """The size of each symbol; 0 if the tensor that gives it is missing."""
  sizes = {}
  for symbol, (name, axis) in _SIZES.items():
    shape = tensors[name].shape if name in tensors else ()
    sizes[symbol] = shape[axis] if axis < len(shape) else 0
  if not sizes['joint']:
    sizes['joint'] = sum(name.startswith('batch_norms.') for name in tensors) // 4
  return sizes


def _expected_shapes(
  tensors: Mapping[str, np.ndarray], sizes: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
  """The shape of every required tensor; an axis of unknown size is 0."""

  def size(symbols: int | str) -> int:
    if isinstance(symbols, int):
      return symbols
    return math.prod(sizes[symbol] for symbol in symbols.split('*'))

  # The projection head serves only the contrastive loss; it may be missing entirely.
  has_projection = any(name.startswith(_PROJECTION) for name in tensors)
  expected = {}
  for name, shape in _KERNELS.items():
    if has_projection or not name.startswith(_PROJECTION):
      expected[f'{name}.weight'] = tuple(size(symbols) for symbols in shape)
      expected[f'{name}.bias'] = (size(shape[0]),)
  norms = _NORMS | {f'batch_norms.{i}': 'channel' for i in range(sizes['joint'])}
  for name, symbol in norms.items():
    expected |= {f'{name}.{part}': (sizes[symbol],) for part in _NORM_PARTS}
  return expected


def _check(tensors: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]]):
  """Raises one WeightsError that lists all differences."""
  wrong = [
    f'{name} {tensors[name].shape} instead of'
    f' ({", ".join(str(size or "any") for size in shape)})'
    for name, shape in expected.items()
    if name in tensors and not _fits(tensors[name].shape, shape)
  ]
  offences = {
    'missing': [name for name in expected if name not in tensors],
    'unknown': [name for name in tensors if name not in expected],
    'of a wrong shape': wrong,
  }
  if any(offences.values()):
    listed = '; '.join(f'{k}: {", ".join(v)}' for k, v in offences.items() if v)
    raise WeightsError(
      f'these are not the weights of the official JMRN; {listed}. Give a state dict'
      ' that the training of the official release saved'
    )


def _fits(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
  return len(found) == len(wanted) and all(
    have == want or not want for have, want in zip(found, wanted, strict=True)
  )


def _variables(
  weights: Mapping[str, np.ndarray], joints: int
) -> dict[str, dict[str, Any]]:
  params: dict[str, Any] = {}
  for path, name in _LAYERS.items():
    if f'{name}.weight' in weights:
      layers = params
      for part in path[:-1]:
        layers = layers.setdefault(part, {})
      layers[path[-1]] = {
        'kernel': _kernel(weights[f'{name}.weight']),
        'bias': weights[f'{name}.bias'],
      }
  norms = {
    ours: [weights[f'{theirs}.{part}'] for part in _NORM_PARTS]
    for ours, theirs in _NORM_LAYERS.items()
  }
  norms['input_norm'] = [
    np.stack([weights[f'batch_norms.{joint}.{part}'] for joint in range(joints)])
    for part in _NORM_PARTS
  ]
  statistics = {}
  for name, (scale, bias, mean, var) in norms.items():
    params[name] = {'scale': scale, 'bias': bias}
    statistics[name] = {'mean': mean, 'var': var}
  return {'params': params, 'batch_stats': statistics}


def _kernel(weight: np.ndarray) -> np.ndarray:
  """To [3, 3, in, out] from [out, in, 3, 3]; to [in, out] from [out, in(, 1, 1)]."""
  if weight.shape[2:] == (3, 3):
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0))
  return np.ascontiguousarray(weight.reshape(weight.shape[:2]).T)
