"""Configs saved by earlier versions: a missing field has the default of its time.

A run's config has the fields that its version of the library knew. Each field added
since changes nothing at its past default, which is what the old run computed. The
defaults below are a frozen copy on purpose: when `configs/shared/base.py` changes a
default, an old run must keep the value that it was trained with.

To add a field to the library, add it here too, with the value that leaves older runs as
they were. To change a default in `configs/` or in a model, change nothing here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import ml_collections

# Lists where a config has tuples, as in the JSON of a checkpoint.
_FIELDS: dict[str, Any] = {
  'seed': 0,
  'data': {
    'dataset': '',
    'representation': 'keypoints',
    'data_dir': '~/pose_action_data',
    'format': '',
    'poses': '',
    'annotations': '',
    'skeleton': '',
    'frame_size': '',
    'max_people': 0,
    'per_person': False,
    'normalized': False,
    'trust_order': False,
    'segments': {
      'file': '',
      'tiers': '',
      'window': '2s',
      'stride': '1s',
      'background': '',
    },
    'fps': 0.0,
    'train_split': '',
    'test_split': '',
    'validation_fold': 0,
    'validation_folds': 5,
    'fold_rule': 1,
    'group_by': 'auto',
    'validate_on': 'held_out',
    'modalities': ['joints'],
    'num_features': 128,
    'encoding': 'frames',
    'potion': {
      'channels': 3,
      'weights': 'exact',
      'normalization': 'area',
      'variant': 'U',
    },
    'trajectories': {
      'normalization': 'clip',
      'resampling': 'linear',
      'median_filter': False,
    },
    'num_frames': 4,
    'read_frames': 0,
    'sampling': 'segments',
    'max_persons': 2,
    'map_short_side': 64,
    'map_size': [64, 86],
    'map_sigma': 2.0,
    'part_width': 1.5,
    'crop': 'frame',
    'background': True,
    'random_crop': False,
    'stretch': False,
    'balance': '',
    'read_threads': 2,
  },
  'augment': {
    'flip_probability': 0.5,
    'aspect': [1.0, 1.0],
    'shear': 0.0,
    'rotation': 0.0,
    'scale': [0.9, 1.1],
    'shift': 0.05,
    'joint_noise': 0.0,
    'joint_masking': {'probability': 1.0, 'share': 0.0},
    'limbs': {'turn': 0.0, 'stretch': [1.0, 1.0]},
    'time': {
      'crop': [1.0, 1.0],
      'crop_probability': 1.0,
      'tempo': 1.0,
      'mask_share': [0.0, 0.0],
      'mask_probability': 1.0,
    },
    'views': 1,
    'mixup': 0.0,
    'pose_aware': {
      'global_shift': 0.0,
      'group_shift': 0.0,
      'rotation': 0.0,
      'scale': [1.0, 1.0],
      'shear': 0.0,
      'unit': 'group',
      'whole_cells': True,
    },
  },
  'optimizer': {
    'name': 'sgd',
    'learning_rate': 0.01,
    'momentum': 0.9,
    'nesterov': False,
    'weight_decay': 5e-4,
    'clip_norm': 0.0,
    'schedule': 'constant',
    'warmup_epochs': 0.0,
    'decay_epochs': [],
    'decay_factor': 0.1,
    'plateau': '',
    'plateau_factor': 0.1,
    'plateau_patience': 5,
    'plateau_cooldown': 0,
    'plateau_floor': 0.0,
  },
  'train': {
    'batch_size': 32,
    'micro_batches': 1,
    'rematerialize': False,
    'epochs': 100,
    'loss': 'cross_entropy',
    'label_smoothing': 0.0,
    'class_weights': '',
    'logit_adjustment': 0.0,
    'contrastive': {
      'weight': 0.0,
      'temperature': 0.1,
      'ramp_start_epoch': 0,
      'ramp_epochs': 0,
      'reduction': 'mean',
      'positives': 'shared_label',
    },
    'average_decay': 0.0,
    'dropout_from_epoch': 0,
    'init_from': '',
    'init_modules': ['action_cnn'],
    'state_sharding': 'replicated',
    'fast_cpu_convolutions': False,
    'quick_compilation': False,
    'log_every_steps': 20,
    'eval_every_epochs': 5,
    'checkpoint_every_steps': 0,
  },
  'eval': {
    'views': 10,
    'average': 'probabilities',
    'mirror': False,
    'weights': 'last',
    'batch_size': 16,
    'calibrate': False,
  },
  'members': {},
}
# The fields of `config.model` by its name.
_MODEL_FIELDS: dict[str, dict[str, Any]] = {
  'pa3d': {
    'temporal': 'temporal_pose_conv',
    'input_norm': 'none',
    'branches': ['global', 'dilated'],
    'outputs': 8,
    'dilation': 2,
    'dilation_phases': 'first',
    'nonlinearity': 'none',
    'filter_folding': 'plain',
    'features': [128, 256, 512],
    'convolutions': 2,
    'order': 'norm_relu',
    'dropout': 0.5,
    'convolution_algorithm': 'direct',
    'dtype': 'float32',
  },
  'jmrn': {
    'compressed': 128,
    'features': [128, 256],
    'selector_features': 256,
    'reasoning_features': 512,
    'projection_features': 128,
    'dropout': 0.0,
    'selector': True,
    'selector_temperature': 1.0,
    'gumbel': False,
    'siamese': True,
    'encoder': 'dense',
    'convolution_algorithm': 'direct',
    'windows': [],
    'dtype': 'float32',
  },
  'ddnet': {
    'network': 'ddnet',
    'form': 'keras',
    'width': 64,
    'streams': ['distances', 'positions', 'steps', 'strides'],
    'joint_features': [64, 96],
    'joint_vector': 16,
    'selector_features': 64,
    'reasoning_features': (256, 384),
    'hidden': [128, 128],
    'channel_dropout': 0.1,
    'dropout': 0.5,
    'convolution_algorithm': 'auto',
    'dtype': 'float32',
  },
}


def with_missing_fields(saved_config: Mapping[str, Any]) -> ml_collections.ConfigDict:
  """A copy of a saved config with each missing field at its past default.

  Fields that are present keep their values, unknown fields included.

  Args:
    saved_config: the nested dict that a checkpoint or a config.json holds.
  """
  model = saved_config.get('model')
  name = model.get('name') if isinstance(model, Mapping) else None
  defaults = {**_FIELDS, 'model': _MODEL_FIELDS.get(str(name), {})}
  return ml_collections.ConfigDict(_merged(defaults, saved_config))


def _merged(defaults: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
  """Both dicts in one, where the values of `saved` win."""
  merged = copy.deepcopy({**defaults, **saved})
  for name, default in defaults.items():
    if isinstance(default, Mapping) and isinstance(saved.get(name), Mapping):
      merged[name] = _merged(default, saved[name])
  return merged
