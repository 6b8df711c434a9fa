"""Converts the weights of OpenPose's COCO network to variables of `SpatialPoseCNN`.

The weights were trained in Caffe and are distributed as PyTorch state dicts with two
kinds of names: plain layer names (`Mconv7_stage6_L2.bias`) in files converted from
Caffe, and layer names inside the PyTorch port's modules
(`model6_2.Mconv7_stage6_L2.bias`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pa3d_jax.spatial_pose_cnn import BACKBONE, STAGES, Layer

# nn.DataParallel adds this prefix to every name.
_PREFIX = 'module.'
# Modules of the port: model0 is the backbone, model3_2 the second branch of stage 3.
_PORT_MODULE = 'model'


class WeightsError(ValueError):
  """The weights do not belong to OpenPose's COCO network."""


def variables_from_state_dict(
  state: Mapping[str, np.ndarray],
) -> dict[str, dict[str, Any]]:
  """Converts a state dict of OpenPose's COCO network; the result is float32.

  Args:
    state: tensors `[out, in, h, w]` and `[out]`, with either kind of names; all names
      start with `module.`, or none.

  Raises:
    WeightsError: lists every tensor that is missing, unknown or of a wrong shape.
  """
  prefixed = all(name.startswith(_PREFIX) for name in state)
  tensors = {
    name.removeprefix(_PREFIX) if prefixed else name: np.asarray(tensor)
    for name, tensor in state.items()
  }
  in_modules = any(name.startswith(_PORT_MODULE) for name in tensors)
  layers = _layers_in_modules() if in_modules else _layers_alone()
  _check(tensors, layers)
  params = {
    layer.name: {
      'kernel': _kernel(tensors[f'{name}.weight']),
      'bias': tensors[f'{name}.bias'].astype(np.float32),
    }
    for name, layer in layers.items()
  }
  return {'params': params}


def _layers_alone() -> dict[str, Layer]:
  branches = itertools.chain.from_iterable(STAGES)
  return {
    layer.name: layer for layer in itertools.chain.from_iterable((*BACKBONE, *branches))
  }


def _layers_in_modules() -> dict[str, Layer]:
  modules = {'model0': tuple(itertools.chain.from_iterable(BACKBONE))}
  for stage, branches in enumerate(STAGES, start=1):
    for branch, layers in enumerate(branches, start=1):
      modules[f'model{stage}_{branch}'] = layers
  return {
    f'{module}.{layer.name}': layer
    for module, layers in modules.items()
    for layer in layers
  }


def _check(tensors: Mapping[str, np.ndarray], layers: Mapping[str, Layer]):
  """Raises one WeightsError that lists all differences."""
  expected: dict[str, tuple[int, ...]] = {}
  for name, layer in layers.items():
    kernel = (layer.features, layer.inputs, layer.size, layer.size)
    expected |= {f'{name}.weight': kernel, f'{name}.bias': (layer.features,)}
  offences = {
    'missing': [name for name in expected if name not in tensors],
    'unknown': [name for name in tensors if name not in expected],
    'of a wrong shape': [
      f'{name} {tensors[name].shape} instead of {shape}'
      for name, shape in expected.items()
      if name in tensors and tensors[name].shape != shape
    ],
  }
  if any(offences.values()):
    listed = '; '.join(f'{k}: {", ".join(v)}' for k, v in offences.items() if v)
    raise WeightsError(
      f"these are not the weights of OpenPose's COCO network; {listed}. Give the state"
      ' dict of the body model with 18 joints (COCO), not of BODY_25 or a hand model'
    )


def _kernel(weight: np.ndarray) -> np.ndarray:
  """Transposes [out, in, h, w] to [h, w, in, out]."""
  return np.ascontiguousarray(weight.transpose(2, 3, 1, 0), dtype=np.float32)
