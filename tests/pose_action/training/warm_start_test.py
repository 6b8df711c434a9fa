"""A run that starts with another run's action CNN."""

import functools

import jax
import numpy as np
import pytest
import tiny_run

from pose_action.runtime import sharding
from pose_action.training import experiment
from pose_action.training.program import build_program
from pose_action.training.saved_checkpoints import SavedCheckpoints
from pose_action.training.saved_model import SavedModelError, load_model
from pose_action.training.warm_start import start_from


@pytest.fixture(scope='module')
def workdir(data_dir, tmp_path_factory):
  """The workdir of a run that trained one epoch."""
  folder = tmp_path_factory.mktemp('pretrained')
  config = tiny_run.get_config().unlock()
  config.data.data_dir = str(data_dir)
  config.train.epochs = 1
  experiment.train_and_evaluate(config, str(folder), evaluates=False, mesh=_mesh())
  return folder


def _mesh(devices=1):
  return sharding.make_mesh(jax.devices()[:devices])


def initial_state(config, mesh):
  data = tiny_run.open_run_data(config)
  return build_program(config, data, mesh).initial_state(np.int32(7))


def assert_same(one, other):
  jax.tree.map(functools.partial(np.testing.assert_array_equal), one, other)


@pytest.mark.parametrize('devices', [1, 8])
def test_the_action_cnn_is_the_saved_one_and_the_rest_is_fresh(
  config, workdir, devices
):
  mesh = _mesh(devices)
  saved = load_model(workdir, mesh=mesh)
  fresh = initial_state(config, mesh)
  lines = []
  state = start_from(fresh, saved, ('action_cnn',), lines.append)
  assert_same(state.params['action_cnn'], saved.variables['params']['action_cnn'])
  assert_same(
    state.collections['batch_stats']['action_cnn'],
    saved.variables['batch_stats']['action_cnn'],
  )
  assert_same(state.params['temporal_pose_conv'], fresh.params['temporal_pose_conv'])
  kernel = fresh.params['action_cnn']['conv1_1']['kernel']
  assert not np.allclose(kernel, state.params['action_cnn']['conv1_1']['kernel'])
  assert [leaf.sharding for leaf in jax.tree.leaves(state.params)] == [
    leaf.sharding for leaf in jax.tree.leaves(fresh.params)
  ]
  assert lines == ['12 of 12 arrays are from the saved model at step 3']


def test_what_does_not_fit_stays_as_drawn_and_is_named(config, workdir):
  config.model.outputs = 6
  mesh = _mesh()
  fresh = initial_state(config, mesh)
  lines = []
  state = start_from(
    fresh, load_model(workdir, mesh=mesh), ('action_cnn',), lines.append
  )
  name = 'conv1_1/kernel'
  assert lines == [
    '11 of 12 arrays are from the saved model at step 3; newly initialised:'
    f' action_cnn/{name} (3, 3, 30, 8) (saved: (3, 3, 20, 8))'
  ]
  assert_same(
    state.params['action_cnn']['conv1_1'], fresh.params['action_cnn']['conv1_1']
  )


def test_a_run_begins_with_it_and_is_resumed_without_it(
  config, workdir, tmp_path, capsys
):
  config.train.epochs = 1
  config.train.init_from = str(workdir)
  config.optimizer.learning_rate = 0.0
  config.optimizer.weight_decay = 0.0
  experiment.train_and_evaluate(config, str(tmp_path), evaluates=False, mesh=_mesh())
  assert 'arrays are from the saved model' in capsys.readouterr().out
  kept = load_model(tmp_path, mesh=_mesh()).variables['params']['action_cnn']
  assert_same(kept, load_model(workdir, mesh=_mesh()).variables['params']['action_cnn'])

  config.train.epochs = 2
  with pytest.raises(ValueError, match=r'config\.train\.epochs was 1'):
    experiment.train_and_evaluate(config, str(tmp_path), mesh=_mesh())
  config.train.epochs = 1
  experiment.train_and_evaluate(config, str(tmp_path), evaluates=False, mesh=_mesh())
  assert 'arrays are from' not in capsys.readouterr().out


@pytest.mark.parametrize('modules', [('joint_encoder',), ()])
def test_a_module_that_is_not_there(config, workdir, modules):
  state = initial_state(config, _mesh())
  message = r'the saved model has the modules action_cnn, temporal_pose_conv; give some'
  with pytest.raises(ValueError, match=message):
    start_from(state, load_model(workdir, mesh=_mesh()), modules, print)


def test_a_network_of_other_sizes(config, workdir):
  config.model.features = (12,)
  state = initial_state(config, _mesh())
  saved = load_model(workdir, mesh=_mesh())
  saved.variables['params']['action_cnn'].pop('classifier')
  with pytest.raises(ValueError, match='no array of action_cnn fits'):
    start_from(state, saved, ('action_cnn',), print)


def test_there_are_two_checkpoints(workdir):
  with pytest.raises(SavedModelError, match="checkpoint is 'first'; give 'best' or"):
    load_model(workdir, checkpoint='first', mesh=_mesh())
  assert load_model(workdir, checkpoint='last', mesh=_mesh()).step == 3
  assert SavedCheckpoints(workdir).latest_step == 3


def test_an_average_starts_from_the_saved_modules(config, workdir):
  """Its arrays are copies: the step that donates the state runs."""
  config.train.average_decay = 0.9
  mesh = _mesh()
  program = build_program(config, tiny_run.open_run_data(config), mesh)
  fresh = program.initial_state(np.int32(7))
  saved = load_model(workdir, mesh=mesh)
  state = start_from(fresh, saved, ('action_cnn',), lambda line: None)
  assert_same(state.average, state.params)
  batch = tiny_run.training_batch(tiny_run.open_run_data(config))
  batch = sharding.global_batch(batch, mesh)
  state, _ = program.train_step(state, program.empty_metrics(), batch)
  assert int(state.step) == 1
