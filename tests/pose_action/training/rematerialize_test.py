"""Rematerialisation changes neither parameters nor values, and is for training only."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from ddnet_jax import DDNet
from jmrn_jax import JMRN
from pa3d_jax import PA3D
from pose_action.runtime import sharding
from pose_action.training.model_registry import with_rematerialization
from pose_action.training.program import build_program

WIDE = jnp.dtype('float64')
_JMRN = {
  'compressed': 2,
  'features': (3, 4),
  'selector_features': 3,
  'reasoning_features': 4,
  'projection_features': 3,
  'dropout': 0.3,
}
# Model, input shape, and the number of blocks.
MODELS = {
  'pa3d': (PA3D(3, outputs=3, features=(4, 5), dtype=WIDE), (2, 3, 6, 7, 2), 4),
  'pa3d plain': (
    PA3D(3, filter_folding='plain', features=(4,), order='relu_norm', dtype=WIDE),
    (2, 3, 6, 7, 2),
    2,
  ),
  'jmrn': (JMRN(3, **_JMRN, dtype=WIDE), (2, 3, 8, 9, 2), 6),
  'jmrn separate': (JMRN(3, **_JMRN, siamese=False, dtype=WIDE), (2, 3, 8, 9, 2), 4),
  'ddnet': (DDNet(3, width=4, hidden=(8,), dtype=WIDE), (2, 2, 8, 3, 3), 15),
  'joints': (
    DDNet(3, 'joints', joint_features=(4, 6), reasoning_features=(6, 8), dtype=WIDE),
    (2, 2, 8, 3, 3),
    7,
  ),
}


def gradient(model, variables, x):
  """parameters → ((loss, changed statistics), gradient), with dropout."""

  def loss_of(params):
    output, changed = model.apply(
      {**variables, 'params': params},
      x,
      train=True,
      mutable=['batch_stats'],
      rngs={'dropout': jax.random.key(1)},
    )
    loss = (output.logits * np.array([[1.0, -2, 0.5]])).sum()
    if output.joint_embeddings is not None:
      loss += output.joint_embeddings[..., 0].sum()
    return loss, changed

  return jax.value_and_grad(loss_of, has_aux=True)


@pytest.fixture
def float64():
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    yield


@pytest.mark.parametrize('name', MODELS)
def test_each_block_is_computed_again(name, float64):
  """And the parameters are the same."""
  model, shape, blocks = MODELS[name]
  again = with_rematerialization(model)
  x = np.zeros(shape)
  variables, same = (
    jax.eval_shape(functools.partial(m.init, train=False), jax.random.key(0), x)
    for m in (model, again)
  )
  assert jax.tree.map(lambda a, b: a.shape == b.shape, variables, same)
  zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), variables)
  for computed, number in ((model, 0), (again, blocks)):
    program = jax.make_jaxpr(gradient(computed, zeros, x))(zeros['params'])
    assert str(program).count('prevent_cse') == number


@pytest.mark.parametrize(
  'name', ['pa3d', 'pa3d plain', 'jmrn', pytest.param('ddnet', marks=pytest.mark.long)]
)
def test_values_and_gradients_are_the_same(name, float64):
  """With dropout, whose random numbers stay too. DD-Net's head computes in float32."""
  model, shape, _ = MODELS[name]
  tolerance = 1e-6 if isinstance(model, DDNet) else 1e-12
  x = np.random.default_rng(0).uniform(0.1, 1, shape)
  variables = jax.jit(functools.partial(model.init, train=False))(jax.random.key(0), x)
  variables = jax.tree.map(lambda leaf: leaf.astype(WIDE), variables)
  wanted, found = (
    jax.tree.leaves(jax.jit(gradient(m, variables, x))(variables['params']))
    for m in (model, with_rematerialization(model))
  )
  largest = max(np.abs(leaf).max() for leaf in wanted)
  for a, b in zip(found, wanted, strict=True):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * largest)


def test_only_the_training_step_computes_again(config, data, one_device):
  config.train.rematerialize = True
  program = build_program(config, data, one_device)
  assert not program.model.rematerialize
  batch = sharding.global_batch(tiny_run.training_batch(data), one_device)
  shapes = program.state_shapes
  metrics = jax.eval_shape(program.empty_metrics)
  assert 'prevent_cse' in str(program.train_step.trace(shapes, metrics, batch).jaxpr)


def test_a_model_that_cannot_is_refused():
  with pytest.raises(
    ValueError, match=r'no field rematerialize .* is a Dense\); set it'
  ):
    with_rematerialization(nn.Dense(3))
