"""Joint layouts with the points of face and hands.

Face points `face_0` to `face_67` are in the order of 300-W (Sagonas et al., 2013), which
begins on the person's right: jaw 0..16, brows 17..26, nose 27..35, eyes 36..47, lips
48..67. Each hand has its root, at the wrist, then thumb, forefinger, middle finger, ring
finger and pinky, each from the palm (1) to the tip (4).
"""

from __future__ import annotations

import itertools

from input_pipeline.skeletons.annotated import COCO_17_JOINTS, COCO_17_LIMBS
from input_pipeline.skeletons.estimated import (
  FOOT_LIMBS,
  HALPE_26_JOINTS,
  HALPE_26_LIMBS,
)
from input_pipeline.skeletons.skeleton import Skeleton, both_sides

_FACE = tuple(f'face_{i}' for i in range(68))
# Points that change places in a mirrored image; the middle of jaw, nose and lips stays.
_FACE_PAIRS = tuple(
  (_FACE[a], _FACE[b])
  for a, b in (
    *((i, 16 - i) for i in range(8)),  # jaw
    *((i, 43 - i) for i in range(17, 22)),  # brows
    *((31, 35), (32, 34)),  # nostrils
    *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),  # eyes
    *((48, 54), (49, 53), (50, 52), (59, 55), (58, 56)),  # outer lips
    *((60, 64), (61, 63), (67, 65)),  # inner lips
  )
)

_FINGERS = ('thumb', 'forefinger', 'middle_finger', 'ring_finger', 'pinky_finger')
_HAND = ('hand_root', *(f'{finger}{i}' for finger in _FINGERS for i in range(1, 5)))
_LEFT_HAND = tuple(f'left_{joint}' for joint in _HAND)
_RIGHT_HAND = tuple(f'right_{joint}' for joint in _HAND)


def _chain(first: int, last: int) -> tuple[tuple[str, str], ...]:
  return tuple(itertools.pairwise(_FACE[first : last + 1]))


def _ring(first: int, last: int) -> tuple[tuple[str, str], ...]:
  return (*_chain(first, last), (_FACE[last], _FACE[first]))


# No published layout has limbs on the face, so these are ours: lines along its features,
# joined to nose, eyes and ears.
_FACE_POINT_LIMBS = (
  *_chain(0, 16),
  *(*_chain(17, 21), *_chain(22, 26)),
  *(*_chain(27, 30), *_chain(31, 35)),
  *(*_ring(36, 41), *_ring(42, 47)),
  *(*_ring(48, 59), *_ring(60, 67)),
  *(('right_ear', 'face_0'), ('left_ear', 'face_16')),
  *(('face_27', 'face_21'), ('face_27', 'face_22')),
  *(('nose', 'face_30'), ('face_30', 'face_33'), ('face_33', 'face_51')),
  *(('right_eye', 'face_36'), ('left_eye', 'face_45')),
  *(('face_48', 'face_60'), ('face_54', 'face_64')),
)
_HAND_LIMBS = both_sides(
  ('wrist', 'hand_root'),
  *(
    limb
    for finger in _FINGERS
    for limb in itertools.pairwise(
      ('hand_root', *(f'{finger}{i}' for i in range(1, 5))),
    )
  ),
)


def _with_face_and_hands(
  name: str, body: tuple[str, ...], body_limbs: tuple[tuple[str, str], ...]
) -> Skeleton:
  """The layout `[body, 68 face points, left hand, right hand]`."""
  joints = (*body, *_FACE, *_LEFT_HAND, *_RIGHT_HAND)
  sides = tuple(
    (joint, f'right_{joint.removeprefix("left_")}')
    for joint in joints
    if joint.startswith('left_')
  )
  return Skeleton(
    name=name,
    joints=joints,
    limbs=(*body_limbs, *_FACE_POINT_LIMBS, *_HAND_LIMBS),
    pairs=(*sides, *_FACE_PAIRS),
  )


WHOLE_BODY_SKELETONS = (
  # COCO-WholeBody (Jin et al., ECCV 2020): COCO's joints and the feet, left foot first.
  _with_face_and_hands(
    'coco_wholebody_133',
    (
      *COCO_17_JOINTS,
      'left_big_toe',
      'left_small_toe',
      'left_heel',
      'right_big_toe',
      'right_small_toe',
      'right_heel',
    ),
    (*COCO_17_LIMBS, *both_sides(*FOOT_LIMBS)),
  ),
  # Halpe-FullBody (Fang et al., AlphaPose, TPAMI 2022): `halpe_26`, then face and hands.
  _with_face_and_hands('halpe_136', HALPE_26_JOINTS, HALPE_26_LIMBS),
)
