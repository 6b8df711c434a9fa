"""main.py from a user's view: fast --help, hints for typos, errors in one line."""

import contextlib
import io
import os
import subprocess
import sys
import time

import pytest
from places import ROOT
from program_calls import call


def _main(*flags, python=()):
  return subprocess.run(
    [sys.executable, *python, 'main.py', *flags],
    cwd=ROOT,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', 'XLA_FLAGS': ''},
    capture_output=True,
    text=True,
    timeout=120,
  )


def test_help_is_fast():
  start = time.monotonic()
  answer = _main('--help', python=('-X', 'importtime'))
  assert time.monotonic() - start < 3
  for flag in ('--config', '--workdir', '--mode', '--seeds', '--[no]distributed'):
    assert flag in answer.stdout
  imported = {line.rpartition('|')[2].strip() for line in answer.stderr.splitlines()}
  assert 'absl.flags' in imported
  assert not imported & {
    'jax',
    'tensorflow',
    'numpy',
    'pose_action.training.experiment',
  }


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--workdri=W'], "Unknown command line flag 'workdri'. Did you mean: workdir"),
    (['--mode=eval'], 'should be one of <train_and_evaluate|train|evaluate>'),
    (
      ['--workdir=W', '--config.optimizer.learningrate=1'],
      'did you mean config.optimizer.learning_rate?',
    ),
    (['--workdir=W', 'quick'], "unexpected argument 'quick'"),
    ([], '--workdir is missing: Output folder.'),
  ],
)
@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_mistyped_flags_get_a_hint(flags, message):
  answer = call('train', '--config=configs/demo.py', *flags)
  assert answer.returncode != 0
  assert message in answer.stderr + answer.stdout


@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_mistyped_config_options_get_a_hint():
  answer = call('train', '--config=configs/pa3d_jhmdb.py:spilt=2', '--workdir=W')
  assert answer.returncode != 0
  assert "did you mean 'split'?" in answer.stderr


def test_missing_poses_are_reported_without_a_traceback(tmp_path):
  workdir = tmp_path / 'run'
  answer = _main(
    '--config=configs/pa3d_jhmdb.py:representation=keypoints',
    f'--workdir={workdir}',
    f'--config.data.data_dir={tmp_path / "data"}',
    f'--config.data.poses={tmp_path / "nowhere"}',
  )
  assert answer.returncode == 1
  message, needs, where = answer.stderr.splitlines()[-3:]
  assert needs.startswith('jhmdb needs ')
  assert message.startswith('PoseDataError: ')
  assert f'{tmp_path / "nowhere"} does not exist' in message
  log = workdir / 'error.log'
  assert where == f'(traceback in {log})'
  assert 'Traceback' not in answer.stderr
  assert 'Traceback' in log.read_text()
  assert message in log.read_text()


def test_a_reader_that_leaves_early_causes_no_error():
  command = f'{sys.executable} main.py --config=demo --print_config | head -1'
  answer = subprocess.run(
    command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60
  )
  assert answer.stdout.count('\n') == 1
  assert answer.stderr == ''


@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_a_full_disk_is_one_line_also_while_error_log_is_written(tmp_path, monkeypatch):
  from pose_action.cli import train
  from pose_action.host import atomic_files
  from pose_action.training import experiment

  def full(*args, **kwargs):
    raise OSError(28, 'No space left on device')

  workdir = tmp_path / 'run'
  workdir.mkdir()
  (workdir / 'error.log').write_text('an earlier error')
  monkeypatch.setattr(experiment, 'train_and_evaluate', full)
  monkeypatch.setattr(atomic_files, 'write_text', full)
  said = io.StringIO()
  with contextlib.redirect_stderr(said), pytest.raises(SystemExit, match='1'):
    train.main(train.FLAGS.parse(['--config=configs/demo.py', f'--workdir={workdir}']))
  assert said.getvalue() == (
    f'OSError: {workdir}: the disk is full: free some space, or choose another folder\n'
  )
  assert (workdir / 'error.log').read_text() == 'an earlier error'
