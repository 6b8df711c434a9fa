"""What add_members writes; tests/pose_action/ensembles reads it."""

import pytest

from configs.shared import base, ensemble


def test_dotted_names_become_nested():
  fields = {'a.b': 1, 'a.c.d': 2, 'e': {'f.g': 3}, 'a': {'h': 4}}
  assert ensemble.nested(fields) == {
    'a': {'b': 1, 'c': {'d': 2}, 'h': 4},
    'e': {'f': {'g': 3}},
  }


def test_a_value_is_no_group():
  message = r"'a\.b' sets a field of 'a', which has the value 1; give one"
  with pytest.raises(ValueError, match=message):
    ensemble.nested({'a': 1, 'a.b': 2})


def test_a_whole_config_gives_what_differs():
  config, other = base.base_config(), base.base_config()
  other.seed = 3
  other.data.map_size = (8, 8)
  other.model = {'name': 'pa3d'}
  ensemble.add_members(config, same=base.base_config(), other=other)
  assert config.members.to_dict() == {
    'same': {},
    'other': {'seed': 3, 'data': {'map_size': (8, 8)}, 'model': {'name': 'pa3d'}},
  }
