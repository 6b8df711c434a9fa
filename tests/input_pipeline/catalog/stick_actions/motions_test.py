import numpy as np
import pytest

from input_pipeline.catalog.stick_actions.figure import (
  HINGES,
  LIFT,
  PARAMETERS,
  SKELETON,
  Body,
  joint_positions,
)
from input_pipeline.catalog.stick_actions.motions import (
  MOTIONS,
  idle,
  perform,
  slow_noise,
)


def _perform(action: str, seed: int, num_frames: int = 40) -> np.ndarray:
  return perform(action, num_frames, np.random.default_rng(seed))


def _angle(postures: np.ndarray, name: str) -> np.ndarray:
  return postures[:, PARAMETERS.index(name)]


@pytest.mark.parametrize('action', MOTIONS)
def test_a_take_is_bounded_and_anatomical(action):
  for seed in range(20):
    postures = _perform(action, seed)
    assert postures.shape == (40, len(PARAMETERS))
    assert np.abs(postures).max() < 220
    assert postures[:, HINGES].min() >= 0
    assert postures[:, HINGES].max() <= 150


@pytest.mark.parametrize('action', ['sit', 'pick_up', 'push'])
def test_a_motion_with_a_reverse_is_not_its_own(action):
  for seed in range(5):
    postures = _perform(action, seed)
    assert np.abs(postures - postures[::-1]).max() > 40


def test_sitting_ends_with_bent_hips():
  for seed in range(10):
    hips = _angle(_perform('sit', seed), 'left_hip_flexion')
    assert hips[0] < 30 < 50 < hips[-1]


@pytest.mark.parametrize('action', MOTIONS)
def test_only_a_jump_leaves_the_ground(action):
  lift = _perform(action, 0, num_frames=60)[:, LIFT]
  if action == 'jump':
    assert lift.max() > 0.15
  else:
    np.testing.assert_array_equal(lift, 0)


def test_walking_moves_forward():
  neck = SKELETON.joints.index('neck')
  for seed in range(10):
    x = joint_positions(_perform('walk', seed), Body())[:, neck, 0]
    assert x[-1] - x[0] > 0.4


def test_waves_use_either_hand():
  raised = {'left': 0, 'right': 0}
  for seed in range(60):
    postures = _perform('wave', seed)
    for side in raised:
      raised[side] += _angle(postures, f'{side}_shoulder_abduction').max() > 70
  assert sum(raised.values()) == 60  # one hand each time
  assert min(raised.values()) > 15


def test_idle_moves_a_little():
  postures = idle(50, np.random.default_rng(0))
  spread = np.ptp(np.delete(postures, LIFT, axis=1), axis=0)
  assert 5 < spread.mean() < 35
  assert postures[:, LIFT].max() == 0


def test_slow_noise_is_standard_and_slow():
  noise = slow_noise(50, (30, 100), np.random.default_rng(0), waves=4)
  assert noise.shape == (50, 30, 100)
  assert abs(noise.mean()) < 0.03
  assert abs(noise.std() - 1) < 0.03
  # White noise changes by √2 deviations from frame to frame.
  assert np.diff(noise, axis=0).std() < 0.4
