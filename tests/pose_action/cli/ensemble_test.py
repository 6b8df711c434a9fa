"""`pose-action train`, `evaluate` and `predict` on ensembles: flags and refusals.

tests/pose_action/ensembles trains one.
"""

import json
import sys

import numpy as np
import pytest
import tiny_run
import untrained_run

from pose_action.cli.launch import program
from pose_action.fusion.fused_members import FusedMembers
from pose_action.runtime import writers

# ml_collections loads config files in a way that Python will drop.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')

CONFIG = """
import tiny_run
from configs.shared import ensemble

def get_config(arg=''):
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  ensemble.add_members(config, a={}, b={'optimizer.plateau': arg, 'seed': 1})
  return config.lock()
"""


@pytest.fixture
def call(monkeypatch, capsys):
  """Calls a program; returns its exit status, and what it printed."""
  monkeypatch.setattr(sys, 'argv', ['pose-action'])

  def run(verb, *flags):
    status = 0
    try:
      program.run(verb, [*map(str, flags)])
    except SystemExit as stopped:
      status = stopped.code
    out, err = capsys.readouterr()
    return status, out + err

  return run


@pytest.fixture
def file(tmp_path):
  (tmp_path / 'my_ensemble.py').write_text(CONFIG)
  return tmp_path / 'my_ensemble.py'


def test_a_wrong_member_is_one_line(call, file, tmp_path):
  workdir = f'--workdir={tmp_path / "W"}'
  status, printed = call('train', f'--config={file}:accuracy', workdir)
  line, traceback = printed.splitlines()
  assert status == 1 and line.startswith(
    "ValueError: config.members.b: optimizer.plateau is 'accuracy', but the members of"
  )
  assert traceback == f'(traceback in {tmp_path / "W" / "error.log"})'
  status, printed = call(
    'train', f'--config={file}', workdir, '--config.members.b.sed=1'
  )
  assert status == 1 and len(printed.splitlines()) == 1
  assert 'did you mean config.members.b.seed' in printed


def test_jobs_are_for_ensembles(call, tmp_path):
  flags = ('--config=demo', f'--workdir={tmp_path / "W"}', '--jobs=2')
  status, printed = call('train', *flags)
  assert status == 1 and not (tmp_path / 'W').exists()
  assert printed.startswith('error: --jobs=2 needs a config with members (an ensemble)')


def test_the_config_of_an_ensemble_is_printed(call, file):
  status, printed = call('train', f'--config={file}', '--print_config')
  assert status == 0
  assert '\n  members.b.seed: 1' in printed and '# members: An ensemble: ' in printed


def test_evaluating_what_was_not_trained(call, file, tmp_path):
  folder = tmp_path / 'W'
  folder.mkdir()
  status, printed = call(
    'train', f'--config={file}', f'--workdir={folder}', '--mode=evaluate'
  )
  assert status == 1
  assert (
    f'ResumeError: there is no trained ensemble in {folder}; train first' in printed
  )


@pytest.fixture
def workdir(config, jmrn_config, tmp_path):
  """An ensemble of untrained members."""
  folders = {'joints': 'members/joints', 'motion': 'members/motion'}
  for folder, of_member in zip(folders.values(), (jmrn_config, config), strict=True):
    of_member.data.dataset = 'stick_actions'
    untrained_run.write_workdir(
      tmp_path / 'W' / folder, of_member, tiny_run.SKELETON, tiny_run.CLASS_NAMES
    )
  FusedMembers(folders, np.array([0.5, 0.5]), 1.0).write(tmp_path / 'W')
  return tmp_path / 'W'


@pytest.fixture
def poses(tmp_path):
  """A folder with one clip of star figures."""
  clip = tiny_run.source().load('test_501')
  folder = tmp_path / 'poses'
  folder.mkdir()
  np.save(
    folder / 'one.npy', np.concatenate([clip.keypoints, clip.scores[..., None]], -1)
  )
  joints = list(tiny_run.SKELETON.joints)
  skeleton = {'name': 'star', 'joints': joints, 'limbs': [], 'connected': False}
  (tmp_path / 'star.json').write_text(json.dumps(skeleton))
  return (
    f'--poses={folder}',
    '--format=numpy',
    f'--skeleton={tmp_path / "star.json"}',
    '--frame_size=64x48',
  )


@pytest.mark.usefixtures('loose_dtypes')
def test_predictions_show_the_members(call, workdir, poses):
  status, printed = call('predict', f'--workdir={workdir}', *poses, '--top=1')
  assert status == 0, printed
  heading, row = printed.splitlines()[-2:]
  assert heading.endswith('members (first class)  joints that counted')
  assert row.startswith('one ') and '  joints 0.' in row and ', motion 0.' in row


@pytest.mark.usefixtures('loose_dtypes')
def test_each_member_is_drawn(call, workdir, poses, monkeypatch):
  monkeypatch.setattr(writers, '_tensorboard_writer', lambda *args: None)
  status, printed = call('visualize', f'--workdir={workdir}', *poses)
  assert status == 0, printed
  pictures = workdir / 'visualizations'
  assert [
    p.relative_to(pictures).as_posix() for p in sorted(pictures.rglob('*.png'))
  ] == [
    'joints/one.png',
    'motion/one.png',
  ]


def test_an_unfinished_ensemble_does_not_predict(call, tmp_path, poses):
  (tmp_path / 'W' / 'held_out').mkdir(parents=True)
  status, printed = call('predict', f'--workdir={tmp_path / "W"}', *poses)
  assert status == 1
  assert printed.startswith(f'error: {tmp_path / "W"} holds an ensemble whose training')
