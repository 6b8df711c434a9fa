"""The members that a config describes: one whole config per member."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import ml_collections

from pose_action.host.nested import flattened

# What the members' predictions must have in common to be fused, and so no member changes.
_SHARED = (
  'data.dataset',
  'data.train_split',
  'data.test_split',
  'data.validation_fold',
  'data.validation_folds',
  'data.fold_rule',
  'data.group_by',
  'data.validate_on',
  'eval.calibrate',
)
_NAME = re.compile(r'\w[\w.-]*')


def has_members(config: ml_collections.ConfigDict) -> bool:
  """Whether a config describes an ensemble."""
  return bool(config.get('members'))


def member_configs(
  config: ml_collections.ConfigDict,
) -> dict[str, ml_collections.ConfigDict]:
  """Each member's own config, by name, in the order of the names.

  A member's `model` with a name replaces the config's model; other fields replace one
  field each.

  Raises:
    ValueError: for fewer than two members, a name that cannot be a folder's, an unknown
      field, a value of another type, or a setting that an ensemble cannot have.
  """
  names = sorted(config.members)
  if len(names) < 2:
    raise ValueError(
      f'config.members has {len(names)} member ({", ".join(names)}), but an ensemble'
      ' needs at least two; add one, or remove config.members to train a single model'
    )
  _check_held_out(config)
  return {name: _member_config(config, name) for name in names}


def give_to_every_member(config: ml_collections.ConfigDict, fields: Mapping[str, Any]):
  """Sets fields of the command line also in the members that set them themselves.

  Without this, `--config.train.epochs=9` would not reach a member with epochs of its own.
  Fields of `model` are of the config's own model, and so go to no member with another.

  Args:
    config: an ensemble's, changed in place; any other is left as it is.
    fields: value by dotted name, as given; `members.NAME.FIELD` is stronger.
  """
  for name, member in (config.get('members') or {}).items():
    if not isinstance(member, ml_collections.ConfigDict):
      continue
    for field, value in fields.items():
      group, _, key = field.rpartition('.')
      own = (
        field.startswith(('members.', 'model.')) or f'members.{name}.{field}' in fields
      )
      node = _group(member, group)
      if not own and node is not None and key in node:
        _set(node, key, value, f'config.{field}')


def _group(
  node: ml_collections.ConfigDict, group: str
) -> ml_collections.ConfigDict | None:
  """The group of that dotted name; None if the node lacks it."""
  for name in filter(None, group.split('.')):
    node = node.get(name)
    if not isinstance(node, ml_collections.ConfigDict):
      return None
  return node


def held_out_config(member: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Trains without the held-out clips, and does not open the test split."""
  return _changed(member, {'test_split': ''})


def final_config(member: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """Trains on all training clips."""
  return _changed(member, {'validation_folds': 0})


def _changed(
  member: ml_collections.ConfigDict, fields: Mapping[str, Any]
) -> ml_collections.ConfigDict:
  changed = ml_collections.ConfigDict(member.to_dict())
  changed.data.update(fields)
  return changed.lock()


def _check_held_out(config: ml_collections.ConfigDict):
  data = config.data
  if data.validate_on != 'held_out':
    raise ValueError(
      f'config.data.validate_on is {data.validate_on!r}, but the weights of an ensemble'
      " are fitted on held-out training clips; set it to 'held_out'"
    )
  if data.validation_folds < 2:
    raise ValueError(
      f'config.data.validation_folds is {data.validation_folds}, but the weights of an'
      ' ensemble are fitted on held-out training clips; set it to 2 or more'
    )


def _member_config(
  config: ml_collections.ConfigDict, name: str
) -> ml_collections.ConfigDict:
  if not _NAME.fullmatch(name):
    raise ValueError(
      f'config.members has the member {name!r}, but its name is also that of a folder;'
      ' give a name of letters, digits, and . _ - that does not begin with . or -'
    )
  overrides = config.members[name]
  if not isinstance(overrides, ml_collections.ConfigDict):
    raise ValueError(
      f'config.members.{name} is {overrides!r}, but must be a dict of the fields that the'
      ' member changes'
    )
  member = ml_collections.ConfigDict({**config.to_dict(), 'members': {}})
  member.eval.calibrate = False  # The fused probabilities are.
  _apply(member, overrides.to_dict(), f'config.members.{name}')
  if not member.get('model'):
    raise ValueError(
      f'config.members.{name} has no model, and neither has config; give one of them'
      ' a model'
    )
  if member.optimizer.plateau:
    raise ValueError(
      f'config.members.{name}: optimizer.plateau is {member.optimizer.plateau!r}, but'
      ' the members of an ensemble are trained on all training clips in the end, when'
      " none is held out to watch; set it to '' and give the learning rate a schedule"
    )
  return member.lock()


def _apply(
  node: ml_collections.ConfigDict,
  fields: Mapping[str, Any],
  given: str,
  group: str = '',
):
  """Sets fields of a config.

  Args:
    given: where the fields are written, for messages.
    group: dotted name of `node` in the whole config, with a dot at the end; '' for all.
  """
  for key, value in fields.items():
    name = f'{group}{key}'
    if name in _SHARED:
      raise ValueError(
        f'{given}.{name} is {value!r}, but members must agree on it to be fused; set'
        f' config.{name}'
      )
    if name == 'model' and isinstance(value, Mapping) and 'name' in value:
      node.model = ml_collections.ConfigDict(dict(value))
    elif key not in node:
      near = difflib.get_close_matches(name, _names(node, group), n=1, cutoff=0.6)
      hint = f'; did you mean {near[0]}?' if near else '; remove it'
      raise ValueError(f'{given}.{name}: there is no config.{name}{hint}')
    elif isinstance(node[key], ml_collections.ConfigDict) != isinstance(value, Mapping):
      is_group = isinstance(node[key], ml_collections.ConfigDict)
      what = 'a group of fields' if is_group else f'the value {node[key]!r}'
      raise ValueError(
        f'{given}.{name} is {value!r}, but config.{name} is {what}; give one too'
      )
    elif isinstance(value, Mapping):
      _apply(node[key], value, given, f'{name}.')
    else:
      _set(node, key, value, f'{given}.{name}')


def _set(node: ml_collections.ConfigDict, key: str, value: Any, given: str):
  try:
    node[key] = value
  except TypeError as error:
    raise ValueError(
      f'{given} is {value!r}, but must have the type of {node[key]!r}'
    ) from error


def _names(node: ml_collections.ConfigDict, group: str) -> list[str]:
  return [f'{group}{name}' for name in flattened(node.to_dict())]
