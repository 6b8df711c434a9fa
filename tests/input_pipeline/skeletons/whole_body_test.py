"""Face and hands of the whole-body layouts, against the published tables."""

import itertools

import numpy as np
import pytest

from input_pipeline.skeletons.other_people import one_person, with_others
from input_pipeline.skeletons.registry import SKELETONS

WHOLE_BODY, HALPE = SKELETONS['coco_wholebody_133'], SKELETONS['halpe_136']

# What 300-W's users take for each face point of a mirrored image.
MIRRORED_FACE = [
  *range(16, -1, -1),
  *range(26, 16, -1),
  *(27, 28, 29, 30),
  *(35, 34, 33, 32, 31),
  *(45, 44, 43, 42, 47, 46),
  *(39, 38, 37, 36, 41, 40),
  *range(54, 47, -1),
  *(59, 58, 57, 56, 55),
  *(64, 63, 62, 61, 60),
  *(67, 66, 65),
]


@pytest.mark.parametrize(
  ('skeleton', 'face', 'left_hand', 'right_hand'),
  [(WHOLE_BODY, 23, 91, 112), (HALPE, 26, 94, 115)],
)
def test_flip(skeleton, face, left_hand, right_hand):
  flip = skeleton.flip_permutation
  assert [place - face for place in flip[face : face + 68]] == MIRRORED_FACE
  assert flip[left_hand : left_hand + 21] == tuple(range(right_hand, right_hand + 21))
  assert [flip[i] for i in flip] == list(range(skeleton.num_joints))


def test_the_feet_of_coco_wholebody_are_foot_by_foot():
  assert WHOLE_BODY.flip_permutation[17:23] == (20, 21, 22, 17, 18, 19)
  assert HALPE.flip_permutation[20:26] == (21, 20, 23, 22, 25, 24)


def test_the_body_comes_first():
  assert WHOLE_BODY.joints[:17] == SKELETONS['coco_17'].joints
  assert HALPE.joints[:26] == SKELETONS['halpe_26'].joints
  assert WHOLE_BODY.joints[23:] == HALPE.joints[26:]


def test_joints_by_index():
  places = {
    0: 'nose',
    9: 'left_wrist',
    17: 'left_big_toe',
    20: 'right_big_toe',
    23: 'face_0',
    59: 'face_36',
    90: 'face_67',
    91: 'left_hand_root',
    92: 'left_thumb1',
    96: 'left_forefinger1',
    103: 'left_middle_finger4',
    104: 'left_ring_finger1',
    111: 'left_pinky_finger4',
    112: 'right_hand_root',
    132: 'right_pinky_finger4',
  }
  assert {place: WHOLE_BODY.joints[place] for place in places} == places


def test_groups():
  groups = WHOLE_BODY.groups
  assert groups['head'] == (*range(5), *range(23, 91))
  assert groups['left_arm'] == (5, 7, 9, *range(91, 112))
  assert groups['right_arm'] == (6, 8, 10, *range(112, 133))
  assert groups['left_leg'] == (13, 15, 17, 18, 19)
  assert groups['torso'] == (11, 12)
  assert HALPE.groups['torso'] == (11, 12, 18, 19)
  assert HALPE.joints[HALPE.group_pivots['head']] == 'neck'


@pytest.mark.parametrize('skeleton', [WHOLE_BODY, HALPE])
def test_limbs(skeleton):
  limbs = {frozenset(limb) for limb in skeleton.limbs}
  assert len(limbs) == len(skeleton.limbs)
  assert {frozenset(('left_wrist', 'left_hand_root'))} <= limbs
  # The outline of the right eye is closed.
  eye = [f'face_{i}' for i in (36, 37, 38, 39, 40, 41, 36)]
  assert {frozenset(limb) for limb in itertools.pairwise(eye)} <= limbs
  sides = dict(zip(skeleton.limbs, skeleton.limb_sides, strict=True))
  assert sides['left_hand_root', 'left_thumb1'] == 'left'


def test_others_mirror_too():
  doubled = with_others(WHOLE_BODY)
  assert one_person(doubled) == WHOLE_BODY
  flip = np.array(doubled.flip_permutation)
  assert (flip[133:] == np.array(WHOLE_BODY.flip_permutation) + 133).all()
