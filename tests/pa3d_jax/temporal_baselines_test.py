import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.temporal_baselines import TSNStyle

ACTION_CNN = ActionCNN(num_classes=3, features=(4,), dropout=0.0)
TSN = TSNStyle(ACTION_CNN)


@pytest.fixture(scope='module')
def maps():
  rng = np.random.default_rng(0)
  return jnp.array(rng.standard_normal((2, 5, 6, 7, 2)), jnp.float32)


@pytest.fixture(scope='module')
def variables(maps, random_variables):
  return random_variables(TSN, maps.shape)


@jax.jit
def logits_of(variables, maps):
  return TSN.apply(variables, maps, train=False)


def test_is_the_mean_of_the_action_cnn_over_frames(maps, variables):
  logits = logits_of(variables, maps)
  assert logits.shape == (2, 3)
  # Its variables are those of the action CNN, whatever the number of frames.
  of_frame = {name: tree['action_cnn'] for name, tree in variables.items()}
  by_frame = [
    ACTION_CNN.apply(of_frame, maps[:, frame], train=False) for frame in range(5)
  ]
  np.testing.assert_allclose(logits, np.mean(by_frame, axis=0), rtol=1e-5, atol=1e-6)
  assert np.ptp(by_frame, axis=0).max() > 0.01  # The frames do differ.


def test_is_blind_to_the_order_of_frames(maps, variables):
  logits = logits_of(variables, maps)
  for order in ([4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
    shuffled = logits_of(variables, maps[:, np.array(order)])
    np.testing.assert_allclose(shuffled, logits, rtol=1e-5, atol=1e-6)


def test_clips_are_not_mixed(maps, variables):
  alone = logits_of(variables, maps.at[0].set(0))
  np.testing.assert_allclose(alone[1], logits_of(variables, maps)[1], rtol=1e-5)


def test_training_normalises_over_clips_and_frames_together(maps, variables):
  _, changed = TSN.apply(variables, maps, train=True, mutable=['batch_stats'])
  frames = {name: tree['action_cnn'] for name, tree in variables.items()}
  _, expected = ACTION_CNN.apply(
    frames, maps.reshape(10, 6, 7, 2), train=True, mutable=['batch_stats']
  )
  jax.tree.map(
    functools.partial(np.testing.assert_allclose, rtol=1e-6),
    changed['batch_stats']['action_cnn'],
    expected['batch_stats'],
  )
