"""Custom skeletons, read from a YAML or JSON file.

  name: my_layout
  joints: [nose, left_hand, right_hand]
  limbs: [[nose, left_hand], [0, 2]]       # by name, or by 0-based index
  flip_pairs: [[left_hand, right_hand]]    # default: left_* with right_*
  groups: {head: [nose]}                   # default: by name; other joints: torso
  pivots: {head: nose}                     # default: neck, shoulders, hips
  background: false                        # whether joint maps have a background channel
  connected: true                          # false allows a skeleton with separate parts,
                                           # such as two hands

Only name, joints and limbs are required.
"""

from __future__ import annotations

import difflib
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError, SkeletonError, shortened
from input_pipeline.skeletons.fields_file import parse_json, parse_yaml
from input_pipeline.skeletons.skeleton import Skeleton
from pose_action.host.user_paths import user_path

SUFFIXES = ('.yaml', '.yml', '.json')

_NEEDED = ('name', 'joints', 'limbs')
_OPTIONAL = ('flip_pairs', 'groups', 'pivots', 'background', 'connected')


def load_skeleton(path: str | os.PathLike[str]) -> Skeleton:
  """Reads and checks a skeleton file.

  Raises:
    SkeletonError: naming the file, for a missing, unknown, repeated or malformed field;
      repeated joint names; an unknown joint in limbs, flip pairs, groups or pivots; overlapping
      flip pairs; an unknown group, or a joint in two groups; joints that no chain of
      limbs connects.
  """
  try:
    path = user_path(path)
  except FileNotFoundError as error:
    raise SkeletonError(str(error)) from error
  fields = _read(path)
  try:
    _check_names(fields)
    skeleton = _build(fields)
    if _flag(fields, 'connected', default=True):
      _check_connected(skeleton)
  except SkeletonError as error:
    raise SkeletonError(f'{path}: {shortened(str(error))}') from error
  return skeleton


def _read(path: pathlib.Path) -> dict[str, Any]:
  if path.suffix.lower() not in SUFFIXES:
    raise SkeletonError(f'{path}: a skeleton file ends in one of {", ".join(SUFFIXES)}')
  try:
    text = text_files.read_text(path)
  except PoseDataError as error:
    raise SkeletonError(f'cannot read the skeleton file: {error}') from error
  parse = parse_json if path.suffix.lower() == '.json' else parse_yaml
  try:
    fields = parse(text)
  except ValueError as error:
    raise SkeletonError(f'{path}: {shortened(str(error))}') from error
  if not isinstance(fields, dict):
    raise SkeletonError(
      f'{path}: a skeleton file holds the fields {", ".join(_NEEDED)}, but this one is'
      f' {_kind(fields)}'
    )
  return fields


def _check_names(fields: dict[str, Any]):
  known = (*_NEEDED, *_OPTIONAL)
  for field in fields:
    if field not in known:
      nearest = difflib.get_close_matches(str(field), known, n=1)
      hint = f'; did you mean {nearest[0]!r}?' if nearest else ''
      raise SkeletonError(
        f'there is no field {field!r}{hint} Known: {", ".join(known)}'
      )
  missing = [field for field in _NEEDED if field not in fields]
  if missing:
    raise SkeletonError(f'{" and ".join(missing)} is missing')


def _build(fields: dict[str, Any]) -> Skeleton:
  name = _text(fields['name'], 'name')
  joints = tuple(
    _text(joint, f'joints[{i}]') for i, joint in enumerate(_list(fields, 'joints'))
  )
  if not joints:
    raise SkeletonError('joints is empty; name at least one')
  pairs = _pairs(fields, 'flip_pairs', joints) if 'flip_pairs' in fields else None
  groups = _mapping(fields, 'groups') if 'groups' in fields else None
  pivots = _mapping(fields, 'pivots') if 'pivots' in fields else None
  try:
    return Skeleton(
      name=name,
      joints=joints,
      limbs=_pairs(fields, 'limbs', joints),
      background=_flag(fields, 'background', default=False),
      pairs=pairs,
      group_of=None if groups is None else _joint_groups(groups, joints),
      pivots=None
      if pivots is None
      else tuple((g, _joint(j, joints, f'pivots.{g}')) for g, j in pivots.items()),
    )
  except SkeletonError as error:
    if pairs is None and 'has no partner' in str(error):
      raise SkeletonError(
        f'{error}; name joints left_* and right_*, or list flip_pairs'
      ) from error
    raise


def _joint_groups(
  groups: Mapping[str, Any], joints: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
  """(joint, group) for each joint in `groups`."""
  named = []
  for group, members in groups.items():
    if not isinstance(members, list):
      raise SkeletonError(f'groups.{group} is {_kind(members)}, but must list joints')
    named += [(_joint(j, joints, f'groups.{group}'), group) for j in members]
  return tuple(named)


def _pairs(
  fields: dict[str, Any], field: str, joints: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
  pairs = []
  for index, pair in enumerate(_list(fields, field)):
    where = f'{field}[{index}]'
    if not isinstance(pair, list) or len(pair) != 2:
      raise SkeletonError(f'{where} is {pair!r}, but must be two joints, as [a, b]')
    pairs.append((_joint(pair[0], joints, where), _joint(pair[1], joints, where)))
  return tuple(pairs)


def _joint(value: Any, joints: tuple[str, ...], where: str) -> str:
  """The joint's name, from its name or 0-based index."""
  if isinstance(value, int) and not isinstance(value, bool):
    if not 0 <= value < len(joints):
      raise SkeletonError(
        f'{where} is joint {value}, but there are 0..{len(joints) - 1}'
      )
    return joints[value]
  joint = _text(value, where)
  if joint not in joints:
    nearest = difflib.get_close_matches(joint, joints, n=1)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else ''
    raise SkeletonError(
      f'{where} names {joint!r}, which is not one of the joints{hint}'
    )
  return joint


def _text(value: Any, where: str) -> str:
  if not isinstance(value, str) or not value:
    raise SkeletonError(
      f'{where} is {value!r}, but must be a word (YAML does not read yes, no, on, off and'
      ' numbers as words: put them in quotes)'
    )
  return value


def _list(fields: dict[str, Any], field: str) -> list[Any]:
  if not isinstance(fields[field], list):
    raise SkeletonError(f'{field} is {_kind(fields[field])}, but must be a list')
  return fields[field]


def _mapping(fields: dict[str, Any], field: str) -> dict[str, Any]:
  if not isinstance(fields[field], dict):
    raise SkeletonError(
      f'{field} is {_kind(fields[field])}, but must map group names to joints'
    )
  return fields[field]


def _flag(fields: dict[str, Any], field: str, *, default: bool) -> bool:
  value = fields.get(field, default)
  if not isinstance(value, bool):
    raise SkeletonError(f'{field} is {value!r}, but must be true or false')
  return value


def _kind(value: Any) -> str:
  return 'empty' if value is None else f'a {type(value).__name__}'


def _check_connected(skeleton: Skeleton):
  islands = islands_of(skeleton)
  if len(islands) > 1:
    listed = '; '.join(', '.join(island) for island in islands)
    raise SkeletonError(
      f'the limbs leave {len(islands)} parts unconnected ({listed}); add limbs between'
      ' them, or set connected: false if this is intended'
    )


def islands_of(skeleton: Skeleton) -> tuple[tuple[str, ...], ...]:
  """Groups joints that chains of limbs connect; the largest group comes first."""
  # For each joint, the smallest joint index known to be connected to it.
  island = list(range(skeleton.num_joints))
  for _ in skeleton.joints:  # No chain has more limbs than there are joints.
    for a, b in skeleton.limb_indices:
      island[a] = island[b] = min(island[a], island[b])
  members: dict[int, list[str]] = {}
  for joint, label in zip(skeleton.joints, island, strict=True):
    members.setdefault(label, []).append(joint)
  return tuple(sorted((tuple(m) for m in members.values()), key=len, reverse=True))
