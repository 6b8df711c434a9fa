"""Layouts with other people's joints: their properties, and splitting people."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.errors import SkeletonError
from input_pipeline.skeletons.other_people import (
  has_others,
  one_person,
  others_apart,
  with_others,
)
from input_pipeline.skeletons.registry import SKELETONS, Skeleton, get_skeleton

ARMS = Skeleton(
  'arms', ('nose', 'left_wrist', 'right_wrist'), (('nose', 'left_wrist'),)
)


def test_the_second_half_of_the_joints_belongs_to_others():
  both = with_others(ARMS)
  assert both.name == 'arms_and_others'
  assert both.joints == (
    *('nose', 'left_wrist', 'right_wrist'),
    *('other_nose', 'left_other_wrist', 'right_other_wrist'),
  )
  assert both.limb_indices == ((0, 1), (3, 4))
  assert both.flip_permutation == (0, 2, 1, 3, 5, 4)


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_adding_and_removing_others_gives_every_layout_back(skeleton):
  both = with_others(skeleton)
  joints = skeleton.num_joints
  assert both.num_joints == 2 * joints
  assert both.background == skeleton.background
  assert both.flip_permutation == (
    *skeleton.flip_permutation,
    *(joints + partner for partner in skeleton.flip_permutation),
  )
  assert (has_others(skeleton), has_others(both)) == (False, True)
  assert one_person(both) == one_person(skeleton) == skeleton
  assert Skeleton.from_dict(both.to_dict()) == both


@pytest.mark.parametrize('name', ['coco_17', 'openpose_18', 'jmrn_official'])
def test_others_move_with_the_whole_pose_and_not_limb_by_limb(name):
  own, both = get_skeleton(name), get_skeleton(f'{name}_and_others')
  others = tuple(range(own.num_joints, both.num_joints))
  assert both.groups == {**own.groups, 'torso': (*own.groups['torso'], *others)}
  assert both.group_pivots == own.group_pivots


def test_overridden_pairs_and_groups_are_kept():
  hands = Skeleton(
    'hands',
    ('l_hand', 'r_hand', 'top'),
    (),
    pairs=(('l_hand', 'r_hand'),),
    group_of=(('l_hand', 'left_arm'), ('top', 'head')),
  )
  both = with_others(hands)
  assert both.flip_permutation == (1, 0, 2, 4, 3, 5)
  assert both.groups == {'left_arm': (0,), 'torso': (1, 3, 4, 5), 'head': (2,)}
  assert one_person(both) == hands


def test_by_name():
  assert get_skeleton('coco_17_and_others') == with_others(SKELETONS['coco_17'])
  with pytest.raises(SkeletonError, match=r"no skeleton 'coco17'; .*mean 'coco_17'"):
    get_skeleton('coco17_and_others')


def people(*scores):
  """One frame with two joints; person p has x = 10 p and 10 p + 1, and p's score."""
  x = 10.0 * np.arange(len(scores))[:, None] + np.arange(2)
  keypoints = np.stack([x, x + 0.5], axis=-1)[None]
  return keypoints, np.repeat(np.array(scores, float)[None, :, None], 2, axis=2)


def test_the_person_stands_beside_the_most_confident_other():
  keypoints, scores = others_apart(*people(0.1, 0.3, 0.8, 0.5))
  assert scores.tolist() == [[[0.1, 0.1, 0.8, 0.8], [0, 0, 0.5, 0.5], [0, 0, 0.3, 0.3]]]
  assert keypoints[0, :, 2:, 0].tolist() == [[20, 21], [30, 31], [10, 11]]
  assert keypoints[0, 0, :2, 0].tolist() == [0, 1]


def test_keeping_the_most_confident_row_keeps_the_person():
  rng = np.random.default_rng(0)
  for _ in range(20):
    scores = rng.random((3, 6, 2))
    scores[:, 0] *= 0.01  # The person is hardly visible.
    _, apart = others_apart(np.zeros((3, 6, 2, 2)), scores)
    totals = apart.sum(axis=(0, 2))
    assert totals.argmax() == 0
    assert apart.sum() == pytest.approx(scores.sum())


def test_alone():
  keypoints, scores = others_apart(*people(0.4))
  assert keypoints.shape == (1, 1, 4, 2)
  assert scores.tolist() == [[[0.4, 0.4, 0, 0]]]


def test_an_ordinary_layout_has_no_others():
  assert not has_others(Skeleton('two', ('nose', 'neck'), ()))
  assert not has_others(
    dataclasses.replace(ARMS, joints=('other_nose', 'nose'), limbs=())
  )
