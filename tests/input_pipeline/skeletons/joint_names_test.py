"""Other tools' joint names: spellings, order, subsets, and what must stay apart."""

import itertools

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.skeletons.joint_names import (
  arrange,
  is_prefix_of,
  plain,
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


def columns(names, skeleton, **options):
  options = {'trust_order': False, 'where': 'a.json'} | options
  return arrange(names, skeleton, **options).columns.tolist()


@pytest.mark.parametrize(
  ('written', 'joint'),
  [
    *((name, 'left_ankle') for name in ('Left-ankle', 'LEFT_ANKLE', 'ankle.L')),
    *((name, 'left_ankle') for name in ('ankle_l', 'L ankle', 'lAnkle', 'AnkleLeft')),
    *((name, 'left_ankle') for name in ('LAnkle', 'lankle', 'leftankle', 'L_Ank')),
    *((name, 'right_eye') for name in ('eyeR', 'eye.R', 'RIGHT EYE', 'reye', 'REye')),
    *((name, 'left_mouth') for name in ('mouth_left', 'MOUTH_LEFT', 'left_mouth')),
    *((name, 'pelvis') for name in ('root', 'Hip', 'hip center', 'HipCentre')),
    *((name, 'mid_hip') for name in ('MidHip', 'mid-hip', 'middle_hip')),
    *((name, 'head_top') for name in ('top_head', 'headtop', 'Top of the head')),
    *((name, 'left_small_toe') for name in ('LSmallToe', 'left_pinky_toe')),
    *((name, 'right_big_toe') for name in ('bigtoe_right', 'R.Big.Toe', 'rbigtoe')),
    *((name, 'right_hand_tip') for name in ('HandTipRight', 'tip of the right hand')),
    *((name, 'spine_base') for name in ('SpineBase', 'base of the spine')),
    *((name, 'left_eye_inner') for name in ('left inner eye', 'LEFT_EYE_INNER')),
    # Words of no built-in layout stay, so that custom skeletons have names too.
    *((name, 'left_fore_paw') for name in ('leftForePaw', 'fore-paw L', 'L_fore_paw')),
    *((name, 'left_paw') for name in ('leftpaw', 'Paw.L')),
    *(('tail_base', 'tail_base'), ('TailBase', 'tail_base'), ('l1', 'l1'), ('L', 'l')),
    *(('heel', 'heel'), ('right', 'right'), ('--', '--'), ('左肩', '左肩')),
  ],
)
def test_spellings(written, joint):
  assert plain(written) == joint
  assert plain(joint) == joint


@pytest.mark.parametrize('skeleton', BUILT_IN, ids=[s.name for s in BUILT_IN])
def test_registered_names_are_plain(skeleton):
  """So no two joints of a layout are ever taken for one another."""
  assert tuple(map(plain, skeleton.joints)) == skeleton.joints


def swapped_side(joint):
  side, _, part = joint.partition('_')
  return f'{part}_{side}' if side in ('left', 'right') else joint


def initial(joint):
  side, _, part = joint.partition('_')
  return f'{side[0]}_{part}' if side in ('left', 'right') else joint


@pytest.mark.parametrize(
  'spelling',
  [
    str.upper,
    str.title,
    lambda joint: joint.replace('_', '-'),
    lambda joint: joint.replace('_', ' '),
    lambda joint: joint.title().replace('_', ''),
    lambda joint: swapped_side(joint).title().replace('_', '.'),
    lambda joint: initial(joint).title().replace('_', ''),
    lambda joint: initial(joint).upper(),
    lambda joint: initial(joint).replace('_', ''),
    lambda joint: joint.replace('_', ''),
  ],
)
@pytest.mark.parametrize('skeleton', BUILT_IN, ids=[s.name for s in BUILT_IN])
def test_every_spelling_of_every_layout(skeleton, spelling):
  assert tuple(plain(spelling(joint)) for joint in skeleton.joints) == skeleton.joints
  written = [spelling(joint) for joint in skeleton.joints]
  arrangement = arrange(written, skeleton, trust_order=False, where='a.csv')
  assert arrangement.columns.tolist() == list(range(skeleton.num_joints))
  assert arrangement.notes == ()


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
