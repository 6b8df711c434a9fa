"""A tiny data set and its compiled programs, shared by all tests that train."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from pose_action.runtime import sharding, writers
from pose_action.training.predict_split import predict_split
from pose_action.training.program import build_program


@pytest.fixture(scope='session')
def data_dir(tmp_path_factory):
  folder = tmp_path_factory.mktemp('data')
  tiny_run.export(folder)
  return folder


@pytest.fixture(scope='session')
def several_labels_dir(tmp_path_factory):
  """The data set with one or two labels per clip."""
  folder = tmp_path_factory.mktemp('several_labels')
  tiny_run.export(folder, multi_label=True)
  return folder


def _config(data_dir, arg=''):
  config = tiny_run.get_config(arg).copy_and_resolve_references().unlock()
  config.data.data_dir = str(data_dir)
  return config


@pytest.fixture
def config(data_dir):
  """The tiny config, unlocked."""
  return _config(data_dir)


@pytest.fixture
def jmrn_config(data_dir):
  """The tiny config for a JMRN on the same clips, unlocked."""
  return _config(data_dir, 'jmrn')


@pytest.fixture(scope='session')
def one_device():
  return sharding.make_mesh(jax.devices()[:1])


@pytest.fixture(scope='session')
def eight_devices():
  return sharding.make_mesh()


@pytest.fixture(scope='session')
def data(data_dir):
  """30 training clips, 7 held out, 13 test clips."""
  return tiny_run.open_run_data(_config(data_dir))


@pytest.fixture(scope='session')
def program(data_dir, data, one_device):
  return build_program(_config(data_dir), data, one_device)


@pytest.fixture(scope='session')
def program_of_eight(data_dir, data, eight_devices):
  return build_program(_config(data_dir), data, eight_devices)


@pytest.fixture(scope='session')
def jmrn_data(data_dir):
  return tiny_run.open_run_data(_config(data_dir, 'jmrn'))


@pytest.fixture(scope='session')
def jmrn_program(data_dir, jmrn_data, one_device):
  """Tests with it need `loose_dtypes`, for Adam."""
  return build_program(_config(data_dir, 'jmrn'), jmrn_data, one_device)


@pytest.fixture(scope='session')
def variables(program, data):
  """An untrained model's variables, scaled so that clips' scores differ widely."""
  variables = program.initial_state(jnp.int32(3)).variables()
  classifier = variables['params']['action_cnn']['classifier']
  classifier['kernel'] *= 1000
  scores = predict_split(
    variables,
    data.test,
    data,
    program.evaluation_step,
    program.mesh,
    batch_size=8,
    num_views=2,
  ).probabilities
  classifier['bias'] = jnp.array(-np.log(scores).mean(axis=0))
  return variables


@pytest.fixture
def no_tensorboard(monkeypatch):
  """Writes no event files."""
  monkeypatch.setattr(writers, '_tensorboard_writer', lambda workdir: None)


@pytest.fixture
def loose_dtypes():
  """For libraries that mix dtypes: optax's Adam and drop on plateau (int32 with float32),
  Flax's BatchNorm (bfloat16 with float32)."""
  with jax.numpy_dtype_promotion('standard'):
    yield
