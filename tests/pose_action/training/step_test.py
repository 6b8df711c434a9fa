"""The pure steps against numpy, with models small enough to work by hand."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tiny_run

from configs.shared import base
from jmrn_jax.contrastive import joint_contrastive_loss
from model_lib.output import ModelOutput
from pose_action.runtime import sharding
from pose_action.training import optimizers, step
from pose_action.training.losses import LossSettings
from pose_action.training.program import build_program


class Linear(nn.Module):
  """No randomness, no statistics: logits = x · kernel + bias."""

  num_classes: int = 3

  @nn.compact
  def __call__(self, maps, *, train):
    del train
    rows = maps.reshape(len(maps), -1)
    return ModelOutput(logits=nn.Dense(self.num_classes, name='classifier')(rows))


RATE, MOMENTUM, DECAY, SMOOTHING = 0.1, 0.9, 0.01, 0.2


@pytest.fixture
def linear():
  """(state, step) for the linear model; the learning rate at step s is 0.1 / (s + 1)."""
  config = base.base_config().optimizer
  config.update({'momentum': MOMENTUM, 'weight_decay': DECAY})

  def schedule(count):
    return RATE / (jnp.asarray(count, jnp.float32) + 1)

  optimizer = optimizers.make_optimizer(config, schedule)
  example = jax.ShapeDtypeStruct((1, 1, 1, 1, 4), jnp.float32)
  plateau = optimizers.make_plateau(config)
  state = step.initial_state(Linear(), optimizer, plateau, example, jnp.int32(0))
  one_step = functools.partial(
    step.train_step,
    model=Linear(),
    optimizer=optimizer,
    schedule=schedule,
    input_of_batch=lambda batch, key: batch['maps'],
    losses=LossSettings(label_smoothing=SMOOTHING),
  )
  return state, jax.jit(one_step)


def _batch(seed=0):
  """Five rows; the last but one is padding."""
  rng = np.random.default_rng(seed)
  return {
    'maps': rng.normal(size=(5, 1, 1, 1, 4)).astype(np.float32),
    'label': np.array([0, 2, 1, 2, 1], np.int32),
    'mask': np.array([1, 1, 1, 0, 1], np.float32),
  }


def _numpy_losses(logits, labels):
  """Cross entropy with targets 1 - s + s/k for the label and s/k for the others."""
  shifted = logits - logits.max(axis=1, keepdims=True)
  log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
  classes = logits.shape[1]
  targets = np.full(logits.shape, SMOOTHING / classes)
  targets[np.arange(len(labels)), labels] += 1 - SMOOTHING
  return -(targets * log_p).sum(axis=1), np.exp(log_p) - targets


def test_two_steps_of_sgd_by_hand(linear):
  state, one_step = linear
  kernel = np.asarray(state.params['classifier']['kernel'], np.float64)
  bias = np.zeros(3)
  trace = (np.zeros_like(kernel), np.zeros(3))
  for count in range(2):
    batch = _batch(count)
    rows, mask = batch['maps'].reshape(5, 4), batch['mask'][:, None]
    losses, slopes = _numpy_losses(rows @ kernel + bias, batch['label'])
    slopes = slopes * mask / 4
    gradients = (rows.T @ slopes, slopes.sum(axis=0))
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    predicted = (rows @ kernel + bias).argmax(axis=1)
    trace = (
      MOMENTUM * trace[0] + gradients[0] + DECAY * kernel,
      MOMENTUM * trace[1] + gradients[1],
    )

    state, metrics = one_step(state, batch)

    figures = metrics.compute()  # For the state before the step.
    np.testing.assert_allclose(figures['loss'], losses[[0, 1, 2, 4]].mean(), rtol=1e-5)
    hits = (predicted == batch['label'])[[0, 1, 2, 4]]
    np.testing.assert_allclose(figures['accuracy'], hits.mean())
    np.testing.assert_allclose(figures['gradient_norm'], norm, rtol=1e-5)
    np.testing.assert_allclose(figures['learning_rate'], RATE / (count + 1), rtol=1e-6)
    kernel = kernel - RATE / (count + 1) * trace[0]
    bias = bias - RATE / (count + 1) * trace[1]
    learned = state.params['classifier']
    np.testing.assert_allclose(learned['kernel'], kernel, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(learned['bias'], bias, rtol=1e-5, atol=1e-7)
    assert state.step == count + 1


class Embeds(Linear):
  """The linear model with its rows as embeddings: two joints with two features."""

  @nn.compact
  def __call__(self, maps, *, train):
    output = Linear.__call__(self, maps, train=train)
    joints = nn.Dense(4, use_bias=False, name='joints')(maps.reshape(len(maps), -1))
    return output.replace(joint_embeddings=joints.reshape(-1, 2, 2))


WEIGHT, STEPS_PER_EPOCH = 0.5, 4


def _embeds_step(losses):
  """(state, step) with two views per row, the second the negative of the first."""
  optimizer = optax.sgd(RATE)
  example = jax.ShapeDtypeStruct((1, 1, 1, 1, 4), jnp.float32)
  plateau = optimizers.make_plateau(base.base_config().optimizer)
  state = step.initial_state(Embeds(), optimizer, plateau, example, jnp.int32(0))
  one_step = functools.partial(
    step.train_step,
    model=Embeds(),
    optimizer=optimizer,
    schedule=optax.constant_schedule(RATE),
    input_of_batch=lambda batch, key: jnp.stack(
      [batch['maps'], -batch['maps']], axis=1
    ).reshape(-1, 1, 1, 1, 4),
    losses=losses,
  )
  return state, jax.jit(one_step)


def test_all_views_of_a_row_are_classified():
  state, one_step = _embeds_step(LossSettings(label_smoothing=SMOOTHING))
  batch = _batch()
  _, metrics = one_step(state, batch)
  figures = metrics.compute()

  kernel = np.asarray(state.params['classifier']['kernel'], np.float64)
  logits = batch['maps'].reshape(5, 4) @ kernel
  both = np.stack([logits, -logits], axis=1).reshape(10, 3)
  labels, real = np.repeat(batch['label'], 2), np.repeat(batch['mask'], 2) > 0
  expected = _numpy_losses(both, labels)[0][real].mean()
  np.testing.assert_allclose(figures['loss'], expected, rtol=1e-5)
  hits = (both.argmax(axis=1) == labels)[real]
  np.testing.assert_allclose(figures['accuracy'], hits.mean(), rtol=1e-6)
  assert figures['contrastive_loss'] == 0


@pytest.mark.parametrize('poison', [np.nan, np.inf])
def test_a_padding_row_that_is_not_finite_changes_no_update(poison):
  losses = LossSettings(contrastive_weight=WEIGHT, steps_per_epoch=STEPS_PER_EPOCH)
  state, one_step = _embeds_step(losses)
  clean, _ = one_step(state, _batch())
  batch = _batch()
  batch['maps'][3] = poison
  poisoned, metrics = one_step(state, batch)
  jax.tree.map(np.testing.assert_array_equal, poisoned.params, clean.params)
  assert np.isfinite(metrics.compute()['gradient_norm'])


def test_the_total_is_classification_and_weighted_contrastive():
  """λ is 0 in epoch 0, and half its full value in epoch 1."""
  losses = LossSettings(
    contrastive_weight=WEIGHT, ramp_epochs=2, steps_per_epoch=STEPS_PER_EPOCH
  )
  state, one_step = _embeds_step(losses)
  later = state.replace(step=jnp.int32(STEPS_PER_EPOCH))
  batch = _batch()
  before, metrics = one_step(state, batch)
  after, later_metrics = one_step(later, batch)
  rows = jnp.stack([batch['maps'], -batch['maps']], axis=1).reshape(-1, 4)
  labels, mask = (jnp.repeat(batch[name], 2) for name in ('label', 'mask'))

  def contrastive(joints):
    embeddings = (rows @ joints).reshape(-1, 2, 2)
    return joint_contrastive_loss(embeddings, labels, temperature=0.1, mask=mask)

  joints = state.params['joints']['kernel']
  value, slope = jax.value_and_grad(contrastive)(joints)
  for shown in (metrics, later_metrics):  # Without its weight, for any weight.
    np.testing.assert_allclose(shown.compute()['contrastive_loss'], value, rtol=1e-5)
  np.testing.assert_array_equal(before.params['joints']['kernel'], joints)
  moved = joints - after.params['joints']['kernel']
  np.testing.assert_allclose(moved, RATE * WEIGHT / 2 * slope, rtol=1e-4, atol=1e-6)
  # The classifier does not affect it.
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6),
    before.params['classifier'],
    after.params['classifier'],
  )


def test_plateau_scales_the_update_and_the_rate_shown(linear):
  state, one_step = linear
  halved = state.replace(plateau=state.plateau._replace(scale=jnp.float32(0.5)))
  full, shown = one_step(state, _batch())
  half, half_shown = one_step(halved, _batch())

  def moved(after):
    return jax.tree.map(lambda a, b: a - b, after.params, state.params)

  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(2 * a, b, rtol=1e-4, atol=1e-8),
    moved(half),
    moved(full),
  )
  assert half_shown.compute()['learning_rate'] == 0.5 * shown.compute()['learning_rate']
  # The trace holds gradients; the scale applies to the update after it.
  jax.tree.map(np.testing.assert_array_equal, half.opt_state, full.opt_state)


def test_randomness_follows_from_the_key_and_the_step(linear):
  state, one_step = linear
  random_maps = jax.jit(
    functools.partial(
      one_step.__wrapped__,
      input_of_batch=lambda batch, key: jax.random.normal(key, batch['maps'].shape),
    )
  )

  def loss(state):
    return random_maps(state, _batch())[1].compute()['loss']

  assert loss(state) == loss(state)
  assert loss(state) != loss(state.replace(step=jnp.int32(1)))
  assert loss(state) != loss(state.replace(key=jax.random.key(5)))


def test_a_state_follows_from_its_seed():
  def fresh(seed):
    optimizer = optax.sgd(0.1)
    example = jax.ShapeDtypeStruct((1, 1, 1, 1, 4), jnp.float32)
    return step.initial_state(Linear(), optimizer, optimizer, example, jnp.int32(seed))

  def kernel(state):
    return state.params['classifier']['kernel']

  np.testing.assert_array_equal(kernel(fresh(3)), kernel(fresh(3)))
  assert (kernel(fresh(3)) != kernel(fresh(4))).all()
  assert fresh(3).key != fresh(4).key


def test_bfloat16_is_for_the_computation_alone(
  config, program, one_device, loose_dtypes
):
  config.model.dtype = 'bfloat16'
  data = tiny_run.open_run_data(config)
  half = build_program(config, data, one_device)
  batch = sharding.global_batch(tiny_run.training_batch(data), one_device)
  losses = []
  for each in (program, half):
    state = program.initial_state(jnp.int32(0))
    state, metrics = each.train_step(state, each.empty_metrics(), batch)
    losses.append(float(metrics.compute()['loss']))
    for kept in (state, each.state_shapes):
      numbers = jax.tree.leaves(kept.replace(key=()))
      assert {leaf.dtype.name for leaf in numbers} == {'float32', 'int32'}
    assert 'batch_stats' in state.collections
  assert losses[0] != losses[1]  # So the computation did differ.
  np.testing.assert_allclose(losses[0], losses[1], rtol=0.05)
