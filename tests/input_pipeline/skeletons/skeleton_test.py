"""Properties that follow from joint names, overrides, and what a Skeleton refuses."""

import dataclasses
import json

import pytest

from input_pipeline.errors import SkeletonError
from input_pipeline.skeletons.registry import SKELETONS
from input_pipeline.skeletons.skeleton import Skeleton


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_flipping_twice_changes_nothing(skeleton):
  permutation = skeleton.map_flip_permutation
  assert [permutation[i] for i in permutation] == list(range(skeleton.num_maps))


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
  # The official code's own indices, except for the neck: 18 there, with background 17.
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
    # Without a neck, the head's own first joint: the nose, or the only head joint.
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
def test_survives_json(skeleton):
  assert Skeleton.from_dict(json.loads(json.dumps(skeleton.to_dict()))) == skeleton


def test_contradictions_are_refused():
  good = Skeleton('s', ('left_eye', 'right_eye'), (('left_eye', 'right_eye'),))
  with pytest.raises(SkeletonError, match=r'names repeat: left_eye;'):
    dataclasses.replace(good, joints=('left_eye', 'right_eye', 'left_eye'))
  with pytest.raises(SkeletonError, match=r"names 'nose', which is not one"):
    dataclasses.replace(good, limbs=(('left_eye', 'nose'),))
  with pytest.raises(SkeletonError, match=r"'left_ear' has no partner 'right_ear'"):
    dataclasses.replace(good, joints=('left_eye', 'right_eye', 'left_ear'))


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)
def test_mirroring_a_field_twice_changes_nothing(skeleton):
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
  # The hips change places: their vector is negated, then x is negated again. The third
  # limb is the second limb's partner, listed in the opposite direction.
  assert skeleton.part_flip == ((0, 1), (1, -1), (4, 1), (5, -1), (2, 1), (3, -1))


# A layout whose names do not give sides: claws 1 and 2 are on one side, 3 and 4 on the
# other.
CRAB = Skeleton(
  'crab',
  ('eye', 'c1', 'c2', 'c3', 'c4'),
  (('eye', 'c1'), ('c1', 'c2'), ('eye', 'c3'), ('c4', 'c3')),
  pairs=(('c1', 'c3'), ('c4', 'c2')),
  group_of=(('c1', 'left_arm'), ('c2', 'left_arm'), ('c4', 'right_arm')),
  pivots=(('left_arm', 'eye'),),
)


def test_pairs_groups_and_pivots_can_be_overridden():
  assert CRAB.flip_permutation == (0, 3, 4, 1, 2)
  assert CRAB.flip_pairs == ((1, 3), (2, 4))
  # The eye and c3 are in no group, so they belong to the torso, whatever their names.
  assert CRAB.groups == {'torso': (0, 3), 'left_arm': (1, 2), 'right_arm': (4,)}
  assert CRAB.group_pivots == {'left_arm': 0, 'right_arm': 4}
  # Limb 3 is the partner of limb 1, (c1, c2), in the opposite direction.
  assert CRAB.part_flip[2:4] == ((6, 1), (7, -1))


def test_sides_of_limbs():
  # c3 is in no group, so its limb to the eye has no side.
  assert CRAB.limb_sides == ('left', 'left', 'middle', 'right')
  penn = SKELETONS['penn_action']
  assert penn.limb_sides == ('middle', 'middle', *['right'] * 6, *['left'] * 6)


def test_overrides_survive_json():
  assert Skeleton.from_dict(json.loads(json.dumps(CRAB.to_dict()))) == CRAB


def test_dicts_from_older_data_sets_and_checkpoints_are_unchanged():
  written = {
    'name': 's',
    'joints': ['left_eye', 'right_eye'],
    'limbs': [['left_eye', 'right_eye']],
    'background': False,
  }
  skeleton = Skeleton.from_dict(written)
  assert skeleton.flip_pairs == ((0, 1),)
  assert json.loads(json.dumps(skeleton.to_dict())) == written


def test_names_without_sides():
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
def test_contradictions_in_overrides_are_refused(change, message):
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
