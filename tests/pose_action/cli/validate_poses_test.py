"""tools/validate_poses.py: exit status, report, picture, and answers to wrong flags."""

import json
import os
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT
from program_calls import call
from tiny_export import export_tiny, make_source

NAMED = ('tiny', '--data_dir={}')
TOOL = ROOT / 'tools' / 'validate_poses.py'


def run(*args):
  return subprocess.run(
    [sys.executable, str(TOOL), *map(str, args)],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
    check=False,
  )


def write_poses(path: pathlib.Path, **splits: list[str]) -> pathlib.Path:
  """Writes a PYSKL pickle: clips 'c0', 'c1', ... with one class; 'bad' holds no pixels."""
  rng = np.random.default_rng(0)
  annotations = []
  for name in dict.fromkeys(name for names in splits.values() for name in names):
    keypoints = rng.uniform(0, 200, (1, 5, 15, 2)).astype(np.float32)
    if name == 'bad':
      keypoints /= 200  # Fractions of the frame.
    annotations.append(
      {
        'frame_dir': name,
        'label': 0,
        'img_shape': (240, 320),
        'total_frames': 5,
        'keypoint': keypoints,
        'keypoint_score': np.ones((1, 5, 15), np.float32),
      }
    )
  content = {'split': splits, 'classes': ['run'], 'annotations': annotations}
  path.write_bytes(pickle.dumps(content, protocol=4))
  return path


def test_poses_without_errors(tmp_path):
  poses = write_poses(tmp_path / 'poses.pkl', all=[f'c{i}' for i in range(6)])
  report, picture = tmp_path / 'report.json', tmp_path / 'sheet.png'
  done = run(
    *('--format=pyskl', f'--poses={poses}', '--skeleton=jhmdb'),
    *(f'--report={report}', f'--picture={picture}'),
  )
  assert (done.returncode, done.stderr) == (0, '')
  assert 'skeleton jhmdb, 15 joints\n6 clips, 30 frames' in done.stdout
  assert '\n0 errors, ' in done.stdout
  assert json.loads(report.read_text())['classes'] == {'run': 6}
  assert picture.read_bytes().startswith(b'\x89PNG')


def test_errors_set_status_1_and_are_all_listed(tmp_path):
  poses = write_poses(tmp_path / 'p.pkl', train1=['c0', 'c1', 'bad'], test1=['c1'])
  report = tmp_path / 'report.json'
  done = call(
    'validate',
    *('--format=pyskl', f'--poses={poses}', '--skeleton=jhmdb', '--dataset=jhmdb'),
    f'--report={report}',
  )
  assert done.returncode == 1
  assert "error: clip 'bad': all positions lie in 0.0" in done.stdout
  assert "clips of 'test1' are in 'train1' too" in done.stdout
  errors = json.loads(report.read_text())['errors']
  assert [(e['check'], e['clips']) for e in errors] == [
    ('broken_clip', ['bad']),
    ('clip_in_two_splits', ['c1']),
  ]


def test_a_clip_that_appears_twice_in_a_split_is_counted_once(tmp_path):
  poses = write_poses(tmp_path / 'p.pkl', train=['c0', 'c1', 'c0'])
  done = call('validate', '--format=pyskl', f'--poses={poses}', '--skeleton=jhmdb')
  assert done.returncode == 0, done.stderr
  assert "name a clip twice, which is counted once: 1 in 'train'" in done.stdout
  assert '2 clips, ' in done.stdout


def test_a_user_s_own_skeleton(tmp_path):
  """JHMDB's joints under other names, with limbs given by joint number."""
  skeleton = tmp_path / 'own.yaml'
  joints = [f'p{i}' for i in range(15)]
  limbs = [[i, i + 1] for i in range(14)]
  skeleton.write_text(f'name: own\njoints: {joints}\nlimbs: {limbs}\nflip_pairs: []\n')
  poses = write_poses(tmp_path / 'p.pkl', all=['c0', 'c1'])
  done = call(
    'validate', '--format=pyskl', f'--poses={poses}', f'--skeleton={skeleton}'
  )
  assert done.returncode == 0, done.stderr
  assert 'skeleton own, 15 joints' in done.stdout


@pytest.mark.parametrize(
  ('flags', 'says'),
  [
    (['--format=pyskl'], 'give --poses, or the name of a known --dataset'),
    (['--dataset=jhmdb', '--report=no/such/r.json'], 'there is no folder'),
    (
      ['--format=pyskl', '--poses=p.pkl', '--annotations=a'],
      '--annotations can only be set with --dataset',
    ),
    (['--format=pyskl', '--poses=p.pkl', 'extra'], "unexpected argument 'extra'"),
    (['--format=piskl', '--poses=p.pkl'], "no pose format 'piskl'; did you mean"),
    (['--format=pyskl', '--poses=none.pkl', '--skeleton=jhmdb'], 'does not exist'),
  ],
)
def test_wrong_flags(flags, says):
  done = call('validate', *flags)
  assert done.returncode != 0
  assert says in done.stdout + done.stderr


def test_sources_on_both_sides(tmp_path):
  poses = write_poses(
    tmp_path / 'poses.pkl', train=['anna-1', 'ben-1'], test=['anna-2']
  )
  flags = ('--format=pyskl', f'--poses={poses}', '--skeleton=jhmdb')
  assert 'come from the same' not in call('validate', *flags).stdout
  done = call('validate', *flags, r'--group_by=^(\w+)-')
  assert done.returncode == 0
  assert "clips of 'test' come from the same" in done.stdout
  assert call('validate', *flags, '--group_by=youtub').stderr.startswith(
    "error: group_by is 'youtub'"
  )


def test_an_exported_data_set(tmp_path):
  """By folder or name, alone or as --poses; one flipped bit in it is found."""
  export_tiny(tmp_path, make_source(train1=('v4', 'v0', 'v7'), test1=('v2', 'v1')))
  for args in ([tmp_path / 'tiny'], [f'--poses={tmp_path}'], NAMED):
    done = call('validate', *(str(arg).format(tmp_path) for arg in args))
    assert (done.returncode, done.stderr) == (0, ''), done.stderr
    assert 'test1 2; every file is as it was written\n' in done.stdout
    assert 'skeleton duo, 2 joints\n5 clips, ' in done.stdout
  (shard,) = tmp_path.rglob('*train1.array_record*')
  content = bytearray(shard.read_bytes())
  content[-20] ^= 1
  shard.write_bytes(content)
  done = call('validate', tmp_path / 'tiny' / 'keypoints')
  assert done.returncode == 1
  assert done.stdout.startswith(f'error: {shard} is damaged: its content is not what')
  assert 'make the data set again: ' in done.stdout
