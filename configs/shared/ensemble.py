"""The members of an ensemble: what each changes in a config that they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ml_collections


def add_members(
  config: ml_collections.ConfigDict,
  **members: ml_collections.ConfigDict | Mapping[str, Any],
):
  """Sets `config.members`; members are in the order of their names.

  Args:
    config: the shared config, unlocked; its `model` may be missing if every member has
      one.
    members: per name a whole config, from which the fields that differ are taken, or the
      fields to change, nested or with dotted names: `{'data.num_frames': 16}`.

  Example:
    add_members(config, joints={}, limbs={'data.modalities': ('parts',)})
  """
  config.members = {
    name: _differences(config.to_dict(), member.to_dict())
    if isinstance(member, ml_collections.ConfigDict)
    else nested(member)
    for name, member in members.items()
  }


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
  """Turns dotted names into nested dicts: `{'a.b': 1}` becomes `{'a': {'b': 1}}`.

  Raises:
    ValueError: if a name sets a field of a value: `{'a': 1, 'a.b': 2}`.
  """
  tree: dict[str, Any] = {}
  for name, value in fields.items():
    *groups, last = name.split('.')
    node = tree
    for group in groups:
      node = node.setdefault(group, {})
      if not isinstance(node, dict):
        raise ValueError(
          f'{name!r} sets a field of {group!r}, which has the value {node!r}; give one'
        )
    if isinstance(value, Mapping):
      node.setdefault(last, {}).update(nested(value))
    else:
      node[last] = value
  return tree


def _differences(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
  """The fields of `own` that `shared` lacks or has another value for; whole models."""
  found = {}
  for name, value in own.items():
    if name == 'members' or (name in shared and shared[name] == value):
      continue
    if isinstance(value, Mapping) and name != 'model':
      found[name] = _differences(shared.get(name, {}), value)
    else:
      found[name] = value
  return found
