"""Imports official checkpoints into workdirs and restores them; refuses other files."""

import json

import grain
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest

from configs.shared import base
from jmrn_jax.official_weights import WeightsError
from pose_action.inference import import_weights
from pose_action.training import optimizers
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.model_registry import build_model
from pose_action.training.step import initial_state

torch = pytest.importorskip(
  'torch', reason='PyTorch, which reads the official files, is not installed'
)

FIELDS = {
  'compressed': 4,
  'features': (6, 8),
  'selector_features': 5,
  'reasoning_features': 7,
  'projection_features': 3,
}
NAMES = ('run', 'sit', 'wave')


def state_dict(joints=18, channels=3, num_classes=3, prefix='module.'):
  """Random tensors by their official names; the shapes are literals, not computed."""
  shapes = {
    'conv1': (6, channels, 3, 3),
    'conv2': (6, 6, 3, 3),
    'conv3': (8, 6, 3, 3),
    'conv4': (8, 8, 3, 3),
    'conv_11': (4, 8, 1, 1),
    'joint_attention_block.one_x_one': (5, joints * 8, 1, 1),
    'joint_attention_block.linear': (joints, 5),
    'one_one_conv': (7, joints * 4, 1, 1),
    'conv5': (7, 7, 3, 3),
    'conv6': (7, 7, 3, 3),
    'FC': (num_classes, 7),
    'projection_head': (3, 8),
    'projection_head2': (3, 3),
    'bn5': (7,),
    'bn6': (7,),
    **{f'batch_norms.{joint}': (channels,) for joint in range(joints)},
  }
  rng = np.random.default_rng(0)
  state = {}
  for name, shape in shapes.items():
    parts = {'weight': shape, 'bias': shape[:1]}
    if len(shape) == 1:
      parts |= {'running_mean': shape, 'running_var': shape}
    for part, shape_of_part in parts.items():
      values = rng.uniform(0.1, 0.5, shape_of_part).astype(np.float32)
      state[f'{prefix}{name}.{part}'] = torch.tensor(values)
  return state


def published():
  config = base.base_config()
  config.data.map_size = (16, 16)
  config.model = ml_collections.ConfigDict(
    {'name': 'jmrn', 'dtype': 'float32', 'dropout': 0.25, 'siamese': True}
    | FIELDS
    | {'compressed': 128}
  )
  config.optimizer.name = 'adam'
  config.optimizer.schedule = 'steps'
  config.optimizer.decay_epochs = (3, 5)
  return config.lock()


@pytest.fixture
def checkpoint(tmp_path):
  path = tmp_path / 'best.pth'
  torch.save(state_dict(), path)
  return path


@pytest.fixture
def weights(checkpoint):
  return import_weights.read_jmrn_official(checkpoint)


def write(weights, workdir, **changes):
  config = import_weights.jmrn_official_config(published(), weights)
  given = {'config': config, 'class_names': NAMES} | changes
  import_weights.write_workdir(weights, workdir, **given)
  return config


def test_config_takes_the_sizes_of_the_weights_and_keeps_the_rest(weights):
  config = import_weights.jmrn_official_config(published(), weights)
  assert config.is_locked
  assert config.model.to_dict() == FIELDS | {
    'name': 'jmrn',
    'dtype': 'float32',
    'dropout': 0.25,
    'siamese': True,
  }
  data = config.data
  assert (data.encoding, data.representation, data.format) == (
    'potion',
    'potion',
    'jmrn_official',
  )
  assert (data.skeleton, data.background) == ('jmrn_official_background', False)
  assert data.potion.weights == 'integer_break'
  assert published().data.potion.weights == 'exact'


def test_a_workdir_restores_to_the_state_of_a_run(weights, tmp_path):
  config = write(weights, tmp_path / 'new' / 'run')
  model = build_model(config.model, 3)

  def fresh_state(seed):
    # As a run makes it, which knows the number of steps per epoch from its data.
    schedule = optimizers.make_schedule(
      config.optimizer, total_steps=1000, steps_per_epoch=10
    )
    adam = optimizers.make_optimizer(config.optimizer, schedule)
    plateau = optimizers.make_plateau(config.optimizer)
    maps = jax.ShapeDtypeStruct((1, 18, 16, 16, 3), jnp.float32)
    return initial_state(model, adam, plateau, maps, seed)

  place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
  shapes = jax.tree.map(
    lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place),
    jax.eval_shape(fresh_state, jnp.int32(0)),
  )
  checkpoints = Checkpoints(tmp_path / 'new' / 'run')
  try:
    assert (checkpoints.latest_step, checkpoints.best_step) == (0, None)
    state = checkpoints.restore_state(0, shapes)
    description = checkpoints.run_description(0)
    iterator = iter(grain.MapDataset.range(3).to_iter_dataset())
    with pytest.raises(ValueError, match='were imported, so there is no training to'):
      checkpoints.restore_iterator(0, iterator)
  finally:
    checkpoints.close()

  assert state.step == 0
  assert state.plateau.scale == 1
  assert not any(jnp.any(leaf) for leaf in jax.tree.leaves(state.opt_state))
  assert state.key == jax.random.split(jax.random.key(config.seed))[1]
  jax.tree.map(np.testing.assert_array_equal, state.variables(), weights.variables)
  saved = json.loads((tmp_path / 'new' / 'run' / 'config.json').read_text())
  assert saved == description['config'] == json.loads(json.dumps(config.to_dict()))
  # It does not describe training clips.
  assert description.keys() == {'config', 'class_names', 'skeleton'}
  assert description['class_names'] == list(NAMES)
  assert description['skeleton']['joints'][5:7] == ['left_shoulder', 'right_shoulder']
  assert description['skeleton']['joints'][17:] == ['neck']
  assert description['skeleton']['background'] is False


def test_an_empty_workdir_is_used_and_a_filled_one_is_refused(weights, tmp_path):
  workdir = tmp_path / 'run'
  workdir.mkdir()
  write(weights, workdir)
  assert {path.name for path in workdir.iterdir()} == {'config.json', 'checkpoints'}
  before = sorted(workdir.rglob('*'))
  with pytest.raises(ValueError, match='run is already in use; give a --workdir that'):
    write(weights, workdir)
  assert sorted(workdir.rglob('*')) == before


def test_a_failed_import_leaves_nothing(weights, tmp_path):
  config = published()
  pattern = 'compression/bias, params/compression/kernel.* Use the config from'
  with pytest.raises(ValueError, match=pattern):
    write(weights, tmp_path / 'folder' / 'run', config=config)
  assert list((tmp_path / 'folder').iterdir()) == []


def test_class_names(tmp_path):
  assert import_weights.read_class_names(None, 2) == ('class_0', 'class_1')
  path = tmp_path / 'names.txt'
  path.write_text('run\n sit down \n\nwave\n')
  assert import_weights.read_class_names(path, 3) == ('run', 'sit down', 'wave')
  with pytest.raises(ValueError, match='has 3 class names, but the weights have 4'):
    import_weights.read_class_names(path, 4)
  path.write_text('run\nsit\nrun\n')
  with pytest.raises(ValueError, match=r'names\.txt names run more than once'):
    import_weights.read_class_names(path, 3)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ({'epoch': 3}, 'holds a dict, .* Give the file that the official training saved'),
    ({'fc.weight': torch.zeros(2)}, 'best.pth: these are not the weights of the'),
  ],
)
def test_other_content_is_refused(tmp_path, content, message):
  torch.save(content, tmp_path / 'best.pth')
  with pytest.raises(WeightsError, match=message):
    import_weights.read_jmrn_official(tmp_path / 'best.pth')


def test_a_file_that_is_not_a_checkpoint(tmp_path):
  (tmp_path / 'best.pth').write_text('not found')
  with pytest.raises(WeightsError, match=r'best\.pth is refused'):
    import_weights.read_jmrn_official(tmp_path / 'best.pth')
  with pytest.raises(FileNotFoundError, match=r'absent\.pth'):
    import_weights.read_jmrn_official(tmp_path / 'absent.pth')


def test_other_joints_are_refused(tmp_path):
  torch.save(state_dict(joints=17), tmp_path / 'best.pth')
  weights = import_weights.read_jmrn_official(tmp_path / 'best.pth')
  with pytest.raises(WeightsError, match=r'for 17 joints, but only .* 18 joints'):
    import_weights.jmrn_official_config(published(), weights)
