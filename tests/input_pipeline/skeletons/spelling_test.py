"""One spelling for each joint, whatever tool wrote its name."""

import pytest

from input_pipeline.skeletons.joint_names import arrange
from input_pipeline.skeletons.registry import BUILT_IN
from input_pipeline.skeletons.spelling import plain


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
