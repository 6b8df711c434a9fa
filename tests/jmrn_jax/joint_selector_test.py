"""The joint selector compared with numpy, and its noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax.joint_selector import JointSelector

JOINTS, CHANNELS = 3, 4


def random_array(*shape, seed=0):
  return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.fixture(scope='module')
def params():
  return {
    'reduction': {
      'kernel': random_array(JOINTS * CHANNELS, 5),
      'bias': random_array(5),
    },
    'weights': {
      'kernel': random_array(5, JOINTS, seed=1),
      'bias': random_array(JOINTS, seed=2),
    },
  }


def weights_of(params, pooled, *, train=False, rngs=None, **fields):
  selector = JointSelector(features=5, **fields)
  return np.asarray(
    selector.apply({'params': params}, jnp.array(pooled), train, rngs=rngs)
  )


@pytest.mark.parametrize('temperature', [1.0, 2.5])
def test_pooling_first_equals_the_paper_s_order(params, temperature):
  """The paper applies the 1×1 convolution to all joints' maps before the average."""
  features = random_array(2, JOINTS, 6, 7, CHANNELS)
  side_by_side = np.concatenate([features[:, j] for j in range(JOINTS)], axis=-1)
  reduced = side_by_side @ params['reduction']['kernel'] + params['reduction']['bias']
  pooled = np.maximum(reduced.mean(axis=(1, 2)), 0)
  logits = pooled @ params['weights']['kernel'] + params['weights']['bias']
  wanted = 1 / (1 + np.exp(-logits / temperature))
  got = weights_of(params, features.mean(axis=(2, 3)), temperature=temperature)
  np.testing.assert_allclose(got, wanted, rtol=1e-5)
  assert np.ptp(wanted) > 0.1


def test_gumbel_noise_is_in_training_only(params):
  pooled = random_array(2, JOINTS, CHANNELS)
  plain = weights_of(params, pooled)
  np.testing.assert_array_equal(weights_of(params, pooled, gumbel=True), plain)
  np.testing.assert_array_equal(weights_of(params, pooled, train=True), plain)
  noisy = [
    weights_of(
      params, pooled, gumbel=True, train=True, rngs={'dropout': jax.random.key(seed)}
    )
    for seed in (0, 1)
  ]
  assert (noisy[0] != noisy[1]).all()


def test_gumbel_noise_is_logistic(params):
  # The difference of two Gumbel draws is logistic; at logit 0 its sigmoid is uniform.
  zeros = jax.tree.map(np.zeros_like, params)
  weights = weights_of(
    zeros,
    np.zeros((4000, JOINTS, CHANNELS), np.float32),
    gumbel=True,
    train=True,
    rngs={'dropout': jax.random.key(0)},
  )
  quantiles = np.quantile(weights, [0.1, 0.25, 0.5, 0.75, 0.9])
  np.testing.assert_allclose(quantiles, [0.1, 0.25, 0.5, 0.75, 0.9], atol=0.02)
