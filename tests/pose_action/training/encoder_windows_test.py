"""A run's plan of windows, and that training with it is training without it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tiny_run

from input_pipeline.model_input import batch_input, batch_supports
from jmrn_jax import window_plan
from jmrn_jax.model import JMRN
from pose_action.runtime import sharding
from pose_action.training.encoder_windows import window_line, with_window_plan
from pose_action.training.losses import LossSettings
from pose_action.training.step import initial_state, train_step

PLAN = ((16, 0.4, 0.4), (8, 1.0, 0.4))


@pytest.fixture(name='config')
def wide_config():
  """The tiny JMRN on maps that are large enough for windows."""
  config = tiny_run.get_jmrn_config().unlock()
  config.data.map_short_side = 48
  config.data.map_size = (48, 48)
  return config


def planned(config, folder):
  lines = []
  config.data.data_dir = str(folder)
  data = tiny_run.open_run_data(config)
  return with_window_plan(config, data, lines.append), lines


@pytest.fixture(name='dataset', scope='module')
def tiny_dataset(tmp_path_factory):
  folder = tmp_path_factory.mktemp('data')
  tiny_run.export(folder, 'keypoints')
  return folder


@pytest.mark.parametrize('encoder', ['auto', 'windows'])
def test_a_plan_is_made_from_the_training_clips_and_saved(config, dataset, encoder):
  config.model.encoder = encoder
  found, lines = planned(config, dataset)
  again, _ = planned(config, dataset)
  assert found.model.windows == again.model.windows
  sizes = [size for size, _, _ in found.model.windows]
  assert sizes == sorted(sizes, reverse=True) and 8 <= sizes[-1] <= sizes[0] <= 48
  assert 'the joint encoder runs on windows of' in lines[0]
  assert 'dense: config.model.dropout' in lines[1]  # In training, as the config has it.


def test_keypoints_are_measured_as_their_maps_would_be(config, dataset):
  config.data.data_dir = str(dataset)
  data = tiny_run.open_run_data(config)
  batch = tiny_run.training_batch(data)
  key = jax.random.key(3)
  given = {
    'skeleton': data.skeleton,
    'settings': data.map_settings,
    'augmentation': data.augment_settings,
  }

  @jax.jit  # Compiling each operation by itself would take far longer.
  def needs(batch):
    maps = batch_input(batch, key, **given)
    lines = batch_supports(batch, key, **given)
    return window_plan.supports(maps).need, window_plan.supports_of_lines(*lines).need

  wanted, found = needs(batch)
  assert found.shape == wanted.shape
  # At the frame's edge maps end, and are a little smaller.
  assert (np.asarray(found) >= wanted).all()
  assert (np.asarray(found) == wanted).mean() > 0.9


def test_a_run_with_a_checkpoint_keeps_its_plan(config, dataset, tmp_path):
  config.model.encoder = 'windows'
  config.data.data_dir = str(dataset)
  data = tiny_run.open_run_data(config)
  saved = config.copy_and_resolve_references()
  saved.model.windows = PLAN
  (tmp_path / 'config.json').write_text(saved.to_json())
  lines = []
  fresh = with_window_plan(config, data, lines.append, tmp_path).model.windows
  assert fresh == with_window_plan(config, data, lines.append).model.windows != PLAN
  (tmp_path / 'checkpoints' / '7').mkdir(parents=True)
  assert with_window_plan(config, data, lines.append, tmp_path).model.windows == PLAN
  config.model.windows = ((12, 1.0, 1.0),)  # What the user says counts.
  given = with_window_plan(config, data, lines.append, tmp_path).model.windows
  assert given == ((12, 1.0, 1.0),)


def test_no_plan_without_need(config, dataset):
  """The dense encoder reads no clip, says nothing and changes nothing."""
  assert config.model.encoder == 'dense'
  assert planned(config, dataset) == (config, [])
  config.model.encoder, config.model.siamese = 'auto', False
  assert planned(config, dataset) == (config, [])


def test_what_does_not_fit_is_refused(config, dataset):
  config.model.encoder = 'sparse'
  with pytest.raises(ValueError, match="encoder is 'sparse'; give one"):
    planned(config, dataset)
  config.model.encoder, config.model.siamese = 'windows', False
  with pytest.raises(ValueError, match='need one encoder for all joints'):
    planned(config, dataset)


def test_a_plan_without_windows_says_so():
  assert 'save no work' in window_line(())


def batches(count):
  """Batches of moving blobs; some have room for all in the plan, others not."""
  rng = np.random.default_rng(0)
  for number in range(count):
    maps = np.zeros((4, 3, 24, 27, 3))
    for clip, joint in np.ndindex(4, 3):
      side = rng.integers(3, 22 if number % 4 == 3 else 9)
      row, column = rng.integers(0, 25 - side), rng.integers(0, 28 - side)
      blob = rng.uniform(size=(side, side, 3))
      maps[clip, joint, row : row + side, column : column + side] = blob
    labels = jnp.asarray(rng.integers(0, 3, 4), jnp.int32)
    yield {'maps': jnp.asarray(maps), 'label': labels, 'mask': jnp.ones(4)}


def learning_curve(encoder, steps):
  """Losses, and the last parameters in float64."""
  model = JMRN(
    num_classes=3,
    compressed=3,
    features=(4, 5),
    selector_features=4,
    reasoning_features=5,
    projection_features=4,
    encoder=encoder,
    windows=PLAN,
    dtype=jnp.dtype('float64'),
  )
  optimizer = optax.sgd(0.05)
  state = initial_state(
    model.clone(dtype=jnp.dtype('float32')),
    optimizer,
    optax.contrib.reduce_on_plateau(),
    jax.ShapeDtypeStruct((1, 3, 24, 27, 3), jnp.float32),
    jnp.int32(0),
  )
  state = state.replace(
    params=jax.tree.map(jnp.float64, state.params),
    collections=jax.tree.map(jnp.float64, state.collections),
  )
  step = jax.jit(
    functools.partial(
      train_step,
      model=model,
      optimizer=optimizer,
      schedule=optax.constant_schedule(0.05),
      input_of_batch=lambda batch, key: batch['maps'],
      losses=LossSettings(contrastive_weight=0.1, temperature=0.3),
    )
  )
  losses = []
  for batch in batches(steps):
    state, metrics = step(state, batch)
    losses.append(float(metrics.loss.compute()))
  return np.array(losses), state.params


@pytest.mark.long
def test_the_learning_curve_is_the_dense_network_s():
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    dense, wanted = learning_curve('dense', steps=200)
    on_windows, params = learning_curve('windows', steps=200)
  np.testing.assert_allclose(on_windows, dense, rtol=1e-6)  # Metrics are float32.
  jax.tree.map(
    functools.partial(np.testing.assert_allclose, rtol=1e-7, atol=1e-10), params, wanted
  )
  assert abs(dense[-1] - dense[0]) > 1e-2  # It learns.


def test_eight_devices_have_passes_of_their_own():
  """One device's clip is full, seven have little to do: the logits of one device."""
  mesh = sharding.make_mesh()
  fields = {'num_classes': 3, 'compressed': 3, 'features': (4, 5), 'windows': PLAN}
  maps = np.zeros((8, 3, 24, 27, 3), np.float32)
  maps[:, :, 5:11, 7:12] = np.random.default_rng(0).uniform(size=(8, 3, 6, 5, 3))
  maps[6] = 0.5
  dense = JMRN(**fields)
  variables = dense.init(jax.random.key(0), maps, train=False)
  whole, rows = sharding.replicated(mesh), sharding.over_rows(mesh)
  on_windows = JMRN(**fields, encoder='windows', mesh=mesh)
  run = jax.jit(
    functools.partial(on_windows.apply, train=False), in_shardings=(whole, rows)
  )
  expected = dense.apply(variables, maps, train=False).logits
  found = run(variables, maps).logits
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
