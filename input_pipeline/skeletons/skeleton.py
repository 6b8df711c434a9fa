"""A joint layout: which joint is which, and what follows from their names.

Everything that depends on the identity of a joint (flipping, drawing limbs, moving a
body part as one) asks a `Skeleton`; no joint index is written anywhere else.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

from input_pipeline.errors import SkeletonError

# The parts of the body that pose-aware augmentation moves as one (JMRN Sec. 3.2).
GROUPS = ('head', 'torso', 'left_arm', 'right_arm', 'left_leg', 'right_leg')

# Which of them a joint is in, by its name without its side. Joints not listed (hips,
# neck, belly, spine) are the torso.
_GROUP_OF_JOINT = {
  **dict.fromkeys(('nose', 'eye', 'eye_inner', 'eye_outer', 'ear', 'mouth'), 'head'),
  **dict.fromkeys(('head', 'face', 'head_top', 'chin', 'neck_nose'), 'head'),
  **dict.fromkeys(('shoulder', 'elbow', 'wrist'), 'arm'),
  **dict.fromkeys(('hand', 'hand_tip', 'thumb', 'index', 'pinky'), 'arm'),
  **dict.fromkeys(('knee', 'ankle', 'foot', 'big_toe', 'small_toe', 'heel'), 'leg'),
  'foot_index': 'leg',
}

# The joints that a group turns about, the first that there is, on the group's own side
# where that has one.
_PIVOTS_OF_GROUP = {
  'head': ('neck', 'upper_neck', 'thorax'),
  'arm': ('shoulder',),
  'leg': ('hip',),
}


# Joints that have no side, as `both_sides` must know.
_MIDDLE_JOINTS = (
  *('head', 'head_top', 'face', 'nose', 'neck_nose', 'neck', 'upper_neck', 'thorax'),
  *('belly', 'chest', 'spine', 'spine_shoulder', 'spine_mid', 'spine_base'),
  *('mid_hip', 'pelvis'),
)


@dataclasses.dataclass(frozen=True)
class Skeleton:
  """A joint layout.

  Joint names are snake_case; a paired joint starts with `left_` or `right_`, meaning
  the person's own side. Flip pairs, body groups and pivots follow from the names, unless
  they are given: then they are exactly those.

  Attributes:
    name: the registry's key.
    joints: joint names in storage order, `j` of them.
    limbs: pairs of joint names that are drawn, and rendered as parts.
    background: whether the maps carry one more channel, 1 - max over joints, after
      the joints, as OpenPose's do.
    pairs: joints that change places in a mirrored image; the others stay.
    group_of: (joint, group) with a group of `GROUPS`; the others are the torso.
    pivots: (group, joint that it turns about); for the others it follows from the names.

  Raises:
    SkeletonError: where a field names what is not there, or names it twice.
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
    """Disjoint pairs of two joints each: so that mirroring twice changes nothing."""
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
    """Channels of a joint heatmap: one a joint, and the background where there is."""
    return self.num_joints + int(self.background)

  @functools.cached_property
  def limb_indices(self) -> tuple[tuple[int, int], ...]:
    return tuple((self.joints.index(a), self.joints.index(b)) for a, b in self.limbs)

  @functools.cached_property
  def limb_sides(self) -> tuple[str, ...]:
    """'left', 'right' or, for one that touches both or none, 'middle', of each limb."""
    group_of = {j: name for name, members in self.groups.items() for j in members}

    def side(joint: int) -> str:
      return _split_side(self.joints[joint])[0] or _split_side(group_of[joint])[0]

    touched = [{side(a), side(b)} - {''} for a, b in self.limb_indices]
    return tuple(sides.pop() if len(sides) == 1 else 'middle' for sides in touched)

  @functools.cached_property
  def flip_permutation(self) -> tuple[int, ...]:
    """For each joint, the joint that takes its place in a mirrored image, `[j]`."""
    return tuple(self.joints.index(self._mirrored(joint)) for joint in self.joints)

  def _mirrored(self, joint: str) -> str:
    return _mirrored_name(joint) if self.pairs is None else self._partners[joint]

  @functools.cached_property
  def _partners(self) -> dict[str, str]:
    """By joint, the one that takes its place, of the pairs that were given."""
    partners = dict(zip(self.joints, self.joints, strict=True))
    for a, b in self.pairs or ():
      partners |= {a: b, b: a}
    return partners

  @functools.cached_property
  def map_flip_permutation(self) -> tuple[int, ...]:
    """`flip_permutation` over map channels: the background stays where it is."""
    extra = (self.num_joints,) if self.background else ()
    return self.flip_permutation + extra

  @property
  def num_part_maps(self) -> int:
    """Channels of the part affinity fields: (x, y) of each limb."""
    return 2 * len(self.limbs)

  @functools.cached_property
  def part_flip(self) -> tuple[tuple[int, int], ...]:
    """For each channel of the part affinity fields, (channel, sign) that replaces it.

    In a mirrored image a limb is its partner of the other side. Of its vectors x changes
    the sign; so does the whole vector where the partner is listed the other way round,
    as a limb across the body is by itself.

    Raises:
      SkeletonError: for a limb whose partner is no limb.
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
    """The joint that each group but the torso turns about, by group name; ours.

    Head: the neck; arm: its shoulder; leg: its hip. A layout without that joint turns
    the group about its own first joint (`coco_17` has no neck: the head's is the nose).
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
    """A JSON-ready form, which travels with data sets and checkpoints.

    What follows from the names is left out, as data sets and checkpoints have it that
    were written before it could be given.
    """
    fields = dataclasses.asdict(self)
    return {name: value for name, value in fields.items() if value is not None}

  @classmethod
  def from_dict(cls, fields: dict[str, Any]) -> Skeleton:
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
  """Each limb on the right, then on the left; joints of the middle stay as named."""

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
  """A joint of an arm or leg that does not say which one is the torso."""
  side, part = _split_side(joint)
  group = _GROUP_OF_JOINT.get(part, 'torso')
  if group not in ('arm', 'leg'):
    return group
  return f'{side}_{group}' if side else 'torso'
