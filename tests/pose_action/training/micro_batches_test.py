"""Gradient accumulation: where it is exact, against a loop by hand, and on devices."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tiny_run
from einops import rearrange

from configs.shared import base
from ddnet_jax import DDNet
from jmrn_jax import JMRN
from model_lib.output import ModelOutput
from pa3d_jax import PA3D
from pose_action.runtime import sharding
from pose_action.training import optimizers, step
from pose_action.training.losses import LossSettings
from pose_action.training.micro_batches import check_micro_batches
from pose_action.training.program import build_program

RNG = np.random.default_rng(0)
PARTS, VIEWS, CLASSES = 3, 2, 3


class Linear(nn.Module):
  """Neither statistics nor randomness: parts change nothing but the rounding."""

  dtype: jnp.dtype = jnp.float64

  @nn.compact
  def __call__(self, maps, *, train):
    del train
    return ModelOutput(logits=nn.Dense(CLASSES, dtype=self.dtype)(maps))


MODELS = {
  'linear': (Linear(), (4,)),
  'pa3d': (PA3D(CLASSES, outputs=3, features=(4,), dropout=0.0), (3, 6, 7, 2)),
  'jmrn': (
    JMRN(
      CLASSES,
      compressed=2,
      features=(3, 4),
      selector_features=3,
      reasoning_features=4,
      projection_features=3,
    ),
    (3, 8, 9, 2),
  ),
  'ddnet': (
    DDNet(CLASSES, 'streams', width=4, hidden=(8,), channel_dropout=0, dropout=0),
    (2, 8, 3, 3),
  ),
}
# DD-Net's head and the contrastive loss compute in float32, all else here in float64.
TOLERANCE = {'ddnet': {'rtol': 2e-4, 'atol': 2e-7}}
EXACT = {'rtol': 1e-11, 'atol': 1e-14}


@pytest.fixture(autouse=True)
def float64():
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    yield


@functools.cache
def first_state(name):
  model, shape = MODELS[name]
  example = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
  plateau = optimizers.make_plateau(base.base_config().optimizer)
  state = jax.jit(
    lambda seed: step.initial_state(
      model, optax.sgd(0.1), plateau, example, seed, averages=True
    )
  )(jnp.int32(0))
  wide = lambda leaf: leaf.astype(jnp.float64)  # noqa: E731
  return state.replace(
    params=jax.tree.map(wide, state.params),
    collections=jax.tree.map(wide, state.collections),
    average=jax.tree.map(wide, state.average),
    step=jnp.int32(5),
  )


def stepped(name, batch, parts, **settings):
  """State and figures after a step of SGD with rate 0.1."""
  model = MODELS[name][0].clone(dtype=jnp.dtype('float64'))
  losses = settings.pop('losses', LossSettings())
  one_step = functools.partial(
    step.train_step,
    model=model,
    optimizer=optax.sgd(0.1),
    schedule=optax.constant_schedule(0.1),
    input_of_batch=lambda batch, key: rearrange(batch['x'], 'b v ... -> (b v) ...'),
    losses=losses,
    average_decay=0.9,
    micro_batches=parts,
    **settings,
  )
  state, metrics = jax.jit(one_step)(first_state(name), batch)
  return state, metrics.compute()


def clips(name, count, *, padding=()):
  """Clips in two views each, in float64; the rows in `padding` are not finite."""
  batch = {
    'x': RNG.uniform(0.1, 1, (count, VIEWS, *MODELS[name][1])),
    'label': RNG.integers(0, CLASSES, count).astype(np.int32),
    'mask': np.ones(count),
  }
  for row in padding:
    batch['x'][row], batch['mask'][row] = np.nan, 0
  return batch


def assert_close(got, wanted, rtol, atol):
  assert jax.tree.structure(got) == jax.tree.structure(wanted)
  for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def assert_same_update(one, divided, **tolerance):
  assert_close(divided.params, one.params, **tolerance)
  assert_close(divided.average, one.average, **tolerance)
  assert divided.step == one.step == 6


@pytest.mark.parametrize(
  'settings',
  [
    {},
    {'mixup_alpha': 0.4},
    {'losses': LossSettings(label_smoothing=0.1, class_weights=(1.0, 3.0, 0.5))},
  ],
  ids=['plain', 'mixup', 'weights'],
)
def test_without_statistics_the_parts_are_the_batch(settings):
  """Two of the three padding rows are in one part, so that the parts weigh 4, 4 and 1."""
  batch = clips('linear', 9, padding=(2, 5, 8))
  batch['mask'][8], batch['x'][8] = 1, 0.5
  one, figures = stepped('linear', batch, 1, **settings)
  divided, of_parts = stepped('linear', batch, PARTS, **settings)
  assert_same_update(one, divided, **EXACT)
  assert_close(of_parts, figures, rtol=1e-6, atol=0)
  # A plain mean of the three parts' gradients would be another update.
  assert np.abs(np.asarray(one.params['Dense_0']['bias'])).max() > 1e-3


@pytest.mark.parametrize(
  'name', ['pa3d', 'jmrn', pytest.param('ddnet', marks=pytest.mark.long)]
)
def test_parts_with_equal_statistics_are_the_batch(name):
  """Each part holds a copy of the same clips, and so has the batch's statistics.

  A running average keeps 0.9 of its value at each of the three parts.
  """
  batch = {n: np.repeat(rows, PARTS, axis=0) for n, rows in clips(name, 3).items()}
  before = first_state(name).collections
  one, figures = stepped(name, batch, 1)
  divided, of_parts = stepped(name, batch, PARTS)
  tolerance = TOLERANCE.get(name, {'rtol': 1e-9, 'atol': 1e-12})
  assert_same_update(one, divided, **tolerance)
  assert_close(of_parts, figures, rtol=1e-4, atol=1e-7)
  of_batch = jax.tree.map(lambda a, b: (a - 0.9 * b) / 0.1, one.collections, before)
  wanted = jax.tree.map(
    lambda a, b: 0.9**PARTS * b + (1 - 0.9**PARTS) * a, of_batch, before
  )
  assert_close(divided.collections, wanted, **tolerance)


CONTRASTIVE = {
  '': {},
  'mean': {'contrastive_weight': 0.7},
  'sum': {'contrastive_weight': 0.02, 'reduction': 'sum'},
}


@pytest.mark.parametrize(
  ('name', 'contrastive'),
  [('pa3d', ''), ('ddnet', ''), ('jmrn', 'mean'), ('jmrn', 'sum')],
)
def test_any_parts_are_a_loop_by_hand(name, contrastive):
  """Part i has clips i, i + 3, i + 6; one of nine clips is padding."""
  batch = clips(name, 9, padding=(4,))
  losses = LossSettings(**CONTRASTIVE[contrastive])
  state, figures = stepped(name, batch, PARTS, losses=losses)
  params, collections, compared = by_hand(name, batch, losses)
  tolerance = {'rtol': 2e-5, 'atol': 1e-7} if contrastive else EXACT
  tolerance = TOLERANCE.get(name, tolerance)
  assert_close(state.params, params, **tolerance)
  assert_close(state.collections, collections, **tolerance)
  np.testing.assert_allclose(figures['contrastive_loss'], compared, rtol=1e-5)


def by_hand(name, batch, losses):
  """(parameters, collections, contrastive loss) after the same step, part by part."""
  state = first_state(name)
  total = batch['mask'].sum() * VIEWS
  gradient = jax.tree.map(jnp.zeros_like, state.params)
  collections, compared = state.collections, 0.0
  for part in range(PARTS):
    rows = {n: values[part::PARTS] for n, values in batch.items()}
    of_part, (collections, more) = jax.jit(jax.grad(part_loss(name, losses), 0, True))(
      state.params, collections, rows, total
    )
    gradient = jax.tree.map(jnp.add, gradient, of_part)
    compared += more
  params = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, gradient)
  return params, collections, compared


def part_loss(name, losses):
  """What a part adds to the batch's loss."""
  model = MODELS[name][0].clone(dtype=jnp.dtype('float64'))

  def loss_of(params, collections, rows, total):
    labels, mask = (jnp.repeat(rows[n], VIEWS) for n in ('label', 'mask'))
    x = jnp.nan_to_num(rearrange(rows['x'], 'b v ... -> (b v) ...'))
    output, changed = model.apply(
      {'params': params, **collections}, x, train=True, mutable=['batch_stats']
    )
    log_p = jax.nn.log_softmax(output.logits)[np.arange(len(x)), labels]
    loss = -(log_p * mask).sum() / total
    share = mask.sum() / total if losses.reduction == 'mean' else 1
    more = step.contrastive_loss(output, labels, mask, losses) * share
    return loss + losses.contrastive_weight * more, (changed, more)

  return loss_of


def test_one_part_is_no_loop():
  batch = clips('linear', 4)
  for parts in (1, 2):
    one_step = functools.partial(
      step.train_step,
      model=MODELS['linear'][0],
      optimizer=optax.sgd(0.1),
      schedule=optax.constant_schedule(0.1),
      input_of_batch=lambda batch, key: batch['x'][:, 0],
      losses=LossSettings(),
      micro_batches=parts,
    )
    program = str(jax.make_jaxpr(one_step)(first_state('linear'), batch))
    assert ('scan' in program) == (parts > 1)


class TestOnDevices:
  """In float32, with the tiny run's programs."""

  @pytest.fixture(autouse=True)
  def float64(self):
    yield

  @staticmethod
  def build(config, data, mesh):
    config.train.batch_size, config.train.micro_batches = 16, 2
    config.model.dropout = 0.0
    return build_program(config, data, mesh)

  def test_eight_devices_are_one(self, config, data, one_device, eight_devices):
    """Also the statistics: the parts are the same clips on any number of devices."""
    found = []
    for mesh in (one_device, eight_devices):
      program = self.build(config, data, mesh)
      batch = sharding.global_batch(tiny_run.training_batch(data, 16), mesh)
      state, metrics = program.train_step(
        program.initial_state(jnp.int32(0)), program.empty_metrics(), batch
      )
      found.append(jax.device_get((state.params, state.collections, metrics)))
    for one, eight in zip(*map(jax.tree.leaves, found), strict=True):
      np.testing.assert_allclose(eight, one, rtol=1e-4, atol=2e-6)

  def test_rows_stay_on_their_device(self, config, data, eight_devices):
    """No row of the maps is sent to another device to form the parts."""
    program = self.build(config, data, eight_devices)
    batch = sharding.global_batch(tiny_run.training_batch(data, 16), program.mesh)
    lowered = program.train_step.lower(
      program.state_shapes, jax.eval_shape(program.empty_metrics), batch
    )
    text = lowered.compile().as_text()
    assert 'all-reduce' in text
    for moved in ('all-to-all', 'all-gather', 'collective-permute'):
      assert f' {moved}' not in text, moved

  def test_a_batch_of_all_clips_divides_into_the_parts(self, config, data, one_device):
    config.train.batch_size, config.train.micro_batches = 0, 4
    assert build_program(config, data, one_device).batch_size == 28  # of 29 clips


@pytest.mark.parametrize(
  ('parts', 'batch_size', 'devices', 'message'),
  [
    (0, 8, 1, r'config\.train\.micro_batches is 0; give a number of parts, 1 for'),
    (
      *(3, 32, 8),
      r'micro_batches is 3, but each of 8 devices has 4 clips of'
      r' config\.train\.batch_size 32, .*; give a divisor of 4$',
    ),
  ],
)
def test_parts_that_cannot_be(parts, batch_size, devices, message):
  with pytest.raises(ValueError, match=message):
    check_micro_batches(parts, batch_size, devices)
