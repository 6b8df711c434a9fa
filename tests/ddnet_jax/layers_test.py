"""The layers: BatchNorm over real rows, spatial dropout, the head."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ddnet_jax import layers


def rows(n=5, frames=4, channels=3, seed=0):
  values = np.random.default_rng(seed).normal(2, 3, (n, frames, channels))
  return values.astype(np.float32)


@functools.partial(jax.jit, static_argnums=0)
def trained(form, x, present):
  module = layers.NormLeaky(form, leaky=False)
  variables = module.init(jax.random.key(0), x, present, False)
  return module.apply(variables, x, present, True, mutable=['batch_stats'])


@pytest.mark.parametrize(
  ('form', 'axes', 'keeps', 'epsilon'),
  [(layers.KERAS, (0, 1), 0.99, 1e-3), (layers.PORT, (0, 2), 0.9, 1e-5)],
)
def test_norm_counts_only_real_rows(form, axes, keeps, epsilon):
  x = rows()
  present = np.array([True, False, True, True, False])
  x[~present] = 1e3
  found, changed = trained(form, x, present)
  real = x[present].astype(np.float64)
  mean, var = real.mean(axes, keepdims=True), real.var(axes, keepdims=True)
  wanted = (real - mean) / np.sqrt(var + epsilon)
  np.testing.assert_allclose(found[present], wanted, atol=1e-5)
  statistics = changed['batch_stats']['norm']
  np.testing.assert_allclose(statistics['mean'], (1 - keeps) * mean.ravel(), rtol=1e-4)
  np.testing.assert_allclose(
    statistics['var'], keeps + (1 - keeps) * var.ravel(), rtol=1e-4
  )


def test_norm_of_a_batch_without_people_is_finite():
  found, changed = trained(layers.OURS, 0 * rows(), np.zeros(5, bool))
  assert jnp.isfinite(found).all()
  assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(changed))


def test_whole_channels_are_dropped():
  module = layers.DropChannels(0.5)
  x = jnp.ones((40, 6, 8))
  found = module.apply({}, x, True, rngs={'dropout': jax.random.key(0)})
  assert set(np.unique(found)) == {0, 2}
  np.testing.assert_array_equal(found, jnp.broadcast_to(found[:, :1], found.shape))
  np.testing.assert_array_equal(module.apply({}, x, False), x)


def test_halved_leaves_an_odd_last_frame_out():
  x = jnp.array([1.0, 3, 2, 0, 9]).reshape(1, 5, 1)
  assert layers.halved(x).ravel().tolist() == [3, 2]


def test_maximum_and_mean_by_hand():
  x = jnp.array([[[1.0, 4], [3, 0]]], jnp.bfloat16)
  found = layers.maximum_and_mean(x)
  assert found.tolist() == [[3, 4, 2, 2]]
  assert found.dtype == jnp.float32


@pytest.mark.parametrize(('form', 'bias'), [(layers.KERAS, False), (layers.PORT, True)])
def test_hidden_layers_of_the_port_have_biases(form, bias):
  head = layers.Head(num_classes=3, form=form, hidden=(5, 4), dropout=0.5)
  variables = jax.eval_shape(
    functools.partial(head.init, train=False),
    jax.random.key(0),
    jnp.zeros((2, 6)),
    jnp.ones(2, bool),
  )
  params = variables['params']
  assert ('bias' in params['dense1']) == ('bias' in params['dense2']) == bias
  assert params['classifier']['bias'].shape == (3,)


@pytest.mark.parametrize(
  ('form', 'bound'),
  # Keras: √(6 / (fan-in + fan-out)); PyTorch: 1 / √fan-in; 3 frames of 16 channels.
  [(layers.KERAS, (6 / (48 + 96)) ** 0.5), (layers.PORT, 48**-0.5)],
)
def test_kernels_start_as_in_each_library(form, bound):
  conv = layers.ConvNorm(32, 3, form)
  variables = conv.init(
    jax.random.key(0), jnp.zeros((1, 4, 16)), jnp.ones(1, bool), False
  )
  kernel = variables['params']['conv']['kernel']
  assert kernel.shape == (3, 16, 32)
  assert 0.98 * bound < jnp.abs(kernel).max() <= bound


@pytest.mark.parametrize('function', [layers.halved, layers.largest])
def test_of_equal_values_the_first_has_the_gradient(function):
  x = jnp.array([1.0, 1.0, 0.0, 2.0, 2.0, 2.0]).reshape(1, 6, 1)
  gradient = jax.grad(lambda x: function(x).sum())(x).ravel().tolist()
  if function is layers.halved:
    assert gradient == [1, 0, 0, 1, 1, 0]
  else:
    assert gradient == [0, 0, 0, 1, 0, 0]


def test_the_largest_is_the_maximum():
  x = rows()
  x[0, 2, 1], x[1, 3, 0] = np.nan, -np.inf
  np.testing.assert_array_equal(layers.largest(jnp.asarray(x)), x.max(axis=1))
  x[:] = np.finfo(np.float32).min  # Of people who are absent.
  gradient = jax.grad(lambda x: layers.largest(x).sum())(jnp.asarray(x))
  assert np.isfinite(gradient).all() and gradient.sum() == 5 * 3
