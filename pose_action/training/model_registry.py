"""The models that a config can name.

A new model needs a folder, a line in `MODELS`, and its fields in `past_configs.py`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import ml_collections
from jax.sharding import Mesh

from ddnet_jax.model import DDNet
from jmrn_jax.model import JMRN
from pa3d_jax.model import PA3D

MODELS: dict[str, type[nn.Module]] = {'ddnet': DDNet, 'jmrn': JMRN, 'pa3d': PA3D}


def register_model(name: str, model: type[nn.Module]):
  """Makes a model available as `config.model.name` in this process.

  Args:
    name: the model's name in configs.
    model: a Linen module `model(maps, *, train) -> ModelOutput` with the fields
      `num_classes` and `dtype` and a property `encoding`, what it reads: 'frames', maps
      `[b, t, h, w, c]`; 'potion', maps `[b, j, h, w, c]`; or 'trajectories',
      `[b, m, t, j, 3]`: x, y and score of each joint, where the score is 0 if the joint
      was missing and its position is estimated, and a person without any score is absent.
      Its other fields are those of `config.model`.

  Raises:
    ValueError: if the name exists.

  Example:
    >>> import flax.linen as nn
    >>> import jax.numpy as jnp
    >>> import pose_action
    >>> from model_lib import ModelOutput
    >>> class MeanMaps(nn.Module):
    ...   num_classes: int
    ...   dtype: jnp.dtype
    ...   encoding = 'frames'
    ...   @nn.compact
    ...   def __call__(self, maps, *, train):
    ...     means = maps.mean(axis=(1, 2, 3))
    ...     return ModelOutput(logits=nn.Dense(self.num_classes)(means))
    >>> pose_action.register_model('mean_maps', MeanMaps)
  """
  if name in MODELS:
    raise ValueError(f'a model named {name!r} exists; choose another name')
  MODELS[name] = model


def check_encoding(model: Any, encoding: str):
  """Raises ValueError unless the model reads clips in `config.data.encoding`."""
  if model.encoding != encoding:
    raise ValueError(
      f'config.data.encoding is {encoding!r}, but this model reads {model.encoding!r}'
      f' (config.model is a {type(model).__name__}); set config.data.encoding, or use'
      ' a config file for that model'
    )


def without_dropout(model: nn.Module) -> nn.Module:
  """The same model, with the same parameters, whose field `dropout` is 0.

  Raises:
    ValueError: if the model has no such field.
  """
  if 'dropout' not in {field.name for field in dataclasses.fields(model)}:
    raise ValueError(
      'config.train.dropout_from_epoch is set, but this model has no field dropout'
      f' (config.model is a {type(model).__name__}); set dropout_from_epoch to 0'
    )
  return model.clone(dropout=0.0)


def with_rematerialization(model: nn.Module) -> nn.Module:
  """The same model, whose backward pass computes activations again.

  Raises:
    ValueError: if the model has no field `rematerialize`.
  """
  if 'rematerialize' not in {field.name for field in dataclasses.fields(model)}:
    raise ValueError(
      'config.train.rematerialize is set, but this model has no field rematerialize'
      f' (config.model is a {type(model).__name__}); set it to False'
    )
  return model.clone(rematerialize=True)


def on_devices(model: nn.Module, mesh: Mesh) -> nn.Module:
  """The same model, told over which devices clips are divided, if it asks."""
  if 'mesh' not in {field.name for field in dataclasses.fields(model)}:
    return model
  return model.clone(mesh=mesh)


def build_model(config: ml_collections.ConfigDict, num_classes: int) -> nn.Module:
  """Builds a model from `config.model`: its name, dtype, and the module's own fields.

  Raises:
    ValueError: for an unknown name or dtype.
  """
  fields = config.to_dict()
  name, dtype = fields.pop('name'), fields.pop('dtype')
  if name not in MODELS:
    raise ValueError(f'config.model.name is {name!r}; give one of {sorted(MODELS)}')
  if dtype not in ('float32', 'bfloat16'):
    raise ValueError(
      f"config.model.dtype is {dtype!r}; give 'float32' or 'bfloat16' (parameters stay"
      ' float32)'
    )
  return MODELS[name](num_classes=num_classes, dtype=jnp.dtype(dtype), **fields)
