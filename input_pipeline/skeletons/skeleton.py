"""Skeleton: a joint layout, and the properties that follow from its joint names.

All code that depends on joint identity (flipping, drawing limbs, moving body parts)
asks a `Skeleton`. No other file contains joint indices.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

from input_pipeline.errors import SkeletonError

# Body groups, which pose-aware augmentation moves rigidly (JMRN Sec. 3.2).
GROUPS = ('head', 'torso', 'left_arm', 'right_arm', 'left_leg', 'right_leg')

# Group by joint name without its side. Joints not listed here (hips, neck, belly, spine)
# belong to the torso.
_GROUP_OF_JOINT = {
  **dict.fromkeys(('nose', 'eye', 'eye_inner', 'eye_outer', 'ear', 'mouth'), 'head'),
  **dict.fromkeys(('head', 'face', 'head_top', 'chin', 'neck_nose'), 'head'),
  **dict.fromkeys(('shoulder', 'elbow', 'wrist'), 'arm'),
  **dict.fromkeys(('hand', 'hand_tip', 'thumb', 'index', 'pinky'), 'arm'),
  **dict.fromkeys(('knee', 'ankle', 'foot', 'big_toe', 'small_toe', 'heel'), 'leg'),
  'foot_index': 'leg',
  # Whole-body layouts: 68 points on the face, 21 per hand.
  **{f'face_{i}': 'head' for i in range(68)},
  'hand_root': 'arm',
  **{
    f'{finger}{i}': 'arm'
    for finger in (
      'thumb',
      'forefinger',
      'middle_finger',
      'ring_finger',
      'pinky_finger',
    )
    for i in range(1, 5)
  },
}

# Candidate pivots per group, in order of preference: the group turns about the first
# candidate in the layout. Arms and legs use the candidate on their own side.
_PIVOTS_OF_GROUP = {
  'head': ('neck', 'upper_neck', 'head_bottom', 'thorax'),
  'arm': ('shoulder',),
  'leg': ('hip',),
}


# Joints without a side, which `both_sides` leaves unprefixed.
_MIDDLE_JOINTS = (
  *('head', 'head_top', 'head_bottom', 'face', 'nose'),
  *('neck_nose', 'neck', 'upper_neck', 'thorax'),
  *('belly', 'chest', 'spine', 'spine_shoulder', 'spine_mid', 'spine_base'),
  *('mid_hip', 'pelvis'),
)


@dataclasses.dataclass(frozen=True)
class Skeleton:
  """A joint layout.

  Joint names are snake_case. A paired joint starts with `left_` or `right_`, meaning
  the person's own side. By default, flip pairs, body groups and pivots follow from the
  names; `pairs`, `group_of` and `pivots` override them.

  Attributes:
    name: key in the registry.
    joints: the `j` joint names, in storage order.
    limbs: pairs of joint names, drawn as lines and rendered as part affinity fields.
    background: whether joint maps end with one extra channel, 1 - max over joints, same
      as in OpenPose.
    pairs: joints that change places in a mirrored image; all other joints stay.
    group_of: (joint, group), with a group from `GROUPS`; all other joints belong to the
      torso.
    pivots: (group, joint that it turns about); other groups' pivots follow from the
      names.

  Raises:
    SkeletonError: for an unknown or repeated joint, or an unknown group.
  """

  name: str
  joints: tuple[str, ...]
  limbs: tuple[tuple[str, str], ...]
  background: bool = False
  pairs: tuple[tuple[str, str], ...] | None = None
  group_of: tuple[tuple[str, str], ...] | None = None
  pivots: tuple[tuple[str, str], ...] | None = None

  def __post_init__(self):
    repeated = sorted({n for n in self.joints if self.joints.count(n) > 1})
    if repeated:
      raise self._error(
        f'joint names repeat: {", ".join(repeated)}; each names one joint'
      )
    for a, b in self.limbs:
      self._check_joints(f'limb ({a}, {b})', (a, b))
      if a == b:
        raise self._error(f'limb ({a}, {b}) joins a joint to itself')
    if self.pairs is not None:
      self._check_pairs(self.pairs)
    else:
      for joint in self.joints:
        if _mirrored_name(joint) not in self.joints:
          raise self._error(
            f'{joint!r} has no partner {_mirrored_name(joint)!r}, so it cannot be flipped'
          )
    self._check_groups(self.group_of or (), self.pivots or ())

  def _check_joints(self, where: str, joints: tuple[str, ...]):
    for joint in joints:
      if joint not in self.joints:
        raise self._error(
          f'{where} names {joint!r}, which is not one of its joints {self.joints}'
        )

  def _check_pairs(self, pairs: tuple[tuple[str, str], ...]):
    """Requires disjoint pairs, so that mirroring twice changes nothing."""
    paired: set[str] = set()
    for a, b in pairs:
      self._check_joints(f'flip pair ({a}, {b})', (a, b))
      if a == b:
        raise self._error(
          f'flip pair ({a}, {b}) pairs a joint with itself; leave out a joint that stays'
        )
      if {a, b} & paired:
        raise self._error(
          f'flip pair ({a}, {b}) takes {sorted({a, b} & paired)[0]!r} again; a joint is'
          ' in one pair, written once, or mirroring twice would change the pose'
        )
      paired |= {a, b}

  def _check_groups(
    self, group_of: tuple[tuple[str, str], ...], pivots: tuple[tuple[str, str], ...]
  ):
    grouped: dict[str, str] = {}
    for joint, group in group_of:
      self._check_joints(f'group {group!r}', (joint,))
      self._check_group(group, GROUPS)
      if joint in grouped:
        raise self._error(
          f'{joint!r} is in the groups {grouped[joint]!r} and {group!r}; one is allowed'
        )
      grouped[joint] = group
    for group, joint in pivots:
      self._check_joints(f'the pivot of {group!r}', (joint,))
      # The torso never turns.
      self._check_group(group, tuple(g for g in GROUPS if g != 'torso'))

  def _check_group(self, group: str, known: tuple[str, ...]):
    if group not in known:
      raise self._error(f'there is no group {group!r}; use one of {", ".join(known)}')

  def _error(self, message: str) -> SkeletonError:
    return SkeletonError(f'skeleton {self.name!r}: {message}')

  @property
  def num_joints(self) -> int:
    return len(self.joints)

  @property
  def num_maps(self) -> int:
    """Number of joint map channels: one per joint, plus the background if any."""
    return self.num_joints + int(self.background)

  @property
  def map_names(self) -> tuple[str, ...]:
    """What each joint map channel shows: the joints, then 'background' if any."""
    return (*self.joints, 'background')[: self.num_maps]

  @functools.cached_property
  def limb_indices(self) -> tuple[tuple[int, int], ...]:
    return tuple((self.joints.index(a), self.joints.index(b)) for a, b in self.limbs)

  @functools.cached_property
  def limb_sides(self) -> tuple[str, ...]:
    """Side per limb: 'left', 'right', or 'middle' if it touches both sides or none."""
    group_of = {j: name for name, members in self.groups.items() for j in members}

    def side(joint: int) -> str:
      return _split_side(self.joints[joint])[0] or _split_side(group_of[joint])[0]

    touched = [{side(a), side(b)} - {''} for a, b in self.limb_indices]
    return tuple(sides.pop() if len(sides) == 1 else 'middle' for sides in touched)

  @functools.cached_property
  def flip_permutation(self) -> tuple[int, ...]:
    """The joint that replaces each joint in a mirrored image, `[j]`."""
    return tuple(self.joints.index(self._mirrored(joint)) for joint in self.joints)

  def _mirrored(self, joint: str) -> str:
    return _mirrored_name(joint) if self.pairs is None else self._partners[joint]

  @functools.cached_property
  def _partners(self) -> dict[str, str]:
    """The mirror partner of each joint, according to the given `pairs`."""
    partners = dict(zip(self.joints, self.joints, strict=True))
    for a, b in self.pairs or ():
      partners |= {a: b, b: a}
    return partners

  @functools.cached_property
  def map_flip_permutation(self) -> tuple[int, ...]:
    """`flip_permutation` for map channels: the background channel stays in place."""
    extra = (self.num_joints,) if self.background else ()
    return self.flip_permutation + extra

  @property
  def num_part_maps(self) -> int:
    """Number of part affinity field channels: (x, y) per limb."""
    return 2 * len(self.limbs)

  @functools.cached_property
  def part_flip(self) -> tuple[tuple[int, int], ...]:
    """The (channel, sign) that replaces each part affinity channel in a mirrored image.

    Mirroring turns a limb into its partner on the other side, and negates x. If the
    partner is listed in the opposite direction, the whole vector is negated too. A limb
    across the body is such a partner of itself.

    Raises:
      SkeletonError: if a limb's mirror partner is not a limb.
    """
    replacements = []
    for a, b in self.limbs:
      partner = (self._mirrored(a), self._mirrored(b))
      turned = partner not in self.limbs
      if turned and partner[::-1] not in self.limbs:
        raise self._error(
          f'limb ({a}, {b}) has no partner {partner}, so its part affinity field cannot'
          ' be flipped; add the partner to its limbs'
        )
      index = self.limbs.index(partner[::-1] if turned else partner)
      sign = -1 if turned else 1
      replacements += [(2 * index, -sign), (2 * index + 1, sign)]
    return tuple(replacements)

  @functools.cached_property
  def flip_pairs(self) -> tuple[tuple[int, int], ...]:
    return tuple((i, k) for i, k in enumerate(self.flip_permutation) if i < k)

  @functools.cached_property
  def groups(self) -> dict[str, tuple[int, ...]]:
    """Joint indices of head, torso and each limb (JMRN Sec. 3.2), by group name."""
    given = None if self.group_of is None else dict(self.group_of)
    groups: dict[str, list[int]] = {}
    for index, joint in enumerate(self.joints):
      group = _group_by_name(joint) if given is None else given.get(joint, 'torso')
      groups.setdefault(group, []).append(index)
    return {name: tuple(members) for name, members in groups.items()}

  @functools.cached_property
  def group_pivots(self) -> dict[str, int]:
    """Index of the joint that each group turns about, by group name (our choice).

    The head turns about the neck, an arm about its shoulder, a leg about its hip. If the
    layout lacks that joint, the group turns about its own first joint (`coco_17` has no
    neck, so the head turns about the nose). The torso has no pivot.
    """
    given = dict(self.pivots or ())
    pivots = {}
    for name, members in self.groups.items():
      if name != 'torso':
        side, group = _split_side(name)
        named = ('_'.join(filter(None, (side, p))) for p in _PIVOTS_OF_GROUP[group])
        known = (joint for joint in named if joint in self.joints)
        pivot = given.get(name) or next(known, self.joints[members[0]])
        pivots[name] = self.joints.index(pivot)
    return pivots

  def to_dict(self) -> dict[str, Any]:
    """The JSON-ready form that data sets and checkpoints store.

    Omits fields that are None, so that the result equals the dicts in data sets and
    checkpoints written before those fields existed.
    """
    fields = dataclasses.asdict(self)
    return {name: value for name, value in fields.items() if value is not None}

  @classmethod
  def from_dict(cls, fields: dict[str, Any]) -> Skeleton:
    """Reads what `to_dict` made; KeyError without a name, joints, limbs or background."""
    return cls(
      name=fields['name'],
      joints=tuple(fields['joints']),
      limbs=_as_pairs(fields['limbs']) or (),
      background=bool(fields['background']),
      pairs=_as_pairs(fields.get('pairs')),
      group_of=_as_pairs(fields.get('group_of')),
      pivots=_as_pairs(fields.get('pivots')),
    )


def both_sides(*limbs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
  """All limbs on the right, then all on the left; middle joints keep their names."""

  def sided(joint: str, side: str) -> str:
    return joint if joint in _MIDDLE_JOINTS else f'{side}_{joint}'

  return tuple(
    (sided(a, side), sided(b, side)) for side in ('right', 'left') for a, b in limbs
  )


def _as_pairs(
  pairs: Sequence[Sequence[str]] | None,
) -> tuple[tuple[str, str], ...] | None:
  return None if pairs is None else tuple((a, b) for a, b in pairs)


def _split_side(joint: str) -> tuple[str, str]:
  for side in ('left', 'right'):
    if joint.startswith(f'{side}_'):
      return side, joint.removeprefix(f'{side}_')
  return '', joint


def _mirrored_name(joint: str) -> str:
  side, part = _split_side(joint)
  other_side = {'left': 'right_', 'right': 'left_', '': ''}[side]
  return other_side + part


def _group_by_name(joint: str) -> str:
  """A joint's group, by its name; arm and leg joints without a side join the torso."""
  side, part = _split_side(joint)
  group = _GROUP_OF_JOINT.get(part, 'torso')
  if group not in ('arm', 'leg'):
    return group
  return f'{side}_{group}' if side else 'torso'
