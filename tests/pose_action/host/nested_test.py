"""Nested dicts as dotted names."""

from pose_action.host.nested import flattened


def test_names_are_joined_by_dots():
  tree = {'a': {'b': 1, 'c': {'d': (2, 3)}}, 'e': None, 'empty': {}}
  assert flattened(tree) == {'a.b': 1, 'a.c.d': (2, 3), 'e': None}
