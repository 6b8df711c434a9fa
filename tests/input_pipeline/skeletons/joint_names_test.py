"""Other tools' joint names: spellings, order, subsets, and what must stay apart."""

import itertools

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.skeletons.joint_names import (
  arrange,
  is_prefix_of,
  skeletons_named,
)
from input_pipeline.skeletons.registry import BUILT_IN, SKELETONS, Skeleton

COCO = SKELETONS['coco_17']
H36M_OF_MMPOSE = (
  *('root', 'right_hip', 'right_knee', 'right_foot', 'left_hip', 'left_knee'),
  *('left_foot', 'spine', 'thorax', 'neck_base', 'head', 'left_shoulder'),
  *('left_elbow', 'left_wrist', 'right_shoulder', 'right_elbow', 'right_wrist'),
)
H36M_OF_VIDEOPOSE = (
  *('Hip', 'RHip', 'RKnee', 'RFoot', 'LHip', 'LKnee', 'LFoot', 'Spine', 'Thorax'),
  *('Neck/Nose', 'Head', 'LShoulder', 'LElbow', 'LWrist', 'RShoulder', 'RElbow'),
  'RWrist',
)
KINECT = (
  *('SpineBase', 'SpineMid', 'Neck', 'Head', 'ShoulderLeft', 'ElbowLeft'),
  *('WristLeft', 'HandLeft', 'ShoulderRight', 'ElbowRight', 'WristRight'),
  *('HandRight', 'HipLeft', 'KneeLeft', 'AnkleLeft', 'FootLeft', 'HipRight'),
  *('KneeRight', 'AnkleRight', 'FootRight', 'SpineShoulder', 'HandTipLeft'),
  *('ThumbLeft', 'HandTipRight', 'ThumbRight'),
)
BODY_25_OF_OPENPOSE = (
  *('Nose', 'Neck', 'RShoulder', 'RElbow', 'RWrist', 'LShoulder', 'LElbow', 'LWrist'),
  *('MidHip', 'RHip', 'RKnee', 'RAnkle', 'LHip', 'LKnee', 'LAnkle', 'REye', 'LEye'),
  *('REar', 'LEar', 'LBigToe', 'LSmallToe', 'LHeel', 'RBigToe', 'RSmallToe', 'RHeel'),
)


POSETRACK = ('nose', 'head_bottom', 'head_top', *COCO.joints[3:])
HAND = tuple(
  f'{finger}{i}'
  for finger in ('thumb', 'forefinger', 'middle_finger', 'ring_finger', 'pinky_finger')
  for i in (1, 2, 3, 4)
)
FACE = tuple(f'face-{i}' for i in range(68))
WHOLE_BODY_OF_MMPOSE = (
  *COCO.joints,
  *('left_big_toe', 'left_small_toe', 'left_heel'),
  *('right_big_toe', 'right_small_toe', 'right_heel'),
  *FACE,
  *('left_hand_root', *(f'left_{joint}' for joint in HAND)),
  *('right_hand_root', *(f'right_{joint}' for joint in HAND)),
)
# Both wrists are there twice: once in the body, once in the hand.
HALPE_OF_MMPOSE = (
  *(*COCO.joints, 'head', 'neck', 'hip', 'left_big_toe', 'right_big_toe'),
  *('left_small_toe', 'right_small_toe', 'left_heel', 'right_heel', *FACE),
  *('left_wrist', *(f'left_{joint}' for joint in HAND)),
  *('right_wrist', *(f'right_{joint}' for joint in HAND)),
)


def columns(names, skeleton, **options):
  options = {'trust_order': False, 'where': 'a.json'} | options
  return arrange(names, skeleton, **options).columns.tolist()


@pytest.mark.parametrize('skeleton', BUILT_IN, ids=[s.name for s in BUILT_IN])
def test_a_permutation_is_undone(skeleton):
  places = np.random.default_rng(3).permutation(skeleton.num_joints)
  names = [skeleton.joints[place].upper() for place in places]
  arrangement = arrange(names, skeleton, trust_order=False, where='a.csv')
  assert [names[c].lower() for c in arrangement.columns] == list(skeleton.joints)
  (note,) = arrangement.notes
  assert note.kind == 'joint_order'
  assert skeleton.name in skeletons_named(names)


@pytest.mark.parametrize(
  ('names', 'skeleton'),
  [
    (H36M_OF_MMPOSE, 'human36m_17'),
    (POSETRACK, 'posetrack_18'),
    (WHOLE_BODY_OF_MMPOSE, 'coco_wholebody_133'),
    (HALPE_OF_MMPOSE, 'halpe_136'),
    (H36M_OF_VIDEOPOSE, 'human36m_17'),
    (KINECT, 'ntu_25'),
    (BODY_25_OF_OPENPOSE, 'body_25'),
    # MMPose's JHMDB and Halpe.
    (('neck', 'belly', 'head', *SKELETONS['jhmdb'].joints[3:]), 'jhmdb'),
    ((*COCO.joints, 'head', 'neck', 'hip'), None),
    (
      (*COCO.joints, 'head', 'neck', 'hip', *SKELETONS['halpe_26'].joints[20:]),
      'halpe_26',
    ),
  ],
)
def test_published_names_fit_one_skeleton(names, skeleton):
  assert skeletons_named(names) == ((skeleton,) if skeleton else ())
  if skeleton:
    assert columns(names, SKELETONS[skeleton]) == list(range(len(names)))


def test_the_same_joints_in_another_order_fit_two_skeletons():
  for top in ('top_head', 'head', 'head_top'):
    names = (*COCO.joints[5:], top, 'neck')
    assert skeletons_named(names) == ('crowdpose_14', 'aic_14')
    with pytest.raises(PoseDataError, match=r'fit --skeleton=crowdpose_14$'):
      columns(names, COCO)
  assert skeletons_named(SKELETONS['aic_14'].joints) == ('aic_14', 'crowdpose_14')
  with pytest.raises(PoseDataError, match=r'=crowdpose_14 or aic_14$'):
    columns(names[::-1], COCO)
  right_arm = [1, 3, 5]
  assert columns(SKELETONS['crowdpose_14'].joints, SKELETONS['aic_14'])[:3] == right_arm


def test_a_body_is_taken_from_a_whole_body():
  for names in (WHOLE_BODY_OF_MMPOSE, HALPE_OF_MMPOSE):
    assert columns(names, COCO) == list(range(17))
  assert columns(HALPE_OF_MMPOSE, SKELETONS['halpe_26']) == list(range(26))


def test_posetrack_is_not_coco():
  with pytest.raises(PoseDataError) as error:
    columns(POSETRACK, COCO)
  assert str(error.value) == (
    "a.json: joint 1 is 'head_bottom', but joint 1 of skeleton 'coco_17' is 'left_eye';"
    ' the file does not name left_eye, right_eye. The names fit'
    ' --skeleton=posetrack_18. If only the names are wrong and the joints are in the'
    " order of 'coco_17', use --trust_order"
  )


def test_the_same_order_comes_first():
  openpose = SKELETONS['openpose_18'].joints
  names = ('openpose_18', 'jmrn_official')
  backgrounds = tuple(f'{name}_background' for name in names)
  assert skeletons_named(openpose) == (
    *(names[0], backgrounds[0]),
    *(names[1], backgrounds[1]),
  )
  assert skeletons_named(SKELETONS['jmrn_official'].joints)[0] == 'jmrn_official'
  assert skeletons_named(('nose', 'tail')) == ()


def test_another_order_is_taken_by_name():
  names = [*COCO.joints[:5], *COCO.joints[:4:-1]]
  arrangement = arrange(names, COCO, trust_order=False, where='lap.json: keypoints')
  assert arrangement.columns.tolist() == [0, 1, 2, 3, 4, *range(16, 4, -1)]
  (note,) = arrangement.notes
  assert note.message == (
    "lap.json: keypoints has the joints of 'coco_17' in another order (joint 5 is"
    " 'right_ankle', not 'left_shoulder'); they are taken by name. If the names are"
    ' wrong, use --trust_order'
  )


def test_further_joints_are_left_out():
  names = SKELETONS['halpe_26'].joints
  arrangement = arrange(names, COCO, trust_order=False, where='a.json')
  assert arrangement.columns.tolist() == list(range(17))
  (note,) = arrangement.notes
  assert note.kind == 'joints_left_out'
  assert note.message == (
    "a.json names 26 joints; the 17 of 'coco_17' are taken by name, and 9 are left out:"
    ' head_top, neck, mid_hip, left_big_toe and 5 more. To read all, use'
    ' --skeleton=halpe_26'
  )
  assert columns(['tail', *COCO.joints[::-1]], COCO) == list(range(17, 0, -1))


def test_other_joints_are_refused():
  with pytest.raises(PoseDataError) as error:
    columns(H36M_OF_MMPOSE, COCO)
  assert str(error.value) == (
    "a.json: joint 0 is 'root', but joint 0 of skeleton 'coco_17' is 'nose'; the file"
    ' does not name nose, left_eye, right_eye, left_ear and 3 more. The names fit'
    ' --skeleton=human36m_17. If only the names are wrong and the joints are in the'
    " order of 'coco_17', use --trust_order"
  )
  with pytest.raises(
    PoseDataError,
    match=r"joint 15 is 'tail', .*is 'left_ankle'; the file does not name",
  ) as error:
    columns([*COCO.joints[:15], 'tail', 'tip', 'ear'], COCO)
  assert 'fit' not in str(error.value)
  assert 'trust_order' not in str(error.value)
  with pytest.raises(PoseDataError, match=r"joint 15 does not exist, .* 'left_ankle';"):
    columns(COCO.joints[:15], COCO)
  # A layout that is contained in the names is named where no other fits.
  with pytest.raises(PoseDataError, match=r'fit --skeleton=coco_17$'):
    columns([*COCO.joints, 'tail'], SKELETONS['mpii_16'])


def test_the_order_can_be_trusted():
  arrangement = arrange(H36M_OF_MMPOSE, COCO, trust_order=True, where='a.json')
  assert arrangement.columns.tolist() == list(range(17))
  assert [note.kind for note in arrangement.notes] == ['joint_names_ignored']
  assert arrange(COCO.joints, COCO, trust_order=True, where='a.json').notes == ()
  names = COCO.joints[::-1]
  assert columns(names, COCO, trust_order=True) == list(range(17))
  with pytest.raises(PoseDataError, match=r'names 15 joints, but .* has 17; --trust'):
    columns(COCO.joints[:15], COCO, trust_order=True)


def test_a_name_for_two_joints_is_refused():
  names = [*COCO.joints, 'nose']
  with pytest.raises(
    PoseDataError, match=r"a\.json names two joints 'nose'; give each"
  ):
    columns(names, COCO)


def test_a_midpoint_of_the_hips_has_several_names():
  joints = ('neck', 'mid_hip', 'left_hip', 'right_hip')
  skeleton = Skeleton('trunk', joints, ())
  for name in ('root', 'pelvis', 'SpineBase', 'Hip', 'MidHip'):
    assert columns(('neck', name, 'LHip', 'RHip'), skeleton) == [0, 1, 2, 3]
  # The exact name counts first.
  assert columns(('pelvis', 'mid_hip', 'neck', *joints[2:]), skeleton) == [2, 1, 3, 4]


@pytest.mark.parametrize(
  ('theirs', 'ours'),
  list(itertools.permutations(('nose', 'neck', 'thorax', 'head_bottom', 'chin'), 2)),
)
def test_different_points_stay_apart(theirs, ours):
  joints = tuple(dict.fromkeys(('left_eye', 'right_eye', ours)))
  skeleton = Skeleton('points', joints, ())
  names = [theirs if joint == ours else joint for joint in joints]
  with pytest.raises(PoseDataError, match=f'not name {ours}'):
    columns(names, skeleton)


def test_the_top_of_the_head_is_no_head():
  """A lone `head` may be the top, as in Halpe; `head_top` is never the middle."""
  penn = SKELETONS['penn_action']
  with pytest.raises(PoseDataError, match='not name head'):
    columns(['head_top', *penn.joints[1:]], penn)
  both = Skeleton('both', ('head', 'head_top'), ())
  assert columns(('head_top', 'head'), both) == [1, 0]


def test_names_that_differ_only_in_case_stay_apart():
  skeleton = Skeleton('twins', ('eye', 'Eye', 'EYE'), ())
  assert columns(('EYE', 'eye', 'Eye'), skeleton) == [1, 2, 0]


@pytest.mark.parametrize(
  ('skeleton', 'number', 'whole'),
  [
    ('coco_17', 26, 'halpe_26'),
    ('coco_17', 133, 'coco_wholebody_133'),
    ('coco_17', 136, 'halpe_136'),
    ('halpe_26', 136, 'halpe_136'),
    ('halpe_26', 133, None),
    ('posetrack_18', 133, None),
    ('coco_17', 17, None),
    ('coco_17', 16, None),
    # BODY_25 and NTU have 25 joints too, and begin with others.
    ('coco_17', 25, None),
    ('coco_17', 18, None),
    ('mpii_16', 26, None),
  ],
)
def test_first_joints_of_a_larger_skeleton(skeleton, number, whole):
  assert is_prefix_of(SKELETONS[skeleton], number) == whole
