"""A field that an old config lacks has the default of its time."""

import copy
import dataclasses
import functools
import json
import pathlib

import pytest
from frozen_run import thaw

from configs.shared import base
from pose_action.host.nested import flattened
from pose_action.training.model_registry import MODELS
from pose_action.training.past_configs import with_missing_fields

FROZEN = pathlib.Path(__file__).with_name('frozen')


def _frozen_config(folder, name):
  thaw(FROZEN / f'{name}.zip', folder)
  return json.loads((folder / 'config.json').read_text())


def _sections(config, prefix=''):
  for name, value in config.items():
    if isinstance(value, dict):
      yield prefix + name
      yield from _sections(value, f'{prefix}{name}.')


def _without(config, field):
  config = copy.deepcopy(config)
  *sections, last = field.split('.')
  del functools.reduce(dict.__getitem__, sections, config)[last]
  return config


@pytest.mark.parametrize('name', ['pa3d', 'jmrn'])
def test_each_missing_field_has_its_past_default(name, tmp_path):
  """Every field and every section on its own; other fields keep their values."""
  config = _frozen_config(tmp_path, name)
  complete = flattened(with_missing_fields(config).to_dict())
  defaults = with_missing_fields({'model': {'name': name}}).to_dict()
  flat_defaults = flattened(defaults)
  fields = [*flattened(config), *_sections(config)]
  assert len(fields) > 80
  for field in fields:
    if field in ('model', 'model.name'):
      continue  # It has no default: a config must name its model.
    filled = flattened(with_missing_fields(_without(config, field)).to_dict())
    assert filled.keys() == complete.keys()
    for other, value in filled.items():
      is_missing = other == field or other.startswith(f'{field}.')
      assert value == (flat_defaults if is_missing else complete)[other], other


def test_a_complete_config_is_unchanged():
  config = json.loads(json.dumps(base.base_config().to_dict()))
  config['optimizer']['new_field'] = [1, {'a': 2}]
  assert with_missing_fields(config).to_dict() == {**config, 'model': {}}


def test_nothing_is_shared_with_the_defaults_or_the_saved_config():
  saved = {'data': {'map_size': [1, 2]}}
  filled = with_missing_fields(saved)
  filled.data.map_size.append(3)
  filled.augment.scale.append(3)
  assert saved == {'data': {'map_size': [1, 2]}}
  assert with_missing_fields(saved).augment.scale == [0.9, 1.1]


def test_every_field_has_a_past_default():
  """After adding a field, add the value that leaves old runs unchanged."""
  known = flattened(with_missing_fields({}).to_dict()).keys()
  assert flattened(base.base_config().to_dict()).keys() <= known


@pytest.mark.parametrize('name', sorted(MODELS))
def test_every_field_of_a_model_has_a_past_default(name):
  """After adding a field, add the value that leaves old runs unchanged."""
  fields = {field.name for field in dataclasses.fields(MODELS[name])}
  # Code, not a config, sets JMRN's `mesh`.
  own = fields - {'num_classes', 'parent', 'name', 'mesh', 'rematerialize'}
  assert own <= set(with_missing_fields({'model': {'name': name}}).model)


def test_an_unknown_model_keeps_its_fields():
  saved = {'model': {'name': 'st_gcn', 'layers': 9}}
  assert with_missing_fields(saved).model.to_dict() == saved['model']
