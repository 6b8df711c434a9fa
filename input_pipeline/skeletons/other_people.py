"""Layouts with separate channels for other people: one person's joints, then the others'.

JMRN Sec. 4.2 appends "the pose encoding of other people in the clip as separate
channels". Here the channels are additional joints in the layout, so that every operation
on joints applies to them too: `left_wrist` is the person's wrist, `left_other_wrist` the
wrist of everybody else. Mirroring swaps `left_other_*` with `right_other_*`. Pose-aware
augmentation moves other people with the whole pose, same as the torso, and not group by
group (our choice; the paper does not say).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from input_pipeline.skeletons.skeleton import Skeleton

SUFFIX = '_and_others'
_OTHER = 'other_'


def with_others(skeleton: Skeleton) -> Skeleton:
  """Returns the layout `[own joints, others' joints]`, named `<name>_and_others`."""

  def doubled(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return (*pairs, *((_of_others(a), _of_others(b)) for a, b in pairs))

  return dataclasses.replace(
    skeleton,
    name=f'{skeleton.name}{SUFFIX}',
    joints=(*skeleton.joints, *map(_of_others, skeleton.joints)),
    limbs=doubled(skeleton.limbs),
    pairs=None if skeleton.pairs is None else doubled(skeleton.pairs),
  )


def one_person(skeleton: Skeleton) -> Skeleton:
  """Returns the layout without other people's joints; unchanged if it has none."""
  if not has_others(skeleton):
    return skeleton
  joints = skeleton.joints[: skeleton.num_joints // 2]

  def own(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in pairs if pair[0] in joints)

  return dataclasses.replace(
    skeleton,
    name=skeleton.name.removesuffix(SUFFIX),
    joints=joints,
    limbs=own(skeleton.limbs),
    pairs=None if skeleton.pairs is None else own(skeleton.pairs),
  )


def has_others(skeleton: Skeleton) -> bool:
  """Whether the second half of the joints belongs to other people."""
  half = skeleton.num_joints // 2
  own, others = skeleton.joints[:half], skeleton.joints[half:]
  return others == tuple(_of_others(joint) for joint in own)


def others_apart(
  keypoints: Float[np.ndarray, 't m j 2'], scores: Float[np.ndarray, 't m j']
) -> tuple[Float[np.ndarray, 't p d 2'], Float[np.ndarray, 't p d']]:
  """Returns person 0 and all others in the layout of `with_others`; `d` is 2 · `j`.

  Each of the `p = max(1, m - 1)` rows holds one other person, the most confident first.
  Person 0's joints are in the first row too, so that selecting the most confident rows
  always keeps person 0.
  """
  order = np.argsort(-scores[:, 1:].sum(axis=(0, 2)), kind='stable') + 1
  places = max(1, len(order))
  return (
    _side_by_side(keypoints[:, :1], keypoints[:, order], places),
    _side_by_side(scores[:, :1], scores[:, order], places),
  )


def _side_by_side(own: np.ndarray, others: np.ndarray, places: int) -> np.ndarray:
  """Zero-pads both (0 = missing) to `places` people and concatenates the joints."""

  def padded(people: np.ndarray) -> np.ndarray:
    missing = [(0, 0)] * people.ndim
    missing[1] = (0, places - people.shape[1])
    return np.pad(people, missing)

  return np.concatenate([padded(own), padded(others)], axis=2)


def _of_others(joint: str) -> str:
  for side in ('left_', 'right_'):
    if joint.startswith(side):
      return f'{side}{_OTHER}{joint.removeprefix(side)}'
  return f'{_OTHER}{joint}'
