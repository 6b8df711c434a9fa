"""Files that the user may not read, and folders where nothing may be written."""

import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

import pytest
from hostile_files import annotation
from places import PYTHON_PATH, ROOT

_NOBODY = 65534
_CONFIG = ROOT / 'tests' / 'support' / 'tiny_run.py'
_UNREADABLE = 77
# Runs a program, which imports all that it needs, then others without root's rights.
_PROGRAM = f"""
import json, os, sys
from pose_action.cli.launch import program

def run(verb, *words):
  try:
    program.run(verb, words)
  except SystemExit as exit:
    return exit.code

before, *others = json.loads(sys.argv[1])
run(*before)
if os.geteuid() == 0:
  os.setgroups([])
  os.setgid({_NOBODY})
  os.setuid({_NOBODY})
if not os.access({str(_CONFIG)!r}, os.R_OK):
  sys.exit({_UNREADABLE})
for words in others:
  print('---', file=sys.stderr, flush=True)
  assert run(*words) == 1, words
"""


@pytest.fixture
def folder():
  """A folder that every user may enter, unlike those of pytest."""
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob('*'):
      path.chmod(0o755)


def _as_nobody(before, *others) -> list[str]:
  """What programs print as their errors, run by a user without root's rights."""
  run = subprocess.run(
    [sys.executable, '-c', _PROGRAM, json.dumps([before, *others])],
    capture_output=True,
    text=True,
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'JAX_PLATFORMS': 'cpu'},
  )
  if run.returncode == _UNREADABLE or 'Operation not permitted' in run.stderr:
    pytest.skip('no other user may read this checkout, or be taken on')
  assert run.returncode == 0, run.stderr
  _, *said = run.stderr.split('---\n')
  assert 'Traceback' not in ''.join(said)
  return said


def _poses(folder, name='poses.pkl'):
  path = folder / name
  path.write_bytes(pickle.dumps([annotation()]))
  return path


def test_an_unreadable_poses_file(folder):
  sound, closed = _poses(folder), _poses(folder, 'closed.pkl')
  closed.chmod(0)
  flags = ['--format=pyskl', '--skeleton=coco_17']
  (said,) = _as_nobody(
    ['validate', f'--poses={sound}', *flags], ['validate', f'--poses={closed}', *flags]
  )
  assert said.startswith('error: ')
  assert str(closed) in said
  assert 'permission denied' in said.lower()
  assert len(said.splitlines()) == 1


def test_a_folder_of_poses_that_may_not_be_listed(folder):
  for name in ('open', 'closed'):
    (folder / name).mkdir()
    (folder / name / '0.json').write_text('{"people": []}')
  (folder / 'closed').chmod(0)
  flags = ['--format=openpose', '--skeleton=openpose_18', '--frame_size=64x48']
  (said,) = _as_nobody(
    ['validate', f'--poses={folder}/open', *flags],
    ['validate', f'--poses={folder}/closed', *flags],
  )
  assert f'{folder}/closed' in said
  assert 'permission denied' in said.lower()


def test_an_unwritable_workdir(folder):
  """Found before the data are opened and anything is compiled."""
  (folder / 'file').write_text('')
  (folder / 'closed').mkdir()
  (folder / 'closed').chmod(0o555)
  flags = [f'--config={_CONFIG}', f'--config.data.data_dir={folder}']
  said = _as_nobody(
    ['train', f'--workdir={folder}/file', *flags],
    ['train', f'--workdir={folder}/closed', *flags],
    ['train', f'--workdir={folder}/closed/run', *flags],
  )
  assert said == [
    f'PermissionError: {folder}/closed/{name}: permission denied: change the'
    ' permissions, or choose another folder\n'
    for name in ('run.lock', 'run')
  ]


def test_an_unwritable_data_folder(folder):
  poses = _poses(folder)
  (folder / 'closed').mkdir()
  (folder / 'closed').chmod(0o555)
  flags = [f'--poses={poses}', '--format=pyskl', '--skeleton=coco_17', '--dataset=mine']
  (said,) = _as_nobody(
    ['export', *flags, f'--data_dir={folder}/open'],
    ['export', *flags, f'--data_dir={folder}/closed'],
  )
  assert f'{folder}/closed' in said
  assert 'permission denied' in said.lower()
  assert len(said.splitlines()) == 1
