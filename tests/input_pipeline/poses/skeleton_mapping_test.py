"""Mapping between layouts, against positions worked by hand and a plain loop."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError, SkeletonError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.skeleton_mapping import (
  RULES,
  describe_mapping,
  map_clip,
  map_source,
  mapping_weights,
  missing_joints,
)
from input_pipeline.poses.sources import PoseSource, PotionSource
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

COCO, OPENPOSE, BODY_25 = (
  SKELETONS[name] for name in ('coco_17', 'openpose_18', 'body_25')
)


def random_clip(skeleton, *, frames=3, people=2, seed=0) -> PoseClip:
  """About 40 % of the joints are missing."""
  rng = np.random.default_rng(seed)
  shape = (frames, people, skeleton.num_joints)
  scores = rng.uniform(0.1, 1, shape) * (rng.random(shape) < 0.6)
  keypoints = rng.uniform(0, 100, (*shape, 2))
  return PoseClip('clip', keypoints, scores, (100, 100), skeleton, labels=(2,))


def of(clip: PoseClip, joint: str):
  """A joint's positions `[t, m, 2]` and scores `[t, m]`."""
  index = clip.skeleton.joints.index(joint)
  return clip.keypoints[:, :, index], clip.scores[:, :, index]


def test_the_neck_of_openpose_by_hand():
  keypoints = np.zeros((1, 1, 17, 2))
  scores = np.zeros((1, 1, 17))
  keypoints[0, 0, 5], scores[0, 0, 5] = (10, 20), 0.5  # left shoulder
  keypoints[0, 0, 6], scores[0, 0, 6] = (4, 22), 0.8  # right shoulder
  keypoints[0, 0, 0], scores[0, 0, 0] = (7, 9), 0.9  # nose
  mapped = map_clip(PoseClip('c', keypoints, scores, (50, 60), COCO, (3,)), OPENPOSE)
  assert mapped.skeleton == OPENPOSE
  assert (mapped.video_id, mapped.labels, mapped.frame_size) == ('c', (3,), (50, 60))
  seen = {
    joint: (*mapped.keypoints[0, 0, j].tolist(), float(mapped.scores[0, 0, j]))
    for j, joint in enumerate(OPENPOSE.joints)
    if mapped.scores[0, 0, j] > 0
  }
  assert seen == {
    'nose': (7, 9, pytest.approx(0.9)),
    'neck': (7, 21, pytest.approx(0.5)),
    'left_shoulder': (10, 20, pytest.approx(0.5)),
    'right_shoulder': (4, 22, pytest.approx(0.8)),
  }


def test_the_neck_is_missing_where_a_shoulder_is():
  keypoints = np.full((2, 1, 17, 2), 5.0)
  scores = np.ones((2, 1, 17))
  scores[1, 0, 6] = 0
  mapped = map_clip(PoseClip('c', keypoints, scores, (50, 60), COCO), OPENPOSE)
  position, score = of(mapped, 'neck')
  assert score.tolist() == [[1], [0]]
  assert position.tolist() == [[[5, 5]], [[0, 0]]]


@pytest.mark.parametrize(
  ('source', 'target'),
  [('body_25', 'coco_17'), ('halpe_26', 'coco_17'), ('mediapipe_33', 'coco_17')],
)
def test_joints_in_both_layouts_are_copied(source, target):
  clip = random_clip(SKELETONS[source])
  mapped = map_clip(clip, SKELETONS[target])
  for joint in SKELETONS[target].joints:
    for ours, theirs in zip(of(mapped, joint), of(clip, joint), strict=True):
      np.testing.assert_array_equal(ours, theirs)


def test_the_same_layout_changes_nothing():
  clip = random_clip(COCO)
  mapped = map_clip(clip, COCO)
  np.testing.assert_array_equal(mapped.keypoints, clip.keypoints)
  np.testing.assert_array_equal(mapped.scores, clip.scores)


def test_coco_to_jhmdb_against_a_loop():
  """Neck, belly and face for each frame and person, by a plain loop."""
  clip = random_clip(COCO, frames=20)
  mapped = map_clip(clip, SKELETONS['jhmdb'])
  index = COCO.joints.index
  shoulders, hips = [index('left_shoulder'), index('right_shoulder')], [11, 12]
  for t, m in np.ndindex(20, 2):
    parents = {'neck': shoulders, 'belly': shoulders + hips, 'face': [0]}
    for joint, of_these in parents.items():
      position, score = (x[t, m] for x in of(mapped, joint))
      assert score == min(clip.scores[t, m, j] for j in of_these)
      if score:
        x = sum(clip.keypoints[t, m, j, 0] for j in of_these) / len(of_these)
        y = sum(clip.keypoints[t, m, j, 1] for j in of_these) / len(of_these)
        np.testing.assert_allclose(position, (x, y), rtol=1e-6)
  assert (of(mapped, 'belly')[1] > 0).any()
  assert (of(mapped, 'belly')[1] == 0).any()


def test_joints_that_cannot_be_derived_are_named_and_missing_everywhere():
  penn = SKELETONS['penn_action']
  eyes_and_ears = ('left_eye', 'right_eye', 'left_ear', 'right_ear')
  assert missing_joints(penn, COCO) == eyes_and_ears
  mapped = map_clip(random_clip(penn), COCO)
  for joint in eyes_and_ears:
    assert not of(mapped, joint)[1].any()
  with pytest.raises(
    SkeletonError, match=r"'penn_action' cannot be mapped to 'coco_17': left_eye, right"
  ):
    map_clip(random_clip(penn), COCO, strict=True)


@pytest.mark.parametrize('whole', ['coco_wholebody_133', 'halpe_136'])
def test_a_whole_body_is_its_body_and_more(whole):
  bodies = ['coco_17', 'openpose_18', 'body_25', 'jhmdb', 'mediapipe_33']
  for body in [*bodies, *(['halpe_26'] if whole == 'halpe_136' else [])]:
    assert missing_joints(SKELETONS[whole], SKELETONS[body]) == ()
  np.testing.assert_array_equal(
    mapping_weights(SKELETONS[whole], COCO), np.eye(17, SKELETONS[whole].num_joints)
  )


def test_strict_accepts_a_complete_mapping():
  assert missing_joints(COCO, OPENPOSE) == ()
  map_clip(random_clip(COCO), OPENPOSE, strict=True)


def test_layouts_that_share_nothing_are_refused():
  hands = Skeleton('hands', ('palm', 'claw'), (('palm', 'claw'),))
  with pytest.raises(
    SkeletonError, match=r"'coco_17' cannot be mapped to 'hands': palm"
  ):
    map_clip(random_clip(COCO), hands)


@pytest.mark.parametrize(
  ('source', 'target', 'weights'),
  [
    # Copied by name, although the neck could be derived from the shoulders.
    ('ntu_25', ('openpose_18', 'neck'), {'neck': 1}),
    # spine_shoulder takes precedence over the shoulders.
    ('ntu_25', ('mpii_16', 'thorax'), {'spine_shoulder': 1}),
    ('mpii_16', ('body_25', 'neck'), {'thorax': 1}),
    ('ntu_25', ('body_25', 'mid_hip'), {'spine_base': 1}),
    ('mpii_16', ('ntu_25', 'spine_base'), {'pelvis': 1}),
    ('coco_17', ('mpii_16', 'pelvis'), {'left_hip': 0.5, 'right_hip': 0.5}),
    ('ntu_25', ('jhmdb', 'belly'), {'spine_mid': 1}),
    ('mpii_16', ('jhmdb', 'belly'), {'thorax': 0.5, 'pelvis': 0.5}),
    ('coco_17', ('ntu_25', 'head'), {'left_ear': 0.5, 'right_ear': 0.5}),
    ('jhmdb', ('penn_action', 'head'), {'face': 1}),
    ('openpose_mpi', ('jhmdb', 'face'), {'head_top': 0.5, 'neck': 0.5}),
    ('mediapipe_33', ('ntu_25', 'left_hand'), {'left_index': 0.5, 'left_pinky': 0.5}),
    ('mediapipe_33', ('body_25', 'right_big_toe'), {'right_foot_index': 1}),
    ('posetrack_18', ('coco_17', 'left_ear'), {'left_ear': 1}),
    ('posetrack_18', ('coco_17', 'left_eye'), {}),
    ('posetrack_18', ('mpii_16', 'upper_neck'), {'head_bottom': 1}),
    # Its ears are never annotated.
    ('posetrack_18', ('ntu_25', 'head'), {'head_bottom': 0.5, 'head_top': 0.5}),
    ('posetrack_18', ('jhmdb', 'face'), {'nose': 1}),
    ('crowdpose_14', ('coco_17', 'nose'), {'head_top': 0.5, 'neck': 0.5}),
    ('aic_14', ('crowdpose_14', 'head_top'), {'head_top': 1}),
    ('halpe_136', ('jhmdb', 'neck'), {'neck': 1}),
    ('coco_wholebody_133', ('body_25', 'left_heel'), {'left_heel': 1}),
    # face_48 is a corner of the mouth, on the person's right.
    ('coco_wholebody_133', ('mediapipe_33', 'right_mouth'), {'face_48': 1}),
    ('coco_wholebody_133', ('mediapipe_33', 'left_thumb'), {'left_thumb2': 1}),
    (
      'halpe_136',
      ('ntu_25', 'left_hand'),
      {'left_forefinger1': 0.5, 'left_pinky_finger1': 0.5},
    ),
    # Needs two approximate steps: the nose for the head, and the head for its top.
    ('coco_17', ('mpii_16', 'head_top'), {}),
  ],
)
def test_the_parents_of_a_joint(source, target, weights):
  layout, joint = target
  row = mapping_weights(SKELETONS[source], SKELETONS[layout])[
    SKELETONS[layout].joints.index(joint)
  ]
  made_of = {SKELETONS[source].joints[i]: float(row[i]) for i in row.nonzero()[0]}
  assert made_of == weights


@pytest.mark.parametrize('source', SKELETONS.values(), ids=SKELETONS)
def test_every_target(source):
  """Each row is a mean or 0, and mirroring before or after mapping is the same."""
  for target in SKELETONS.values():
    weights = mapping_weights(source, target)
    np.testing.assert_allclose(weights.sum(axis=1), weights.any(axis=1), rtol=1e-6)
    mirrored = weights[np.ix_(target.flip_permutation, source.flip_permutation)]
    np.testing.assert_array_equal(mirrored, weights)
    assert not set(missing_joints(source, target)) & set(source.joints)


def test_rules_name_joints_that_layouts_have():
  known = {joint for skeleton in SKELETONS.values() for joint in skeleton.joints}
  named = {p for rules in RULES.values() for rule in rules for p in rule.parents}
  assert named | set(RULES) <= known


def test_a_description_lists_derived_and_missing_joints():
  assert describe_mapping(BODY_25, COCO) == 'body_25 to coco_17: joint by joint'
  assert describe_mapping(SKELETONS['jhmdb'], COCO).splitlines() == [
    'jhmdb to coco_17:',
    '  nose: face (approximate: the middle of the face)',
    '  always missing: left_eye, right_eye, left_ear, right_ear',
  ]
  assert '  neck: the middle of left_shoulder and right_shoulder\n' in describe_mapping(
    COCO, SKELETONS['jhmdb']
  )


def source_of(clip: PoseClip, load=None) -> PoseSource:
  return PoseSource(
    skeleton=clip.skeleton,
    class_names=('run', 'jump'),
    splits={'train': ('clip',)},
    load=load or (lambda video_id: clip),
  )


def test_a_source_maps_when_it_loads():
  clip = random_clip(COCO)
  loaded = []

  def load(video_id):
    loaded.append(video_id)
    return clip

  mapped = map_source(source_of(clip, load), OPENPOSE)
  assert not loaded
  assert mapped.skeleton == OPENPOSE
  assert (mapped.class_names, mapped.splits) == (('run', 'jump'), {'train': ('clip',)})
  ours, theirs = mapped.load('clip'), map_clip(clip, OPENPOSE)
  np.testing.assert_array_equal(ours.keypoints, theirs.keypoints)
  np.testing.assert_array_equal(ours.scores, theirs.scores)
  assert loaded == ['clip']


def test_a_source_refuses_at_once():
  source = source_of(random_clip(SKELETONS['penn_action']))
  with pytest.raises(SkeletonError, match=r'left_eye, right_eye, left_ear, right_ear'):
    map_source(source, COCO, strict=True)
  maps = PotionSource(COCO, (), {}, load=lambda video_id: None, settings={})  # pyright: ignore
  with pytest.raises(
    PoseDataError, match=r"ready maps of the skeleton 'coco_17' cannot"
  ):
    map_source(maps, OPENPOSE)


def test_real_poses_of_jhmdb(shared_data):
  """The derived pelvis is between the hips; mapping back changes no shared joint."""
  source = read_poses(
    'pyskl', shared_data / 'jhmdb' / 'jhmdb_train1.pkl', skeleton='jhmdb'
  )
  clip = source.load(next(iter(source.splits.values()))[0])
  there = map_clip(clip, SKELETONS['ntu_25'])
  pelvis, score = of(there, 'spine_base')
  left, right = of(clip, 'left_hip')[0], of(clip, 'right_hip')[0]
  assert score.min() > 0
  np.testing.assert_allclose(pelvis, (left + right) / 2, rtol=1e-5)
  # And back: joints with the same name in both layouts are unchanged.
  back = map_clip(there, SKELETONS['jhmdb'])
  np.testing.assert_array_equal(back.keypoints, clip.keypoints)
