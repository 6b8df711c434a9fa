import numpy as np
import pytest

from input_pipeline.catalog.stick_actions import motions as stick_motions
from input_pipeline.catalog.stick_actions.figure import (
  PARAMETERS,
  SKELETON,
  Body,
  Camera,
  joint_positions,
  mirror,
  posture,
  turn,
)

BODY = Body(
  spine=0.3,
  head=0.1,
  shoulder_width=0.12,
  hip_width=0.06,
  upper_arm=0.2,
  forearm=0.15,
  thigh=0.25,
  shin=0.24,
)
HIP_HEIGHT = 0.039 + 0.25 + 0.24


def _joints(**parameters: float) -> dict[str, np.ndarray]:
  """The joints in one frame by name."""
  positions = joint_positions(posture(parameters)[None], BODY)
  assert positions.shape == (1, 15, 3)
  return dict(zip(SKELETON.joints, positions[0], strict=True))


def test_stands_upright_with_arms_hanging():
  joints = _joints()
  np.testing.assert_allclose(joints['neck'], [0, 0, HIP_HEIGHT + 0.3], atol=1e-12)
  np.testing.assert_allclose(joints['left_hip'], [0, 0.06, HIP_HEIGHT], atol=1e-12)
  np.testing.assert_allclose(joints['right_knee'], [0, -0.06, 0.279], atol=1e-12)
  np.testing.assert_allclose(joints['left_ankle'], [0, 0.06, 0.039], atol=1e-12)
  np.testing.assert_allclose(
    joints['right_wrist'], [0, -0.12, HIP_HEIGHT + 0.3 - 0.35], atol=1e-12
  )
  assert joints['face'][0] > 0  # The face is on the front of the head,
  assert joints['face'][2] > joints['neck'][2]  # above the neck.


@pytest.mark.parametrize(
  ('parameters', 'start', 'end', 'direction'),
  [
    ({'left_shoulder_flexion': 90}, 'left_shoulder', 'left_elbow', (1, 0, 0)),
    ({'left_shoulder_flexion': 180}, 'left_shoulder', 'left_wrist', (0, 0, 1)),
    ({'left_shoulder_abduction': 90}, 'left_shoulder', 'left_wrist', (0, 1, 0)),
    ({'right_shoulder_abduction': 90}, 'right_shoulder', 'right_wrist', (0, -1, 0)),
    ({'right_elbow': 90}, 'right_elbow', 'right_wrist', (1, 0, 0)),
    (
      {'right_elbow': 90, 'right_shoulder_inward': 90},
      'right_elbow',
      'right_wrist',
      (0, 1, 0),
    ),
    (
      {'left_elbow': 90, 'left_shoulder_inward': 90},
      'left_elbow',
      'left_wrist',
      (0, -1, 0),
    ),
    ({'left_hip_flexion': 90}, 'left_hip', 'left_knee', (1, 0, 0)),
    ({'right_hip_abduction': 90}, 'right_hip', 'right_ankle', (0, -1, 0)),
    ({'right_knee': 90}, 'right_knee', 'right_ankle', (-1, 0, 0)),
    ({'lean': 90}, 'belly', 'neck', (1, 0, 0)),
    ({'side_bend': 90}, 'belly', 'neck', (0, 1, 0)),
    ({'twist': 90}, 'neck', 'left_shoulder', (-1, 0, 0)),
  ],
)
def test_each_angle_turns_its_segment_the_anatomical_way(
  parameters, start, end, direction
):
  joints = _joints(**parameters)
  segment = joints[end] - joints[start]
  np.testing.assert_allclose(
    segment / np.linalg.norm(segment), direction, rtol=0, atol=1e-12
  )


def test_sitting_keeps_the_feet_and_moves_the_hips_back_and_down():
  share = np.linspace(0, 1, 20)[:, None]
  joints = joint_positions(share * posture({'hip_flexion': 90, 'knee': 90}), BODY)
  left_ankle = joints[:, SKELETON.joints.index('left_ankle')]
  np.testing.assert_allclose(left_ankle, np.tile([0, 0.06, 0.039], (20, 1)), atol=1e-12)
  left_hip = joints[:, SKELETON.joints.index('left_hip')]
  np.testing.assert_allclose(left_hip[-1], [-0.25, 0.06, 0.039 + 0.24], atol=1e-12)


def test_the_standing_foot_stays_while_the_other_swings():
  swing = np.linspace(0, 50, 20)[:, None] * posture({'right_hip_flexion': 1})
  swing += posture({'right_knee': 90})
  joints = joint_positions(swing, BODY)
  standing = joints[:, SKELETON.joints.index('left_ankle')]
  assert np.ptp(standing, axis=0).max() < 0.001
  assert np.ptp(joints[:, SKELETON.joints.index('right_ankle'), 0]) > 0.25


def test_lift_raises_every_joint():
  raised = joint_positions(posture({'lift': 0.2})[None], BODY)
  np.testing.assert_allclose(
    raised - joint_positions(posture({})[None], BODY),
    np.broadcast_to([0, 0, 0.2], (1, 15, 3)),
    atol=1e-12,
  )


@pytest.mark.parametrize('action', stick_motions.MOTIONS)
def test_limb_lengths_are_constant_over_time(action):
  postures = stick_motions.perform(action, 40, np.random.default_rng(1))
  joints = joint_positions(postures, BODY)
  # The segment belly-hip is not rigid, because the torso leans over the hips.
  bones = [limb for limb in SKELETON.limbs if limb[0] != 'belly']
  assert len(bones) == 12
  for start, end in bones:
    segment = joints[:, SKELETON.joints.index(end)]
    segment = segment - joints[:, SKELETON.joints.index(start)]
    length = np.linalg.norm(segment, axis=-1)
    np.testing.assert_allclose(length, length[0], rtol=1e-9, err_msg=f'{start}-{end}')


def test_mirror_is_the_reflected_figure():
  postures = stick_motions.perform('throw', 30, np.random.default_rng(0))
  reflected = joint_positions(postures, BODY)[:, list(SKELETON.flip_permutation)]
  reflected = reflected * [1, -1, 1]
  np.testing.assert_allclose(
    joint_positions(mirror(postures), BODY), reflected, atol=1e-12
  )
  np.testing.assert_array_equal(mirror(mirror(postures)), postures)


def test_posture_sets_one_side_or_both():
  assert posture({'elbow': 30}).sum() == 60
  right = posture({'right_elbow': 30})
  assert right[PARAMETERS.index('right_elbow')] == 30
  assert right.sum() == 30


def test_posture_refuses_an_unknown_name():
  with pytest.raises(ValueError, match=r"'right_elbo'.*lean.*elbow"):
    posture({'right_elbo': 30})


def test_scaled_body_scales_each_length_by_its_factor():
  body = BODY.scaled(np.array([1, 1, 1, 1, 2, 1, 1, 0.5]))
  assert (body.upper_arm, body.shin, body.spine) == (0.4, 0.12, 0.3)


def test_turn_is_counter_clockwise_from_above():
  forward, left = np.eye(3)[:2]
  np.testing.assert_allclose(turn(forward, 90.0), left, atol=1e-12)
  np.testing.assert_allclose(turn(left, 90.0), -forward, atol=1e-12)


@pytest.mark.parametrize(
  ('pitch', 'point', 'pixel'),
  [
    (0, (0, 0, 0.5), (159.5, 119.5)),  # the target
    (0, (0, 0, 1.0), (159.5, 59.5)),  # half a stature is 60 pixels; up is smaller y
    (0, (0.5, 0, 0.5), (219.5, 119.5)),
    (0, (0.5, -2, 0.5), (279.5, 119.5)),  # at half the distance, twice as far out
    (90, (0, 1, 0.5), (159.5, -0.5)),  # seen from above, Y points up in the image
    (90, (0, 0, 2.5), (159.5, 119.5)),
    (90, (0.5, 0, 2.5), (279.5, 119.5)),  # higher is closer to the camera
  ],
)
def test_camera_projects_to_pixels(pitch, point, pixel):
  camera = Camera(
    (240, 320), target=(0, 0, 0.5), distance=4, figure_height=0.5, pitch=pitch
  )
  np.testing.assert_allclose(camera.project(np.array(point)), pixel, atol=1e-9)
