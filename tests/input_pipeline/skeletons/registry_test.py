"""Skeletons against the data sets' own documentation, index by index."""

import dataclasses
import json

import pytest

from input_pipeline.errors import SkeletonError
from input_pipeline.skeletons.custom import islands_of
from input_pipeline.skeletons.registry import SKELETONS, Skeleton, get_skeleton

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

# OpenPose's pairs of its MPI model (`POSE_MPI_PAIRS_RENDER_GPU`).
MPI_LIMBS = [
  *[(0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 14), (14, 8), (8, 9)],
  *[(9, 10), (14, 11), (11, 12), (12, 13)],
]
# MMPose's, less the shoulders to the upper neck instead of the thorax.
MPII_LIMBS = [
  *[(0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9)],
  *[(7, 12), (12, 11), (11, 10), (7, 13), (13, 14), (14, 15)],
]
# VideoPose3D's parents of joints 1 to 16.
HUMAN36M_PARENTS = [0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15]
HUMAN36M_LIMBS = list(enumerate(HUMAN36M_PARENTS, start=1))
# NTU RGB+D's bones as PYSKL numbers them from 1, but the thumb at the wrist.
NTU_LIMBS = [
  (a - 1, b - 1)
  for a, b in [
    *[(1, 2), (2, 21), (3, 21), (4, 3), (5, 21), (6, 5), (7, 6), (8, 7), (9, 21)],
    *[(10, 9), (11, 10), (12, 11), (13, 1), (14, 13), (15, 14), (16, 15), (17, 1)],
    *[(18, 17), (19, 18), (20, 19), (22, 8), (23, 7), (24, 12), (25, 11)],
  ]
]
# MediaPipe's POSE_CONNECTIONS, then ours: nose to mouth, ears to shoulders.
MEDIAPIPE_LIMBS = [
  *[(0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10), (11, 12)],
  *[(11, 13), (13, 15), (15, 17), (15, 19), (15, 21), (17, 19), (12, 14), (14, 16)],
  *[(16, 18), (16, 20), (16, 22), (18, 20), (11, 23), (12, 24), (23, 24), (23, 25)],
  *[(24, 26), (25, 27), (26, 28), (27, 29), (28, 30), (29, 31), (30, 32), (27, 31)],
  *[(28, 32), (0, 9), (0, 10), (7, 11), (8, 12)],
]


@pytest.mark.parametrize(
  ('name', 'limbs'),
  [
    ('openpose_mpi', MPI_LIMBS),
    ('mpii_16', MPII_LIMBS),
    ('human36m_17', HUMAN36M_LIMBS),
    ('ntu_25', NTU_LIMBS),
    ('mediapipe_33', MEDIAPIPE_LIMBS),
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
    (
      'body_25b',
      (
        *((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
        *((19, 22), (20, 23), (21, 24)),
      ),
    ),
    ('openpose_mpi', ((2, 5), (3, 6), (4, 7), (8, 11), (9, 12), (10, 13))),
    ('mpii_16', ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))),
    ('human36m_17', ((1, 4), (2, 5), (3, 6), (11, 14), (12, 15), (13, 16))),
    (
      'halpe_26',
      (
        *((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
        *((20, 21), (22, 23), (24, 25)),
      ),
    ),
    (
      'ntu_25',
      (
        *((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18), (15, 19)),
        *((21, 23), (22, 24)),
      ),
    ),
    (
      'mediapipe_33',
      ((1, 4), (2, 5), (3, 6), *((left, left + 1) for left in range(7, 33, 2))),
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
    ('body_25b', 25),
    ('openpose_mpi', 15),
    ('mpii_16', 16),
    ('human36m_17', 17),
    ('halpe_26', 26),
    ('ntu_25', 25),
    ('mediapipe_33', 33),
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


@pytest.mark.parametrize(
  ('name', 'places'),
  [
    # Where the documents' own numbering could be mistaken.
    ('body_25b', {'left_eye': 1, 'upper_neck': 17, 'head_top': 18, 'left_heel': 21}),
    ('openpose_mpi', {'head_top': 0, 'right_shoulder': 2, 'chest': 14}),
    ('mpii_16', {'right_ankle': 0, 'thorax': 7, 'upper_neck': 8, 'left_wrist': 15}),
    ('human36m_17', {'right_hip': 1, 'thorax': 8, 'head_top': 10, 'left_shoulder': 11}),
    ('halpe_26', {'head_top': 17, 'neck': 18, 'mid_hip': 19, 'right_big_toe': 21}),
    ('ntu_25', {'neck': 2, 'left_hand': 7, 'spine_shoulder': 20, 'right_thumb': 24}),
    ('mediapipe_33', {'left_mouth': 9, 'left_pinky': 17, 'left_hip': 23}),
  ],
)
def test_places_of_joints(name, places):
  assert {joint: SKELETONS[name].joints.index(joint) for joint in places} == places


def test_the_25_joint_layouts_differ():
  assert SKELETONS['body_25b'].joints[:17] == SKELETONS['coco_17'].joints
  assert SKELETONS['body_25'].joints[:17] != SKELETONS['coco_17'].joints


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_limbs_connect_every_joint(skeleton):
  assert len(islands_of(skeleton)) == 1


def test_groups_of_hands_and_feet():
  groups = SKELETONS['ntu_25'].groups
  assert groups == {
    'torso': (0, 1, 2, 12, 16, 20),
    'head': (3,),
    'left_arm': (4, 5, 6, 7, 21, 22),
    'right_arm': (8, 9, 10, 11, 23, 24),
    'left_leg': (13, 14, 15),
    'right_leg': (17, 18, 19),
  }
  assert SKELETONS['mediapipe_33'].groups['head'] == tuple(range(11))
  assert SKELETONS['mediapipe_33'].groups['left_arm'] == (11, 13, 15, 17, 19, 21)
  assert SKELETONS['mediapipe_33'].groups['right_leg'] == (26, 28, 30, 32)


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
    ('body_25b', {'head': 17, 'arms': (5, 6), 'legs': (11, 12)}),
    ('human36m_17', {'head': 8, 'arms': (11, 14), 'legs': (4, 1)}),
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
  with pytest.raises(
    SkeletonError, match=r"no skeleton 'xyzzy'.*Registered: body_25.*a file \*\.yaml"
  ):
    get_skeleton('xyzzy')


def test_contradictions_are_refused():
  good = Skeleton('s', ('left_eye', 'right_eye'), (('left_eye', 'right_eye'),))
  with pytest.raises(SkeletonError, match=r'names repeat: left_eye;'):
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


# A layout whose names say nothing of sides: claws 1 and 2 of one side, 3 and 4 of the other.
CRAB = Skeleton(
  'crab',
  ('eye', 'c1', 'c2', 'c3', 'c4'),
  (('eye', 'c1'), ('c1', 'c2'), ('eye', 'c3'), ('c4', 'c3')),
  pairs=(('c1', 'c3'), ('c4', 'c2')),
  group_of=(('c1', 'left_arm'), ('c2', 'left_arm'), ('c4', 'right_arm')),
  pivots=(('left_arm', 'eye'),),
)


def test_pairs_groups_and_pivots_that_are_given():
  assert CRAB.flip_permutation == (0, 3, 4, 1, 2)
  assert CRAB.flip_pairs == ((1, 3), (2, 4))
  # The eye and c3 are in no group: they are the torso, whatever their names say.
  assert CRAB.groups == {'torso': (0, 3), 'left_arm': (1, 2), 'right_arm': (4,)}
  assert CRAB.group_pivots == {'left_arm': 0, 'right_arm': 4}
  # Limb 1 is (c1, c2), limb 3 its partner the other way round.
  assert CRAB.part_flip[2:4] == ((6, 1), (7, -1))


def test_sides_of_limbs():
  # c3 is in no group, so that its limb to the eye has no side.
  assert CRAB.limb_sides == ('left', 'left', 'middle', 'right')
  penn = SKELETONS['penn_action']
  assert penn.limb_sides == ('middle', 'middle', *['right'] * 6, *['left'] * 6)


def test_what_is_given_travels_as_json():
  assert Skeleton.from_dict(json.loads(json.dumps(CRAB.to_dict()))) == CRAB


def test_dicts_of_data_sets_and_checkpoints_are_as_they_were():
  written = {
    'name': 's',
    'joints': ['left_eye', 'right_eye'],
    'limbs': [['left_eye', 'right_eye']],
    'background': False,
  }
  skeleton = Skeleton.from_dict(written)
  assert skeleton.flip_pairs == ((0, 1),)
  assert json.loads(json.dumps(skeleton.to_dict())) == written


def test_sides_that_are_not_said():
  skeleton = Skeleton('s', ('wrist', 'nose'), ())
  assert skeleton.groups == {'torso': (0,), 'head': (1,)}


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    ({'pairs': (('c1', 'c9'),)}, r"flip pair \(c1, c9\) names 'c9', which is not"),
    ({'pairs': (('c1', 'c1'),)}, r'pairs a joint with itself; leave out'),
    (
      {'pairs': (('c1', 'c2'), ('c2', 'c3'))},
      r"\(c2, c3\) takes 'c2' again; a joint is in one pair",
    ),
    ({'pairs': (('c1', 'c2'), ('c2', 'c1'))}, r"takes 'c1' again"),
    (
      {'group_of': (('c1', 'claw'),)},
      r"no group 'claw'; use one of head, torso, left_",
    ),
    (
      {'group_of': (('c1', 'head'), ('c1', 'torso'))},
      r"'c1' is in the groups 'head' and 'torso'; one is allowed",
    ),
    ({'pivots': (('torso', 'eye'),)}, r"no group 'torso'; use one of head, left_arm"),
    ({'pivots': (('head', 'c9'),)}, r"the pivot of 'head' names 'c9'"),
    ({'limbs': (('c1', 'c1'),)}, r'limb \(c1, c1\) joins a joint to itself'),
  ],
)
def test_contradictions_in_what_is_given_are_refused(change, message):
  with pytest.raises(SkeletonError, match=message):
    dataclasses.replace(CRAB, **change)


def test_a_limb_without_a_partner_cannot_be_flipped():
  skeleton = Skeleton(
    'one_sided', ('neck', 'left_hip', 'right_hip'), (('neck', 'left_hip'),)
  )
  with pytest.raises(
    SkeletonError, match=r"limb \(neck, left_hip\) has no partner \('"
  ):
    _ = skeleton.part_flip
