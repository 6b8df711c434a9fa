"""Other people as channels of their own: one person's joints, then those of all others.

JMRN Sec. 4.2 appends "the pose encoding of other people in the clip as separate
channels". Here they are more joints of the layout, so that all that is done to joints is
done to them: `left_wrist` is the person's, `left_other_wrist` everybody else's. Each has
its partner in a mirrored image. Pose-aware augmentation moves others with the whole pose
and not limb by limb, as it does the torso (ours; the paper does not say).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from input_pipeline.skeletons.skeleton import Skeleton

SUFFIX = '_and_others'
_OTHER = 'other_'


def with_others(skeleton: Skeleton) -> Skeleton:
  """The layout `[own joints, others' joints]`, named `<name>_and_others`."""

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
  """The layout without the joints of others; the same where it has none."""
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
  """Whether the second half of the joints is that of others."""
  half = skeleton.num_joints // 2
  own, others = skeleton.joints[:half], skeleton.joints[half:]
  return others == tuple(_of_others(joint) for joint in own)


def others_apart(
  keypoints: Float[np.ndarray, 't m j 2'], scores: Float[np.ndarray, 't m j']
) -> tuple[Float[np.ndarray, 't p d 2'], Float[np.ndarray, 't p d']]:
  """Person 0 and the others as poses of `with_others`; `d` is twice `j`.

  Person 0's joints stand beside those of the most confident other, in the first of
  `p = max(1, m - 1)` places: whoever keeps only the most confident places keeps it.
  """
  order = np.argsort(-scores[:, 1:].sum(axis=(0, 2)), kind='stable') + 1
  places = max(1, len(order))
  return (
    _side_by_side(keypoints[:, :1], keypoints[:, order], places),
    _side_by_side(scores[:, :1], scores[:, order], places),
  )


def _side_by_side(own: np.ndarray, others: np.ndarray, places: int) -> np.ndarray:
  """Each padded to `places` people by 0, a missing joint, and joined along joints."""

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
