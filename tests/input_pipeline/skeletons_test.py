"""Skeletons against the data sets' own documentation, index by index."""

import dataclasses
import json

import pytest

from input_pipeline.skeletons import SKELETONS, Skeleton, SkeletonError, get_skeleton

# (joint, joint) by index, as each layout's documentation numbers them.
JHMDB_LIMBS = [
  *[(0, 2), (0, 1), (0, 3), (3, 7), (7, 11), (0, 4), (4, 8)],
  *[(8, 12), (1, 5), (5, 9), (9, 13), (1, 6), (6, 10), (10, 14)],
]
PENN_LIMBS = [
  *[(0, 1), (0, 2), (1, 2), (1, 3), (3, 5), (2, 4), (4, 6)],
  *[(1, 7), (2, 8), (7, 8), (7, 9), (9, 11), (8, 10), (10, 12)],
]
# COCO's person skeleton, less the limb between the eyes.
COCO_LIMBS = [
  *[(15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6)],
  *[(5, 7), (6, 8), (7, 9), (8, 10), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)],
]
OPENPOSE_18_LIMBS = [
  *[(1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10)],
  *[(1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17)],
  *[(2, 16), (5, 17)],
]
BODY_25_LIMBS = [
  *[(1, 8), (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10)],
  *[(10, 11), (8, 12), (12, 13), (13, 14), (1, 0), (0, 15), (15, 17), (0, 16)],
  *[(16, 18), (14, 19), (19, 20), (14, 21), (11, 22), (22, 23), (11, 24)],
]

# OpenPose's, in the order of JMRN's official code: COCO's, then the neck.
JMRN_OFFICIAL_LIMBS = [
  *[(17, 6), (17, 5), (6, 8), (8, 10), (5, 7), (7, 9), (17, 12), (12, 14), (14, 16)],
  *[(17, 11), (11, 13), (13, 15), (17, 0), (0, 2), (2, 4), (0, 1), (1, 3)],
]


@pytest.mark.parametrize(
  ('name', 'limbs'),
  [
    ('jhmdb', JHMDB_LIMBS),
    ('penn_action', PENN_LIMBS),
    ('coco_17', COCO_LIMBS),
    ('openpose_18', OPENPOSE_18_LIMBS),
    ('openpose_18_background', OPENPOSE_18_LIMBS),
    ('jmrn_official', JMRN_OFFICIAL_LIMBS),
    ('jmrn_official_background', JMRN_OFFICIAL_LIMBS),
    ('body_25', BODY_25_LIMBS),
  ],
)
def test_limbs(name, limbs):
  ours = [frozenset(limb) for limb in SKELETONS[name].limb_indices]
  assert len(set(ours)) == len(ours)
  assert set(ours) == {frozenset(limb) for limb in limbs}


@pytest.mark.parametrize('name', ['openpose_18', 'openpose_18_background'])
def test_limbs_of_openpose_stand_as_its_part_affinity_fields_do(name):
  limbs = SKELETONS[name].limbs
  assert len(limbs) == 19
  # The third, tenth and last of the released COCO model's pairs of channels.
  assert limbs[2] == ('right_knee', 'right_ankle')
  assert limbs[9] == ('right_shoulder', 'right_ear')
  assert limbs[18] == ('left_eye', 'left_ear')


@pytest.mark.parametrize(
  ('name', 'pairs'),
  [
    ('jhmdb', ((3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14))),
    ('penn_action', ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12))),
    (
      'coco_17',
      ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
    ),
    (
      'openpose_18',
      ((2, 5), (3, 6), (4, 7), (8, 11), (9, 12), (10, 13), (14, 15), (16, 17)),
    ),
    (
      'jmrn_official',
      ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
    ),
    (
      'body_25',
      (
        *((2, 5), (3, 6), (4, 7), (9, 12), (10, 13), (11, 14), (15, 16), (17, 18)),
        *((19, 22), (20, 23), (21, 24)),
      ),
    ),
  ],
)
def test_flip_pairs(name, pairs):
  assert SKELETONS[name].flip_pairs == pairs


@pytest.mark.parametrize(
  ('name', 'number'),
  [
    ('jhmdb', 15),
    ('penn_action', 13),
    ('coco_17', 17),
    ('openpose_18', 18),
    ('openpose_18_background', 18),
    ('jmrn_official', 18),
    ('jmrn_official_background', 18),
    ('body_25', 25),
  ],
)
def test_number_of_joints(name, number):
  assert SKELETONS[name].num_joints == number


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_flipping_twice_changes_nothing(skeleton):
  permutation = skeleton.map_flip_permutation
  assert [permutation[i] for i in permutation] == list(range(skeleton.num_maps))


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_limbs_are_symmetric(skeleton):
  """A mirrored limb is a limb, or flipped part maps would name the wrong one."""
  flip = skeleton.flip_permutation
  limbs = {frozenset(limb) for limb in skeleton.limb_indices}
  assert {frozenset(flip[i] for i in limb) for limb in limbs} == limbs


def test_penn_action_says_right_first():
  # The first shoulder is image-left in frontal views: the person's right.
  joints = SKELETONS['penn_action'].joints
  assert joints[:5] == (
    'head',
    'right_shoulder',
    'left_shoulder',
    'right_elbow',
    'left_elbow',
  )


def test_groups_of_jhmdb():
  assert SKELETONS['jhmdb'].groups == {
    'torso': (0, 1, 5, 6),
    'head': (2,),
    'right_arm': (3, 7, 11),
    'left_arm': (4, 8, 12),
    'right_leg': (9, 13),
    'left_leg': (10, 14),
  }


def test_groups_of_jmrn_are_the_papers():
  # Of the official code's own numbers; its neck is 18, before the background is last.
  assert SKELETONS['jmrn_official'].groups == {
    'head': (0, 1, 2, 3, 4),
    'left_arm': (5, 7, 9),
    'right_arm': (6, 8, 10),
    'torso': (11, 12, 17),
    'left_leg': (13, 15),
    'right_leg': (14, 16),
  }


@pytest.mark.parametrize(
  ('name', 'pivots'),
  [
    ('jhmdb', {'head': 0, 'arms': (4, 3), 'legs': (6, 5)}),
    ('jmrn_official', {'head': 17, 'arms': (5, 6), 'legs': (11, 12)}),
    ('openpose_18', {'head': 1, 'arms': (5, 2), 'legs': (11, 8)}),
    # Without a neck, the head's own first joint: the nose, or all there is of it.
    ('coco_17', {'head': 0, 'arms': (5, 6), 'legs': (11, 12)}),
    ('penn_action', {'head': 0, 'arms': (2, 1), 'legs': (8, 7)}),
    ('body_25', {'head': 1, 'arms': (5, 2), 'legs': (12, 9)}),
  ],
)
def test_groups_turn_about_neck_shoulders_and_hips(name, pivots):
  assert SKELETONS[name].group_pivots == {
    'head': pivots['head'],
    'left_arm': pivots['arms'][0],
    'right_arm': pivots['arms'][1],
    'left_leg': pivots['legs'][0],
    'right_leg': pivots['legs'][1],
  }


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_every_group_but_the_torso_has_a_pivot(skeleton):
  assert set(skeleton.group_pivots) == set(skeleton.groups) - {'torso'}


def test_a_pivot_that_the_layout_lacks():
  skeleton = Skeleton('s', ('left_wrist', 'right_wrist'), ())
  assert skeleton.group_pivots == {'left_arm': 0, 'right_arm': 1}


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_every_joint_is_in_one_group(skeleton):
  members = [joint for group in skeleton.groups.values() for joint in group]
  assert sorted(members) == list(range(skeleton.num_joints))


def test_background_is_the_last_map_and_does_not_flip():
  skeleton = SKELETONS['openpose_18_background']
  assert (skeleton.num_joints, skeleton.num_maps) == (18, 19)
  assert skeleton.map_flip_permutation[:3] == (0, 1, 5)
  assert skeleton.map_flip_permutation[18] == 18
  assert SKELETONS['openpose_18'].num_maps == 18


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_travels_as_json(skeleton):
  assert Skeleton.from_dict(json.loads(json.dumps(skeleton.to_dict()))) == skeleton


def test_unknown_name_gives_the_nearest():
  with pytest.raises(SkeletonError, match=r"no skeleton 'body25'.*mean 'body_25'"):
    get_skeleton('body25')
  with pytest.raises(SkeletonError, match=r"no skeleton 'xyzzy'.*Registered: body_25"):
    get_skeleton('xyzzy')


def test_contradictions_are_refused():
  good = Skeleton('s', ('left_eye', 'right_eye'), (('left_eye', 'right_eye'),))
  with pytest.raises(SkeletonError, match=r"names repeat: \{'left_eye'\}"):
    dataclasses.replace(good, joints=('left_eye', 'right_eye', 'left_eye'))
  with pytest.raises(SkeletonError, match=r"names 'nose', which is not one"):
    dataclasses.replace(good, limbs=(('left_eye', 'nose'),))
  with pytest.raises(SkeletonError, match=r"'left_ear' has no partner 'right_ear'"):
    dataclasses.replace(good, joints=('left_eye', 'right_eye', 'left_ear'))


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_mirrored_twice_a_field_is_itself(skeleton):
  flip = skeleton.part_flip
  assert len(flip) == skeleton.num_part_maps
  for channel, (source, sign) in enumerate(flip):
    back, back_sign = flip[source]
    assert (back, sign * back_sign) == (channel, 1)
    assert source % 2 == channel % 2  # x stays x.


def test_fields_of_limbs_mirrored_by_hand():
  skeleton = Skeleton(
    'cross',
    ('left_hip', 'right_hip', 'neck'),
    (('left_hip', 'right_hip'), ('neck', 'left_hip'), ('right_hip', 'neck')),
  )
  # The hips change places: their vector turns, then its x changes sign. The third limb
  # is the second one's partner, listed the other way round.
  assert skeleton.part_flip == ((0, 1), (1, -1), (4, 1), (5, -1), (2, 1), (3, -1))


def test_a_limb_without_a_partner_cannot_be_flipped():
  skeleton = Skeleton(
    'one_sided', ('neck', 'left_hip', 'right_hip'), (('neck', 'left_hip'),)
  )
  with pytest.raises(
    SkeletonError, match=r"limb \(neck, left_hip\) has no partner \('"
  ):
    _ = skeleton.part_flip
