"""main.py as a user meets it: quick answers to what is mistyped, clean errors."""

import os
import subprocess
import sys
import time

import pytest
from places import ROOT


def _main(*flags, python=()):
  return subprocess.run(
    [sys.executable, *python, 'main.py', *flags],
    cwd=ROOT,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', 'XLA_FLAGS': ''},
    capture_output=True,
    text=True,
    timeout=120,
  )


def test_help_answers_at_once():
  start = time.monotonic()
  answer = _main('--help', python=('-X', 'importtime'))
  assert time.monotonic() - start < 3
  for flag in ('--config', '--workdir', '--mode', '--[no]distributed'):
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
      'Did you mean "learning_rate" instead of "learningrate"?',
    ),
    (['--workdir=W', 'quick'], "unexpected argument 'quick'"),
    ([], '--workdir is missing: Output folder.'),
  ],
)
def test_mistyped_flags_are_answered_with_what_was_meant(flags, message):
  answer = _main('--config=configs/demo.py', *flags)
  assert answer.returncode != 0
  assert message in answer.stderr + answer.stdout


def test_mistyped_options_of_a_config():
  answer = _main('--config=configs/pa3d_jhmdb.py:spilt=2', '--workdir=W')
  assert answer.returncode != 0
  assert "did you mean 'split'?" in answer.stderr


def test_what_cannot_be_is_said_cleanly(tmp_path):
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
