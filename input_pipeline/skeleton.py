"""A joint layout: which joint is which, and what follows from their names.

Everything that depends on the identity of a joint (flipping, drawing limbs, moving a
body part as one) asks a `Skeleton`; no joint index is written anywhere else.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

# The part of the body that pose-aware augmentation moves as one (JMRN Sec. 3.2), by the
# joint's name without its side. Joints not listed (hips, neck, belly) are the torso.
_GROUP_OF_JOINT = {
  **dict.fromkeys(('nose', 'eye', 'ear', 'head', 'face', 'head_top'), 'head'),
  **dict.fromkeys(('shoulder', 'elbow', 'wrist'), 'arm'),
  **dict.fromkeys(('knee', 'ankle', 'big_toe', 'small_toe', 'heel'), 'leg'),
}

# The joint that a group turns about, on its own side where that has one.
_PIVOT_OF_GROUP = {'head': 'neck', 'arm': 'shoulder', 'leg': 'hip'}


class SkeletonError(ValueError):
  """A skeleton that contradicts itself, or one that is not registered."""


@dataclasses.dataclass(frozen=True)
class Skeleton:
  """A joint layout.

  Joint names are snake_case; a paired joint starts with `left_` or `right_`, meaning
  the person's own side. Flip pairs and body groups follow from the names.

  Attributes:
    name: the registry's key.
    joints: joint names in storage order, `j` of them.
    limbs: pairs of joint names that are drawn, and rendered as parts.
    background: whether the maps carry one more channel, 1 - max over joints, after
      the joints, as OpenPose's do.
  """

  name: str
  joints: tuple[str, ...]
  limbs: tuple[tuple[str, str], ...]
  background: bool = False

  def __post_init__(self):
    repeated = {n for n in self.joints if self.joints.count(n) > 1}
    if repeated:
      raise SkeletonError(f'skeleton {self.name!r}: joint names repeat: {repeated}')
    for a, b in self.limbs:
      for joint in (a, b):
        if joint not in self.joints:
          raise SkeletonError(
            f'skeleton {self.name!r}: limb ({a}, {b}) names {joint!r}, which is not one'
            f' of its joints {self.joints}'
          )
    for joint in self.joints:
      if _mirrored(joint) not in self.joints:
        raise SkeletonError(
          f'skeleton {self.name!r}: {joint!r} has no partner {_mirrored(joint)!r}, so'
          ' it cannot be flipped'
        )

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
  def flip_permutation(self) -> tuple[int, ...]:
    """For each joint, the joint that takes its place in a mirrored image, `[j]`."""
    return tuple(self.joints.index(_mirrored(joint)) for joint in self.joints)

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
      partner = (_mirrored(a), _mirrored(b))
      turned = partner not in self.limbs
      if turned and partner[::-1] not in self.limbs:
        raise SkeletonError(
          f'skeleton {self.name!r}: limb ({a}, {b}) has no partner {partner}, so its part'
          ' affinity field cannot be flipped; add the partner to its limbs'
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
    groups: dict[str, list[int]] = {}
    for index, joint in enumerate(self.joints):
      side, part = _split_side(joint)
      group = _GROUP_OF_JOINT.get(part, 'torso')
      name = f'{side}_{group}' if group in ('arm', 'leg') else group
      groups.setdefault(name, []).append(index)
    return {name: tuple(members) for name, members in groups.items()}

  @functools.cached_property
  def group_pivots(self) -> dict[str, int]:
    """The joint that each group but the torso turns about, by group name; ours.

    Head: the neck; arm: its shoulder; leg: its hip. A layout without that joint turns
    the group about its own first joint (`coco_17` has no neck: the head's is the nose).
    """
    pivots = {}
    for name, members in self.groups.items():
      if name != 'torso':
        side, group = _split_side(name)
        joint = '_'.join(filter(None, (side, _PIVOT_OF_GROUP[group])))
        known = joint in self.joints
        pivots[name] = self.joints.index(joint) if known else members[0]
    return pivots

  def to_dict(self) -> dict[str, Any]:
    """A JSON-ready form, which travels with data sets and checkpoints."""
    return dataclasses.asdict(self)

  @classmethod
  def from_dict(cls, fields: dict[str, Any]) -> Skeleton:
    return cls(
      name=fields['name'],
      joints=tuple(fields['joints']),
      limbs=tuple((a, b) for a, b in fields['limbs']),
      background=bool(fields['background']),
    )


def _split_side(joint: str) -> tuple[str, str]:
  for side in ('left', 'right'):
    if joint.startswith(f'{side}_'):
      return side, joint.removeprefix(f'{side}_')
  return '', joint


def _mirrored(joint: str) -> str:
  side, part = _split_side(joint)
  other_side = {'left': 'right_', 'right': 'left_', '': ''}[side]
  return other_side + part
