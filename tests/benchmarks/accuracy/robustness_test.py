"""The disturbances of the robustness benchmark, by hand, and its table."""

import types

import numpy as np
import pytest

from benchmarks.accuracy import robustness
from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton

JOINTS = tuple(f'joint{n}' for n in range(10))
TEN_JOINTS = Skeleton('ten', joints=JOINTS, limbs=())


def make_clip(frames=5, *, scores=None, video_id='clip'):
  rng = np.random.default_rng(0)
  keypoints = rng.uniform(10, 90, (frames, 1, 10, 2))
  keypoints[:, :, 0, 1], keypoints[:, :, 1, 1] = (
    0,
    100,
  )  # The person is 100 pixels tall.
  scores = np.ones((frames, 1, 10)) if scores is None else scores
  return PoseClip(video_id, keypoints, scores, (120, 120), TEN_JOINTS, (1,))


def test_the_height_is_of_the_joints_that_are_present():
  scores = np.ones((3, 1, 10))
  scores[1] = 0
  assert robustness.person_height(make_clip(3, scores=scores)) == 100
  scores[:, :, 1:] = 0
  assert robustness.person_height(make_clip(3, scores=scores)) == 1


def test_dropped_joints_by_frame_and_throughout():
  rng, clip = np.random.default_rng(0), make_clip(400)
  assert 1 - (robustness.drop_joints(clip, rng).scores > 0).mean() == pytest.approx(
    0.3, abs=0.03
  )
  hidden = (robustness.drop_joints_throughout(clip, rng).scores == 0).all(axis=(0, 1))
  assert hidden.sum() == 3


def test_noise_is_a_share_of_the_height():
  clip = make_clip(400)
  noisy = robustness.add_noise(clip, np.random.default_rng(0))
  assert (noisy.keypoints - clip.keypoints).std() == pytest.approx(5, rel=0.03)


def test_halves():
  clip = make_clip(5)
  rng = np.random.default_rng(0)
  first, middle = robustness.first_half(clip, rng), robustness.middle_half(clip, rng)
  np.testing.assert_array_equal(first.keypoints, clip.keypoints[:3])
  np.testing.assert_array_equal(middle.keypoints, clip.keypoints[1:4])


def test_errors_of_a_pose_network_move_joints_in_heights_of_the_person():
  true = make_clip(4).keypoints[:, 0]
  scores = np.ones((4, 1, 10))
  scores[2, 0, 3] = 0
  estimated = make_clip(4, scores=scores)
  shifted = estimated.keypoints + np.array([10, -20])
  estimated = PoseClip('e', shifted, scores, (120, 120), TEN_JOINTS)
  errors = robustness.pose_errors(estimated, true, JOINTS)
  np.testing.assert_allclose(
    errors.offsets[0], np.tile([0.1, -0.2], (10, 1)), atol=1e-6
  )
  assert not errors.found[2, 3]
  clip = make_clip(7)
  moved = robustness.with_pose_errors(errors)(clip, np.random.default_rng(0))
  seen = moved.scores > 0
  np.testing.assert_allclose(
    (moved.keypoints - clip.keypoints)[seen],
    np.tile([10, -20], (seen.sum(), 1)),
    atol=1e-4,
  )
  assert (~seen).sum() in (1, 2)


def test_a_joint_that_the_network_lacks_errs_like_its_others():
  true = make_clip(2).keypoints[:, 0, :2]
  estimated = make_clip(2)
  errors = robustness.pose_errors(estimated, true, ('joint0', 'belly'))
  assert errors.found.all()
  with pytest.raises(ValueError, match='no joint of belly is among'):
    robustness.pose_errors(estimated, true[:, :1], ('belly',))
  with pytest.raises(ValueError, match='have 2 frames, but the true positions 1'):
    robustness.pose_errors(estimated, true[:1], ('joint0', 'joint1'))


def test_all_models_see_the_same_clips():
  seen = []

  class Model:
    def predict(self, clips, batch_size):
      seen.append([clip.keypoints for clip in clips])
      return [types.SimpleNamespace(probabilities=np.array([0.2, 0.8])) for _ in clips]

  clips = [make_clip(video_id='a'), make_clip(video_id='b')]
  noise = {'noise': robustness.add_noise}
  first, second = (robustness.accuracies(Model(), clips, noise) for _ in range(2))
  assert first == second == {'noise': 1.0}
  np.testing.assert_array_equal(seen[0], seen[1])
  assert not np.array_equal(seen[0][0], seen[0][1])
  assert robustness.table({'W': first}).split() == [
    'accuracy,',
    '%',
    'W',
    'noise',
    '100.0',
  ]
