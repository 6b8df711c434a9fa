"""The walk-through in docs/data_formats.md, with every command, on real OpenPose output."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from places import PYTHON_PATH, ROOT, WITHOUT_TENSORBOARD

PAGE = (ROOT / 'docs' / 'data_formats.md').read_text('utf-8')
# Smaller sizes, for a test.
LESS = (
  '--config.train.epochs=1',
  '--config.eval.views=1',
  '--config.train.batch_size=4',
  '--config.data.validation_folds=3',
  '--config.model.features=(8,16)',
)


def commands() -> list[list[str]]:
  block = re.search(r'<!-- walk-through -->\n```\n(.*?)\n```', PAGE, re.DOTALL)
  assert block, 'docs/data_formats.md has no walk-through'
  return [shlex.split(line)[1:] for line in block[1].splitlines()]


@pytest.fixture
def poses(shared_data, tmp_path):
  """Two classes with four videos of 20 frames each, cut from two real videos."""
  single = shared_data / 'openpose_json' / 'single'
  for camera, name in (('cam02_json', 'wave'), ('cam03_json', 'walk')):
    frames = sorted((single / camera).glob('*.json'))
    for number in range(4):
      folder = tmp_path / 'poses' / name / f'{name}{number}'
      folder.mkdir(parents=True)
      for frame in frames[20 * number : 20 * number + 20]:
        shutil.copy(frame, folder)
  return tmp_path


def run(command: list[str], cwd: pathlib.Path) -> str:
  more = LESS if command[0] == 'main.py' else ()
  done = subprocess.run(
    [sys.executable, str(ROOT / command[0]), *command[1:], *more],
    cwd=cwd,
    env=os.environ
    | {
      'PYTHONPATH': os.pathsep.join([PYTHON_PATH, WITHOUT_TENSORBOARD]),
      'XLA_FLAGS': '',
      'JAX_PLATFORMS': 'cpu',
      'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',  # Compiles faster.
    },
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stdout + done.stderr
  return done.stdout


def test_from_a_folder_of_openpose_json_to_a_confusion_matrix(poses):
  validate, export, train, predict = (
    [part.replace('--config=', f'--config={ROOT}/') for part in command]
    for command in commands()
  )
  assert 'wave' in run(validate, poses)
  assert (poses / 'poses.png').stat().st_size > 10_000
  assert 'all: 8 of 8 clips' in run(export, poses)
  run(train, poses)
  results = json.loads((poses / 'run' / 'results.json').read_text())
  assert results['evaluations'][0]['num_clips'] >= 2
  assert (poses / 'run' / 'confusion_matrix.png').is_file()
  told = run(predict, poses)
  assert told.count('walk') >= 4
