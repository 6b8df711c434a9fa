"""One function expands `~` and takes paths with commas whole, in every program."""

import json
import pathlib
import re

import numpy as np
import pytest
from places import ROOT

from input_pipeline.catalog.open_source import load_source
from input_pipeline.storage.paths import data_path
from pose_action.cli.launch import program
from pose_action.evaluation.score_files import read_scores
from pose_action.host import atomic_files


def write_scores(path):
  np.savez(path, video_ids=np.array(['v', 'w']), scores=np.eye(2), labels=[0, 1])
  return path


@pytest.fixture
def home(monkeypatch, tmp_path):
  monkeypatch.setenv('HOME', str(tmp_path))
  monkeypatch.chdir(tmp_path)
  return tmp_path


def test_no_other_code_expands_tilde():
  files = [
    p
    for room in ('pose_action', 'input_pipeline')
    for p in ROOT.glob(f'{room}/**/*.py')
  ]
  found = [p.name for p in files if re.search(r'expanduser', p.read_text('utf-8'))]
  assert found == ['user_paths.py']


def test_fuse_reads_and_writes_in_the_home_folder(home, capsys):
  write_scores(home / 'one.npz')
  write_scores(home / 'two,three.npz')
  program.run('fuse', ['--scores=~/one.npz,~/two,three.npz', '--output=~/fused.npz'])
  assert 'Fused scores: ' in capsys.readouterr().out
  assert len(read_scores('~/fused.npz').video_ids) == 2
  assert not (home / '~').exists()


def test_files_of_a_run_go_to_the_home_folder(home):
  atomic_files.write_text('~/a/report.json', 'x')
  assert (home / 'a' / 'report.json').read_text() == 'x'
  assert data_path('~/data') == data_path(home / 'data')
  assert not (home / '~').exists()


def test_validate_reports_into_the_home_folder(home):
  joints = np.full((4, 1, 17, 3), 9.0)
  joints[..., 2] = 1
  np.save(home / 'a,b.npy', joints)
  program.run(
    'validate',
    [
      '--poses=~/a,b.npy',
      '--skeleton=coco_17',
      '--frame_size=64x48',
      '--report=~/r.json',
    ],
  )
  assert 'clips' in json.dumps(json.loads((home / 'r.json').read_text()))
  assert not (home / '~').exists()


def test_poses_whose_path_has_a_comma(home):
  (home / 'poses, mine').mkdir()
  joints = np.full((4, 1, 17, 3), 9.0)
  joints[..., 2] = 1
  np.save(home / 'poses, mine' / 'v.npy', joints)
  source = load_source('mine', poses='~/poses, mine', skeleton='coco_17')
  assert source.origin is not None
  assert source.origin.poses == (str(home / 'poses, mine'),)
  assert source.splits == {'all': ('v',)}
  assert pathlib.Path(source.origin.poses[0]).is_dir()
