"""The network that weighs joints: one encoder for all, weights from 0 to 1."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ddnet_jax.joints import JointEncoder, JointSelector


def test_selector_by_hand():
  selector = JointSelector(2)
  pooled = jnp.array([[[1.0], [3.0]]])  # Two joints of one channel; their mean is 2.
  params = {
    # relu([joint + mean, -joint])
    'reduction': {
      'kernel': jnp.array([[1.0, -1], [1, 0]]),
      'bias': jnp.array([0.0, 2]),
    },
    'weight': {'kernel': jnp.array([[1.0], [3]]), 'bias': jnp.array([-5.0])},
  }
  # Joint 1: relu([3, 1]) → 3 + 3 - 5 = 1. Joint 2: relu([5, -1]) → 5 - 5 = 0.
  found = selector.apply({'params': params}, pooled)
  np.testing.assert_allclose(found, [[1 / (1 + np.exp(-1)), 0.5]], rtol=1e-6)


def encoder(**fields):
  return JointEncoder(
    **{
      'joint_features': (4, 6),
      'joint_vector': 2,
      'selector_features': 3,
      'reasoning_features': (5, 7),
      'channel_dropout': 0.0,
      **fields,
    }
  )


@pytest.mark.parametrize('joints', [3, 5])
def test_the_encoder_of_a_joint_grows_only_by_its_inputs(joints):
  shapes = jax.eval_shape(
    functools.partial(encoder().init, train=False),
    jax.random.key(0),
    jnp.zeros((2, 8, joints, 2)),
    jnp.ones(2, bool),
  )['params']
  # Position, two motions, a distance to each joint, and the vector of 2.
  assert shapes['stem']['conv']['kernel'].shape == (1, 6 + joints + 2, 4)
  assert shapes['stage1_1']['conv']['kernel'].shape == (3, 4, 4)
  assert shapes['vectors'].shape == (joints, 2)
  assert shapes['reasoning1']['conv']['kernel'].shape == (1, 6 * joints, 5)


def test_without_the_selector_joints_have_no_weights():
  module = encoder(selector_features=0)
  positions = jnp.zeros((2, 8, 3, 2))
  (found, weights), variables = jax.eval_shape(
    functools.partial(module.init_with_output, train=False),
    jax.random.key(0),
    positions,
    jnp.ones(2, bool),
  )
  assert weights is None
  assert found.shape == (2, 2 * 7)
  assert 'joint_selector' not in variables['params']


def test_joints_with_weight_zero_are_not_read():
  module = encoder()
  positions = jnp.array(np.random.default_rng(0).normal(0, 1, (2, 8, 3, 2)), 'f4')
  apply = jax.jit(functools.partial(module.apply, train=False))
  variables = jax.jit(functools.partial(module.init, train=False))(
    jax.random.key(0), positions, jnp.ones(2, bool)
  )
  features, weights = apply(variables, positions, jnp.ones(2, bool))
  assert weights.shape == (2, 3)
  assert ((weights > 0) & (weights < 1)).all()
  assert jnp.any(features[0] != features[1])
  variables['params']['joint_selector']['weight']['bias'] = jnp.array([-1e4])
  features, weights = apply(variables, positions, jnp.ones(2, bool))
  np.testing.assert_array_equal(weights, np.zeros((2, 3)))
  np.testing.assert_array_equal(features[0], features[1])
