"""Mixup against numpy: the draw, the mixed rows, the loss, and a whole step."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tiny_run

from configs.shared import base
from model_lib.output import ModelOutput
from pose_action.runtime import sharding
from pose_action.training import losses, mixup, optimizers, step
from pose_action.training.losses import LossSettings
from pose_action.training.program import build_program

MASK = np.array([1, 0, 1, 1, 0, 1], np.float32)
LOGITS = np.array([[2, -1, 0.5], [0.1, 0.2, 0.3], [-2, 1, 0]], np.float32)


@pytest.mark.parametrize('alpha', [1e-30, 0.05, 0.4, 1.0, 50.0])
def test_a_draw_is_a_share_and_a_permutation_of_the_real_rows(alpha):
  draws = jax.vmap(lambda key: mixup.draw(key, alpha, jnp.array(MASK)))(
    jax.random.split(jax.random.key(0), 500)
  )
  share = np.asarray(draws.share)
  assert draws.share.dtype == jnp.float32
  assert np.isfinite(share).all()
  assert ((share >= 0) & (share <= 1)).all()
  real = np.flatnonzero(MASK)
  partners = np.asarray(draws.partner)
  np.testing.assert_array_equal(partners[:, [1, 4]], np.tile([1, 4], (500, 1)))
  np.testing.assert_array_equal(
    np.sort(partners[:, real], axis=1), np.tile(real, (500, 1))
  )
  # Each real row is every row's partner about equally often: 125 ± 10 times.
  for row in real:
    counts = np.bincount(partners[:, row], minlength=6)[real]
    assert (abs(counts - 125) < 50).all()


def test_the_share_has_the_moments_of_a_beta():
  """Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)): here 1 / 7.2."""
  keys = jax.random.split(jax.random.key(1), 4000)
  shares = jax.vmap(lambda key: mixup.draw(key, 0.4, jnp.ones(2)).share)(keys)
  np.testing.assert_allclose(np.mean(shares), 0.5, atol=0.03)
  np.testing.assert_allclose(np.var(shares), 1 / 7.2, atol=0.01)


def _mixing(share=0.75, partner=(2, 1, 0)):
  return mixup.Mixing(share=jnp.float32(share), partner=jnp.array(partner))


def test_every_leaf_is_mixed_with_the_same_view_of_the_partner():
  """Two views per clip: rows 0 and 1 are clip 0, and 4 and 5 are clip 2."""
  maps = {
    'joints': np.arange(12, dtype=np.float32).reshape(6, 2),
    'parts': np.arange(6, dtype=np.float32).reshape(6, 1, 1) * 100,
  }
  mixed = _mixing().input(jax.tree.map(jnp.array, maps))
  other = np.array([4, 5, 2, 3, 0, 1])
  for name, leaf in maps.items():
    np.testing.assert_allclose(mixed[name], 0.75 * leaf + 0.25 * leaf[other], rtol=1e-6)
  # By hand: view 1 of clip 0 is row 1; 0.75 · (2, 3) + 0.25 · (10, 11).
  np.testing.assert_allclose(mixed['joints'][1], [4, 5])


def test_half_precision_stays():
  mixed = _mixing().input(jnp.ones((3, 2), jnp.bfloat16))
  assert mixed.dtype == jnp.bfloat16


def _soft_cross_entropy(targets):
  log_p = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
  return -(targets * log_p).sum(axis=1)


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_the_loss_is_that_of_soft_targets(smoothing):
  labels = np.array([0, 1, 2])
  hot = np.eye(3)[labels]
  soft = 0.75 * hot + 0.25 * hot[[2, 1, 0]]
  np.testing.assert_allclose(soft[0], [0.75, 0, 0.25])
  targets = soft * (1 - smoothing) + smoothing / 3
  settings = LossSettings(label_smoothing=smoothing)
  got = _mixing().loss(
    lambda labels: losses.classification_losses(LOGITS, labels, settings),
    jnp.array(labels),
    jnp.array(labels[::-1]),
  )
  np.testing.assert_allclose(got, _soft_cross_entropy(targets), rtol=1e-5)


def test_each_label_has_its_own_class_weight():
  labels, weights = np.array([0, 1, 2]), np.array([3.0, 1.0, 0.5])
  settings = LossSettings(class_weights=tuple(weights))
  got = _mixing().loss(
    lambda labels: losses.classification_losses(LOGITS, labels, settings),
    jnp.array(labels),
    jnp.array(labels[::-1]),
  )
  hot = np.eye(3)[labels] * weights
  expected = _soft_cross_entropy(0.75 * hot + 0.25 * hot[[2, 1, 0]])
  np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_the_loss_of_several_labels_is_that_of_soft_targets():
  labels = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0]], np.float32)
  soft = 0.75 * labels + 0.25 * labels[[2, 1, 0]]
  targets = soft * 0.8 + 0.1
  p = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
  expected = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean(axis=1)
  settings = LossSettings(classification='binary_cross_entropy', label_smoothing=0.2)
  got = _mixing().loss(
    lambda labels: losses.classification_losses(LOGITS, labels, settings),
    jnp.array(labels),
    jnp.array(labels[::-1]),
  )
  np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_the_accuracy_is_against_the_larger_share():
  labels = jnp.array([5, 6, 7])
  np.testing.assert_array_equal(_mixing(0.5).larger_labels(labels), [5, 6, 7])
  np.testing.assert_array_equal(_mixing(0.49).larger_labels(labels), [7, 6, 5])
  hot = jnp.eye(3)
  np.testing.assert_array_equal(_mixing(0.1).larger_labels(hot), np.eye(3)[::-1])


class Linear(nn.Module):
  """logits = x · kernel, without a bias."""

  @nn.compact
  def __call__(self, maps, *, train):
    del train
    rows = maps.reshape(len(maps), -1)
    return ModelOutput(logits=nn.Dense(3, use_bias=False, name='classifier')(rows))


def _linear_step(**options):
  """(state, step) of SGD with a rate of 0.1."""
  optimizer = optax.sgd(0.1)
  plateau = optimizers.make_plateau(base.base_config().optimizer)
  example = jax.ShapeDtypeStruct((1, 1, 1, 1, 4), jnp.float32)
  state = step.initial_state(Linear(), optimizer, plateau, example, jnp.int32(0))
  one_step = functools.partial(
    step.train_step,
    model=Linear(),
    optimizer=optimizer,
    schedule=optax.constant_schedule(0.1),
    input_of_batch=lambda batch, key: batch['maps'],
    losses=LossSettings(),
    **options,
  )
  return state, jax.jit(one_step)


def _batch(padding=0.0):
  rng = np.random.default_rng(0)
  maps = rng.normal(size=(6, 1, 1, 1, 4)).astype(np.float32)
  maps[MASK == 0] = padding
  labels = np.array([0, 2, 1, 2, 1, 0], np.int32)
  return {'maps': maps, 'label': labels, 'mask': MASK}


def test_a_step_by_hand():
  """The draw is read from the step; rows, loss, gradient and metrics are numpy's."""
  state, one_step = _linear_step(mixup_alpha=0.4)
  batch = _batch()
  key = jax.random.fold_in(jax.random.fold_in(state.key, 0), 2)
  drawn = mixup.draw(key, 0.4, jnp.array(MASK))
  share, partner = float(drawn.share), np.asarray(drawn.partner)
  assert 0.01 < share < 0.99
  assert (partner != np.arange(6)).any()
  kernel = np.asarray(state.params['classifier']['kernel'], np.float64)
  rows = batch['maps'].reshape(6, 4)
  rows = share * rows + (1 - share) * rows[partner]
  hot = np.eye(3)[batch['label']]
  targets = share * hot + (1 - share) * hot[partner]
  logits = rows @ kernel
  p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
  row_losses = -(targets * np.log(p)).sum(axis=1)
  slopes = rows.T @ ((p - targets) * MASK[:, None] / 4)

  after, metrics = one_step(state, batch)

  np.testing.assert_allclose(
    after.params['classifier']['kernel'], kernel - 0.1 * slopes, rtol=1e-4, atol=1e-6
  )
  figures = metrics.compute()
  np.testing.assert_allclose(figures['loss'], row_losses[MASK > 0].mean(), rtol=1e-5)
  counted = batch['label'] if share >= 0.5 else batch['label'][partner]
  hits = (logits.argmax(axis=1) == counted)[MASK > 0]
  np.testing.assert_allclose(figures['accuracy'], hits.mean())


@pytest.mark.parametrize('padding', [7.0, np.nan])
def test_padding_rows_never_leak_in(padding):
  state, one_step = _linear_step(mixup_alpha=0.4)
  clean, _ = one_step(state, _batch())
  poisoned, metrics = one_step(state, _batch(padding))
  jax.tree.map(np.testing.assert_array_equal, poisoned.params, clean.params)
  assert np.isfinite(metrics.compute()['loss'])


def test_off_changes_nothing():
  state, without = _linear_step()
  _, off = _linear_step(mixup_alpha=0.0)
  batch = _batch()
  jax.tree.map(
    np.testing.assert_array_equal,
    without(state, batch)[0].params,
    off(state, batch)[0].params,
  )
  assert str(without.trace(state, batch).jaxpr) == str(off.trace(state, batch).jaxpr)


@pytest.mark.long
def test_eight_devices_mix_over_the_whole_batch(
  config, data, one_device, eight_devices
):
  config.augment.mixup = 0.4
  found = []
  for mesh in (one_device, eight_devices):
    program = build_program(config, data, mesh)
    batch = sharding.global_batch(tiny_run.training_batch(data), mesh)
    state = program.initial_state(jnp.int32(0))
    state, metrics = program.train_step(state, program.empty_metrics(), batch)
    found.append((jax.device_get(state.params), float(metrics.compute()['loss'])))
  (one, one_loss), (eight, eight_loss) = found
  np.testing.assert_allclose(one_loss, eight_loss, rtol=1e-5)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), one, eight
  )


@pytest.mark.parametrize('alpha', [-0.1, float('nan'), float('inf')])
def test_an_invalid_alpha_is_refused(alpha, config, data, one_device):
  config.augment.mixup = alpha
  with pytest.raises(ValueError, match=rf'config\.augment\.mixup is {alpha}; it is al'):
    build_program(config, data, one_device)


def test_the_contrastive_loss_is_refused(jmrn_config, jmrn_data, one_device):
  jmrn_config.augment.mixup = 0.4
  message = (
    r'config\.augment\.mixup is 0\.4, but config\.train\.contrastive\.weight is 0\.4:'
  )
  with pytest.raises(ValueError, match=message):
    build_program(jmrn_config, jmrn_data, one_device)
