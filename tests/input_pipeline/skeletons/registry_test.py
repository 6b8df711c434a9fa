"""Registered skeletons against the data sets' own documentation, index by index."""

import pytest

from input_pipeline.errors import SkeletonError
from input_pipeline.skeletons.custom import islands_of
from input_pipeline.skeletons.registry import (
  ALIASES,
  SKELETONS,
  Skeleton,
  get_skeleton,
  register_skeleton,
)

# Limbs as (joint, joint), with the indices in each layout's documentation.
JHMDB_LIMBS = [
  *[(0, 2), (0, 1), (0, 3), (3, 7), (7, 11), (0, 4), (4, 8)],
  *[(8, 12), (1, 5), (5, 9), (9, 13), (1, 6), (6, 10), (10, 14)],
]


PENN_LIMBS = [
  *[(0, 1), (0, 2), (1, 2), (1, 3), (3, 5), (2, 4), (4, 6)],
  *[(1, 7), (2, 8), (7, 8), (7, 9), (9, 11), (8, 10), (10, 12)],
]


# COCO's person skeleton, without the limb between the eyes.
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


# OpenPose's limbs, in the joint order of JMRN's official code: COCO's, then the neck.
JMRN_OFFICIAL_LIMBS = [
  *[(17, 6), (17, 5), (6, 8), (8, 10), (5, 7), (7, 9), (17, 12), (12, 14), (14, 16)],
  *[(17, 11), (11, 13), (13, 15), (17, 0), (0, 2), (2, 4), (0, 1), (1, 3)],
]


# OpenPose's pairs for its MPI model (`POSE_MPI_PAIRS_RENDER_GPU`).
MPI_LIMBS = [
  *[(0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 14), (14, 8), (8, 9)],
  *[(9, 10), (14, 11), (11, 12), (12, 13)],
]


# MMPose's limbs, but with the shoulders joined to the thorax instead of the upper neck.
MPII_LIMBS = [
  *[(0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9)],
  *[(7, 12), (12, 11), (11, 10), (7, 13), (13, 14), (14, 15)],
]


# VideoPose3D's parents for joints 1 to 16.
HUMAN36M_PARENTS = [0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15]


HUMAN36M_LIMBS = list(enumerate(HUMAN36M_PARENTS, start=1))


# NTU RGB+D's bones with PYSKL's 1-based numbers, but with the thumb at the wrist.
NTU_LIMBS = [
  (a - 1, b - 1)
  for a, b in [
    *[(1, 2), (2, 21), (3, 21), (4, 3), (5, 21), (6, 5), (7, 6), (8, 7), (9, 21)],
    *[(10, 9), (11, 10), (12, 11), (13, 1), (14, 13), (15, 14), (16, 15), (17, 1)],
    *[(18, 17), (19, 18), (20, 19), (22, 8), (23, 7), (24, 12), (25, 11)],
  ]
]


# MediaPipe's POSE_CONNECTIONS, then our additions: nose to mouth, ears to shoulders.
MEDIAPIPE_LIMBS = [
  *[(0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10), (11, 12)],
  *[(11, 13), (13, 15), (15, 17), (15, 19), (15, 21), (17, 19), (12, 14), (14, 16)],
  *[(16, 18), (16, 20), (16, 22), (18, 20), (11, 23), (12, 24), (23, 24), (23, 25)],
  *[(24, 26), (25, 27), (26, 28), (27, 29), (28, 30), (29, 31), (30, 32), (27, 31)],
  *[(28, 32), (0, 9), (0, 10), (7, 11), (8, 12)],
]


# MMPose's limbs for PoseTrack, plus ours: nose to ears.
POSETRACK_LIMBS = [
  *[(15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7)],
  *[(6, 8), (7, 9), (8, 10), (0, 1), (0, 2), (1, 5), (1, 6), (0, 3), (0, 4)],
]


# MMPose's limbs for CrowdPose and AI Challenger, with the neck between the shoulders.
CROWDPOSE_LIMBS = [
  *[(10, 8), (8, 6), (11, 9), (9, 7), (6, 7), (0, 6), (1, 7), (0, 2), (1, 3), (2, 4)],
  *[(3, 5), (12, 13), (1, 13), (0, 13)],
]


AIC_LIMBS = [
  *[(2, 1), (1, 0), (0, 13), (13, 3), (3, 4), (4, 5), (8, 7), (7, 6), (6, 9), (9, 10)],
  *[(10, 11), (12, 13), (0, 6), (3, 9)],
]


@pytest.mark.parametrize(
  ('name', 'limbs'),
  [
    ('posetrack_18', POSETRACK_LIMBS),
    ('crowdpose_14', CROWDPOSE_LIMBS),
    ('aic_14', AIC_LIMBS),
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
def test_limbs_of_openpose_are_in_the_order_of_its_part_affinity_fields(name):
  limbs = SKELETONS[name].limbs
  assert len(limbs) == 19
  # The third, tenth and last channel pairs in the released COCO model.
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
      'posetrack_18',
      ((3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
    ),
    ('crowdpose_14', ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11))),
    ('aic_14', ((0, 3), (1, 4), (2, 5), (6, 9), (7, 10), (8, 11))),
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
    ('posetrack_18', 17),
    ('crowdpose_14', 14),
    ('aic_14', 14),
    ('coco_wholebody_133', 133),
    ('halpe_136', 136),
  ],
)
def test_number_of_joints(name, number):
  assert SKELETONS[name].num_joints == number


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_limbs_are_symmetric(skeleton):
  """A mirrored limb is a limb; otherwise part maps could not be flipped."""
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
    # Joints whose index in the documentation is easily misread.
    ('body_25b', {'left_eye': 1, 'upper_neck': 17, 'head_top': 18, 'left_heel': 21}),
    ('openpose_mpi', {'head_top': 0, 'right_shoulder': 2, 'chest': 14}),
    ('mpii_16', {'right_ankle': 0, 'thorax': 7, 'upper_neck': 8, 'left_wrist': 15}),
    ('human36m_17', {'right_hip': 1, 'thorax': 8, 'head_top': 10, 'left_shoulder': 11}),
    ('halpe_26', {'head_top': 17, 'neck': 18, 'mid_hip': 19, 'right_big_toe': 21}),
    ('ntu_25', {'neck': 2, 'left_hand': 7, 'spine_shoulder': 20, 'right_thumb': 24}),
    ('mediapipe_33', {'left_mouth': 9, 'left_pinky': 17, 'left_hip': 23}),
    ('posetrack_18', {'head_bottom': 1, 'head_top': 2, 'left_ear': 3}),
    ('crowdpose_14', {'left_shoulder': 0, 'right_ankle': 11, 'head_top': 12}),
    ('aic_14', {'right_shoulder': 0, 'left_wrist': 5, 'head_top': 12, 'neck': 13}),
  ],
)
def test_indices_of_joints(name, places):
  assert {joint: SKELETONS[name].joints.index(joint) for joint in places} == places


def test_the_25_joint_layouts_differ():
  assert SKELETONS['body_25b'].joints[:17] == SKELETONS['coco_17'].joints
  assert SKELETONS['body_25'].joints[:17] != SKELETONS['coco_17'].joints


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_limbs_connect_every_joint(skeleton):
  assert len(islands_of(skeleton)) == 1


def test_unknown_name_gives_the_nearest():
  with pytest.raises(SkeletonError, match=r"no skeleton 'body25'.*mean 'body_25'"):
    get_skeleton('body25')
  with pytest.raises(
    SkeletonError, match=r"no skeleton 'xyzzy'.*Registered: aic_14.*a file \*\.yaml"
  ):
    get_skeleton('xyzzy')


@pytest.mark.parametrize('alias', ALIASES)
def test_a_second_name_gives_the_same_layout(alias):
  assert get_skeleton(alias) == SKELETONS[ALIASES[alias]]
  assert alias not in SKELETONS


def test_second_names():
  assert get_skeleton('movenet_17').name == 'coco_17'
  assert get_skeleton('blazepose_33_and_others').name == 'mediapipe_33_and_others'
  with pytest.raises(
    SkeletonError, match=r"mean 'movenet_17'.*blazepose_33 \(the same"
  ):
    get_skeleton('movenet')
  with pytest.raises(SkeletonError, match=r"'movenet_17' with another layout"):
    register_skeleton(Skeleton('movenet_17', ('nose',), ()))
