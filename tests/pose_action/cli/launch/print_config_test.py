"""`--print_config`: every field with its source and meaning; nothing is trained."""

import os
import subprocess
import sys

import ml_collections
import pytest
from places import ROOT

from configs import demo, jmrn_charades, pa3d_jhmdb, potion_jhmdb
from configs.shared import base, jmrn_model
from pose_action.cli.launch.print_config import config_text
from pose_action.host.nested import flattened


def lines_of(config):
  """The printed lines by field: (mark, value and comment)."""
  lines = {}
  for line in config_text(config).splitlines():
    if not line.lstrip().startswith('#'):
      name, _, rest = line[2:].partition(': ')
      lines[name] = (line[0], rest)
  return lines


@pytest.mark.parametrize(
  'config',
  [
    demo.get_config(),
    pa3d_jhmdb.get_config('quick,modality=parts'),
    jmrn_charades.get_config(),
    potion_jhmdb.get_config('deeper'),
  ],
)
def test_prints_every_field_and_marks_those_that_changed(config):
  lines = lines_of(config)
  values = flattened(config.to_dict())
  assert set(lines) == set(values)
  defaults = flattened(base.base_config().to_dict())
  for name, value in values.items():
    mark, rest = lines[name]
    assert rest.startswith(f'{value!r}  # ')
    if name in defaults:
      assert (mark == '*') == (value != defaults[name]), name
      assert (f'# default {defaults[name]!r}: ' in rest) == (mark == '*')


def test_lines_by_hand():
  config = base.base_config()
  config.data.num_frames = 8
  config.model = jmrn_model.jmrn(32, dropout=0.25)
  config.train.own = 2
  lines = config_text(config).splitlines()
  comment = "T, frames per clip; for sampling 'whole' the maximum"
  assert f'* data.num_frames: 8  # default 4: {comment}' in lines
  assert (
    '  data.max_persons: 2  # ours: a second person matters, a crowd is noise' in lines
  )
  comment = 'rate at which whole channels are dropped'
  assert f'* model.dropout: 0.25  # default 0.0: {comment}' in lines
  # The function takes it as an argument, so it has no default.
  comment = 'c_dim, channels per joint in the joint reasoning'
  assert f'  model.compressed: 32  # {comment}' in lines
  group = lines.index(
    '  # train.contrastive: The joint-contrastive loss, JMRN Eq. 1 and 2.'
  )
  following = '  train.contrastive.weight: 0.0  # λ; 0 leaves the loss out'
  assert lines[group + 1] == following
  assert lines[-1] == '  train.own: 2'  # Neither a default nor a comment.


def test_sources_by_hand():
  config = base.base_config()
  config.data.num_frames = 8
  config.data.read_threads = 3
  config.model = jmrn_model.jmrn(32)
  config.train.own = 2
  lines = config_text(
    config,
    {
      'data.num_frames': 'PA3D Sec. 4.1.',  # As a sentence above the code.
      'train.batch_size': 'PA3D Sec. 4',  # Gives the default's value.
      'model.compressed': 'official script',
      'model.name': 'a name in pose_action/training/model_registry.py',  # No news.
      'train.own': 'ours',
    },
  ).splitlines()
  meaning = "T, frames per clip; for sampling 'whole' the maximum"
  assert f'* data.num_frames: 8  # PA3D Sec. 4.1 (default 4: {meaning})' in lines
  assert '* data.read_threads: 3  # default 2: threads that read ahead' in lines
  (batch,) = (line for line in lines if 'train.batch_size' in line)
  assert batch.startswith(
    '  train.batch_size: 32  # PA3D Sec. 4 (Clips in a batch, on all'
  )
  meaning = 'c_dim, channels per joint in the joint reasoning'
  assert f'  model.compressed: 32  # official script ({meaning})' in lines
  meaning = 'a name in pose_action/training/model_registry.py'
  assert f"  model.name: 'jmrn'  # {meaning}" in lines
  assert lines[-1] == '  train.own: 2  # ours'


@pytest.mark.parametrize('model', [None, {'name': 'registered', 'width': 3}])
def test_a_config_with_another_model_or_none(model):
  config = base.base_config()
  if model:
    config.model = ml_collections.ConfigDict(model)
  lines = lines_of(config)
  assert lines['seed'][0] == ' '
  assert ('model.width' in lines) == bool(model)
  if model:
    assert lines['model.width'] == (' ', '3')


def run(*flags, program='main.py', python=()):
  return subprocess.run(
    [sys.executable, *python, program, *flags],
    cwd=ROOT,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', 'XLA_FLAGS': ''},
    capture_output=True,
    text=True,
    timeout=120,
  )


def test_the_program_prints_options_and_overrides_without_a_workdir_or_jax():
  done = run(
    '--config=configs/pa3d_jhmdb.py:quick,split=2',
    '--config.train.epochs=7',
    '--config.augment.scale=(0.5,2.0)',
    '--print_config',
    python=('-X', 'importtime'),
  )
  assert done.returncode == 0, done.stderr
  assert "* data.train_split: 'train2'  # option split=2 (default '': " in done.stdout
  assert '* train.epochs: 7  # from the command line (default 100: ' in done.stdout
  assert '* augment.scale: (0.5, 2.0)  # from the command line (def' in done.stdout
  assert '* data.part_width: 1.0  # ours (default 1.5: ' in done.stdout
  assert '  train.batch_size: 32  # PA3D Sec. 4 (Clips in a batch' in done.stdout
  imported = {line.rpartition('|')[2].strip() for line in done.stderr.splitlines()}
  assert 'ml_collections' in imported
  assert not imported & {'jax', 'flax', 'numpy', 'tensorflow'}


def test_the_program_needs_a_config():
  done = run('--print_config')
  assert done.returncode == 1
  assert 'error: --config is missing: ' in done.stderr
