"""The moving average of the parameters, against numpy, and a run judged by it."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run
from interrupted_run import (
  run,
  saved_bits,
  saved_state,
  signalled_at,
  stopped_after,
  undisturbed,
)

from pose_action.runtime import sharding
from pose_action.training.program import build_program
from pose_action.training.saved_model import load_model
from pose_action.training.weight_average import decay_at, updated_average

LAST_STEP = 12


def averaging(config):
  """Judged by the average, with all random features and saves between evaluations."""
  config.train.average_decay = 0.5
  config.train.checkpoint_every_steps = 2
  config.eval.weights = 'average'
  return config


@pytest.fixture
def config(config):
  return averaging(config)


@pytest.fixture(scope='module')
def whole(tmp_path_factory, data_dir, one_device):
  config = averaging(tiny_run.get_config().unlock())
  workdir = tmp_path_factory.mktemp('averaging') / 'run'
  return undisturbed(config, workdir, data_dir, one_device)


@pytest.mark.parametrize(
  ('step', 'decay'), [(0, 1 / 10), (1, 2 / 11), (81, 82 / 91), (890, 0.99), (900, 0.99)]
)
def test_the_decay_rises_to_its_full_value(step, decay):
  np.testing.assert_allclose(decay_at(jnp.int32(step), 0.99), decay, rtol=1e-6)


def test_an_average_by_hand():
  """Step 0: 0.1 · 10 + 0.9 · 20 = 19; step 8, d = min(0.25, 1/2): 0.25 · 19 + 0.75 · 3."""
  average = {'w': jnp.full(2, 10.0)}
  average = updated_average(average, {'w': jnp.full(2, 20.0)}, jnp.int32(0), 0.25)
  np.testing.assert_allclose(average['w'], [19, 19], rtol=1e-6)
  average = updated_average(average, {'w': jnp.full(2, 3.0)}, jnp.int32(8), 0.25)
  np.testing.assert_allclose(average['w'], [7, 7], rtol=1e-6)


def test_no_average_is_kept_by_default(program):
  state = program.state_shapes
  assert state.average is None
  assert updated_average(None, {'w': jnp.ones(2)}, jnp.int32(0), 0.0) is None
  assert not [
    p for p, _ in jax.tree_util.tree_leaves_with_path(state) if 'average' in p
  ]


def test_steps_follow_the_parameters(config, data, one_device):
  program = build_program(config, data, one_device)
  batch = sharding.global_batch(tiny_run.training_batch(data), one_device)
  state = program.initial_state(jnp.int32(0))
  metrics = program.empty_metrics()
  wanted = jax.device_get(state.params)
  jax.tree.map(np.testing.assert_array_equal, jax.device_get(state.average), wanted)
  for step in range(3):
    state, metrics = program.train_step(state, metrics, batch)
    d = min(0.5, (1 + step) / (10 + step))
    params = jax.device_get(state.params)
    wanted = jax.tree.map(
      lambda old, new, d=d: np.float32(d) * old + np.float32(1 - d) * new,
      wanted,
      params,
    )
    found = jax.device_get(state.average)
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), found, wanted
    )
  assert state.variables('average')['params'] is state.average
  assert state.variables()['params'] is state.params
  assert state.variables('average')['batch_stats'] is state.collections['batch_stats']


@pytest.mark.long  # sharding_test.py divides the whole state.
def test_a_sharded_average_is_the_same(config, data, one_device, eight_devices):
  """With 'fsdp' the average is divided over the devices like the parameters."""
  config.model.features = (128,)  # Otherwise nothing is large enough to be divided.
  averages = []
  for mesh in (one_device, eight_devices):
    config.train.state_sharding = 'fsdp' if mesh.size > 1 else 'replicated'
    program = build_program(config, data, mesh)
    batch = sharding.global_batch(tiny_run.training_batch(data), mesh)
    state = program.initial_state(jnp.int32(0))
    state, _ = program.train_step(state, program.empty_metrics(), batch)
    places = [leaf.sharding for leaf in jax.tree.leaves(state.average)]
    assert places == [leaf.sharding for leaf in jax.tree.leaves(state.params)]
    assert any(not p.is_fully_replicated for p in places) == (mesh.size > 1)
    averages.append(jax.device_get(state.average))
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), *averages
  )


def test_both_weights_of_the_last_checkpoint_are_evaluated(whole):
  workdir, results = whole
  found = [(e['split'], e['checkpoint'], e['scores']) for e in results['evaluations']]
  assert found == [
    ('validation', 'last', 'scores_validation.npz'),
    ('test', 'last', 'scores_test.npz'),
    ('validation', 'average', 'scores_validation_average.npz'),
    ('test', 'average', 'scores_test_average.npz'),
    ('validation', 'best', 'scores_validation_best.npz'),
    ('test', 'best', 'scores_test_best.npz'),
  ]
  last, average = (
    np.load(workdir / f'scores_test{suffix}.npz')['scores']
    for suffix in ('', '_average')
  )
  assert np.abs(last - average).max() > 1e-4
  assert results['headline'] == {'split': 'test', 'checkpoint': 'best'}
  assert 'figure of the averaged weights during training' in results['selection_rule']
  assert '; averaged weights; seed 0' in results['protocol']


def test_validation_and_the_best_checkpoint_use_the_average(whole):
  workdir, results = whole
  lines = tiny_run.metrics_without_speeds(workdir)
  during = [line for line in lines if 'validation/accuracy' in line]
  averaged = results['evaluations'][2]
  assert averaged['accuracy'] == during[-1]['validation/accuracy']
  best = max(during, key=lambda line: (line['validation/accuracy'], line['step']))
  assert results['evaluations'][4]['step'] == best['step']
  assert results['evaluations'][4]['accuracy'] == best['validation/accuracy']


def test_a_loaded_model_has_the_average(whole, config, data, one_device):
  workdir, _ = whole
  program = build_program(config, data, one_device)
  state = saved_state(workdir, program, LAST_STEP)
  saved = load_model(workdir, checkpoint='last', mesh=one_device)
  wanted = state.variables('average')
  jax.tree.map(np.testing.assert_array_equal, saved.variables, wanted)


@pytest.mark.long
def test_resuming_is_exact(whole, config, data, tmp_path, one_device, no_tensorboard):
  """Stopped between two checkpoints, and by a signal in an evaluation."""
  workdir, results = whole
  with stopped_after(5):
    run(config, tmp_path, one_device)
  with signalled_at(2, 'stopped at step 6'):
    run(config, tmp_path, one_device)
  assert run(config, tmp_path, one_device) == results
  program = build_program(config, data, one_device)
  assert saved_bits(tmp_path, program, LAST_STEP) == saved_bits(
    workdir, program, LAST_STEP
  )
  lines = tiny_run.metrics_without_speeds(tmp_path)
  assert lines == tiny_run.metrics_without_speeds(workdir)


@pytest.mark.long
def test_the_plain_weights_can_be_the_headline(
  config, tmp_path, one_device, no_tensorboard
):
  """And they learn the same as without an average."""
  config.eval.weights = 'last'
  config.data.validation_folds = 0
  config.train.epochs = 1
  config.train.checkpoint_every_steps = 0
  judged_by_last = run(config, tmp_path / 'both', one_device)
  assert judged_by_last['headline'] == {'split': 'test', 'checkpoint': 'last'}
  assert [e['checkpoint'] for e in judged_by_last['evaluations']] == ['last', 'average']
  config.train.average_decay = 0.0
  plain = run(config, tmp_path / 'plain', one_device)
  assert plain['evaluations'] == judged_by_last['evaluations'][:1]


def test_without_a_best_checkpoint_the_average_is_the_headline(
  config, tmp_path, one_device, no_tensorboard
):
  config.data.validation_folds = 0
  config.train.epochs = 1
  results = run(config, tmp_path, one_device)
  assert results['headline'] == {'split': 'test', 'checkpoint': 'average'}
  assert (
    results['selection_rule'] == 'none: the last checkpoint of the averaged weights'
  )
  assert json.loads((tmp_path / 'results.json').read_text()) == results


@pytest.mark.parametrize(
  ('decay', 'weights', 'message'),
  [
    (1.0, 'last', r'config\.train\.average_decay is 1\.0; .* below 1, such as 0\.99'),
    (-0.1, 'last', r'config\.train\.average_decay is -0\.1'),
    (0.9, 'auto', r"config\.eval\.weights is 'auto'; give 'last' or 'average'"),
    (0.0, 'average', r"weights is 'average', but config\.train\.average_decay is 0"),
  ],
)
def test_settings_that_cannot_be(config, data, one_device, decay, weights, message):
  config.train.average_decay = decay
  config.eval.weights = weights
  with pytest.raises(ValueError, match=message):
    build_program(config, data, one_device)
