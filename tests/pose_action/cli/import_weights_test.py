"""tools/import_weights.py as a user calls it, on files like the official release's."""

import json
import os
import runpy
import shlex
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags
from ml_collections import config_flags
from places import PYTHON_PATH, ROOT

from pose_action.training.checkpoints import Checkpoints
from pose_action.training.model_registry import build_model
from pose_action.training.optimizers import make_optimizer, make_plateau, make_schedule
from pose_action.training.step import initial_state

TOOL = ROOT / 'tools' / 'import_weights.py'
# Skips all tests here where PyTorch is absent.
REFERENCE = runpy.run_path(str(ROOT / 'tests' / 'support' / 'torch_reference.py'))
torch = REFERENCE['torch']


def run(*args):
  return subprocess.run(
    [sys.executable, *map(str, args)],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'XLA_FLAGS': ''},
    capture_output=True,
    text=True,
    check=False,
  )


def reference(num_classes):
  model = REFERENCE['TorchJMRN'](
    num_classes,
    compressed=4,
    features=(6, 8),
    selector_features=5,
    reasoning_features=7,
    projection_features=3,
  )
  return REFERENCE['randomised'](model).eval()


def save(model, path):
  state = {f'module.{name}': value for name, value in model.state_dict().items()}
  torch.save(state, path)
  return path


def config_of(command, monkeypatch):
  """The config that `main.py` builds from a command line."""
  monkeypatch.chdir(ROOT)
  python, *argv = shlex.split(command)
  assert (python, argv[0]) == ('python', 'main.py')
  monkeypatch.setattr(sys, 'argv', argv)  # ml_collections reads it.
  values = flags.FlagValues()
  config_flags.DEFINE_config_file('config', flag_values=values)
  for name in ('workdir', 'mode'):
    flags.DEFINE_string(name, None, '', flag_values=values)
  values(argv)
  return values.config


def restored(workdir, config, num_classes):
  """The variables in the workdir's checkpoint, restored as a run restores them."""
  schedule = make_schedule(config.optimizer, total_steps=100, steps_per_epoch=10)
  shapes = jax.eval_shape(
    lambda seed: initial_state(
      build_model(config.model, num_classes),
      make_optimizer(config.optimizer, schedule),
      make_plateau(config.optimizer),
      jax.ShapeDtypeStruct((1, 18, *config.data.map_size, 3), jnp.float32),
      seed,
    ),
    jnp.int32(0),
  )
  place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
  checkpoints = Checkpoints(workdir)
  try:
    return checkpoints.restore_state(
      0,
      jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place),
        shapes,
      ),
    ).variables()
  finally:
    checkpoints.close()


# ml_collections loads config files in a way that Python will drop.
@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_imported_weights_compute_what_the_reference_computes(tmp_path, monkeypatch):
  model, workdir = reference(21), tmp_path / 'imported'
  done = run(
    TOOL,
    '--from=jmrn_official',
    save(model, tmp_path / 'best.pth'),
    f'--workdir={workdir}',
    '--split=2',
  )

  assert done.returncode == 0, done.stderr
  assert done.stderr.startswith('warning: classes are named class_0, class_1, …,')
  count = sum(
    parameter.numel()
    for name, parameter in model.named_parameters()
    if not name.startswith(('input_norm', 'bn1', 'bn2', 'bn3', 'bn4', 'bn_11'))
  )
  assert (
    f'{count:,} parameters; 18 joints, 3 channels per joint, 21 classes, c_dim 4'
    in (done.stdout)
  )
  assert 'input_norm, bn1, bn2, bn3, bn4, bn_11 and 26 batch counters' in done.stdout
  config = config_of(done.stdout.splitlines()[-1], monkeypatch)
  assert (config.data.dataset, config.data.test_split) == ('jhmdb', 'test2')
  assert config.data.poses == 'FOLDER'
  config.data.poses = ''
  saved = json.loads((workdir / 'config.json').read_text())
  assert saved == json.loads(json.dumps(config.to_dict()))

  maps = np.random.default_rng(0).uniform(size=(2, 18, 12, 18, 3)).astype(np.float32)
  apply = jax.jit(build_model(config.model, 21).apply, static_argnames='train')
  output = apply(restored(workdir, config, 21), jnp.array(maps), train=False)
  with torch.no_grad():
    expected = model(torch.tensor(maps.transpose(0, 4, 1, 2, 3)))
  found = (output.logits, output.joint_weights, output.joint_embeddings)
  for ours, theirs in zip(found, expected, strict=True):
    assert np.ptp(theirs.numpy(), axis=0).max() > 1e-3  # The clips differ.
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_an_error_is_one_line_and_leaves_nothing(tmp_path):
  names = tmp_path / 'names.txt'
  names.write_text('run\nsit\n')
  done = run(
    TOOL,
    '--from=jmrn_official',
    save(reference(5), tmp_path / 'best.pth'),
    f'--workdir={tmp_path / "imported"}',
    '--dataset=charades',
    f'--class_names={names}',
  )
  assert (done.returncode, done.stdout) == (1, '')
  assert done.stderr.startswith(
    f'error: {names} has 2 class names, but the weights have 5'
  )
  assert done.stderr.count('\n') == 1
  assert not (tmp_path / 'imported').exists()


def test_the_number_of_classes_tells_the_data_set():
  code = """
from pose_action.cli import import_weights
import_weights.FLAGS.parse(['--from=jmrn_official', '--workdir=w'])
print(*map(import_weights._dataset, (21, 51, 157)))
import_weights._dataset(5)
"""
  done = run('-c', code)
  assert done.stdout == 'jhmdb hmdb51 charades\n'
  assert 'the weights have 5 classes, unlike jhmdb (21), hmdb51' in done.stderr


def test_help_is_quick():
  code = f"""
import runpy, sys
sys.argv = ['{TOOL}', '--help']
try:
  runpy.run_path('{TOOL}', run_name='__main__')
finally:
  print('loaded:', {{'jax', 'numpy', 'torch'}} & set(sys.modules) or 'nothing')
"""
  done = run('-c', code)
  assert 'loaded: nothing' in done.stdout
  assert '--from=<jmrn_official>' in done.stdout
