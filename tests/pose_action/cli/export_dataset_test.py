"""tools/export_dataset.py as a user calls it."""

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT
from program_calls import call

from input_pipeline.maps.potion import WEIGHTS, PotionSettings
from input_pipeline.storage.dataset import REPRESENTATIONS, open_dataset
from input_pipeline.storage.rendered_maps import DEFAULT_SHORT_SIDE, DEFAULT_SIGMA

TOOL = ROOT / 'tools' / 'export_dataset.py'


def run(*args):
  return subprocess.run(
    [sys.executable, *map(str, args)],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
    check=False,
  )


@pytest.fixture
def flags(tmp_path):
  """Flags that export a PYSKL pickle with two clips, of which the second is bad."""

  def annotation(name, position):
    return {
      'frame_dir': name,
      'label': 0,
      'img_shape': (240, 320),
      'total_frames': 4,
      'keypoint': np.full((1, 4, 15, 2), position, np.float32),
      'keypoint_score': np.full((1, 4, 15), 0.5, np.float32),
    }

  poses = tmp_path / 'poses.pkl'
  content = {
    'split': {'train1': ['good', 'bad'], 'test1': ['good']},
    'classes': ['run'],
    'annotations': [annotation('good', 100), annotation('bad', 0.7)],
  }
  poses.write_bytes(pickle.dumps(content, protocol=4))
  return (
    '--format=pyskl',
    f'--poses={poses}',
    '--skeleton=jhmdb',
    '--dataset=jhmdb',
    '--representation=heatmaps',
    f'--data_dir={tmp_path / "data"}',
  )


def test_exports_then_refuses_to_replace(flags, tmp_path):
  first = run(TOOL, *flags, '--short_side=16', '--sigma=1.5', '--splits=train1')

  assert (first.returncode, first.stderr) == (0, '')
  assert "train1: left out 'bad': all positions lie in 0.70..0.70" in first.stdout
  assert 'train1: 1 of 2 clips, 1 left out' in first.stdout
  dataset = open_dataset(tmp_path / 'data', 'jhmdb', 'heatmaps')
  assert dataset.splits == ('train1',)
  assert (dataset.settings['short_side'], dataset.settings['sigma']) == (16, 1.5)
  assert dataset.records('train1')[0]['maps'].shape == (4, 16, 21, 15)

  again = call('export', *flags)

  assert again.returncode == 1
  assert again.stdout == ''
  assert re.fullmatch(
    r'error: data set .* is already there .*--overwrite.*\n', again.stderr
  )


def test_strict_stops_at_the_first_bad_clip(flags, tmp_path):
  done = call('export', *flags, '--strict')
  assert done.returncode == 1
  assert done.stderr.startswith("error: clip 'bad': all positions lie in 0.70..0.70")
  assert 'Traceback' not in done.stderr
  assert list((tmp_path / 'data').iterdir()) == []


def test_help_is_quick_and_names_the_true_defaults():
  code = f"""
import runpy, sys
sys.argv = ['{TOOL}', '--help']
try:
  runpy.run_path('{TOOL}', run_name='__main__')
finally:
  heavy = {{'jax', 'numpy', 'tensorflow_datasets'}} & set(sys.modules)
  print('loaded:', heavy or 'nothing')
"""
  done = run('-c', code)
  text = ' '.join(done.stdout.split())
  assert 'loaded: nothing' in text
  assert f'shorter side of the frame. Default: {DEFAULT_SHORT_SIDE}.' in text
  assert f'Gaussians, in map cells. Default: {DEFAULT_SIGMA}.' in text
  assert f'colours that encode time. Default: {PotionSettings.channels}.' in text
  assert (
    f'Default: {PotionSettings.weights}, or the weights of ready PoTion maps.' in text
  )
  assert f'<{"|".join(WEIGHTS)}>' in text
  assert f'<{"|".join(REPRESENTATIONS)}>' in text


def test_exports_the_official_potion_maps(tmp_path):
  table = {'video_name': ['good', 'torn'], 'labels': [0, 0], 'frames': [[1, 2, 3]] * 2}
  (tmp_path / 'jhmdb_train1.pkl').write_bytes(pickle.dumps(table))
  np.save(tmp_path / 'good.npy', np.ones((3, 19, 64, 64)))
  (tmp_path / 'torn.npy').write_bytes(b'?')
  data_dir = tmp_path / 'data'
  flags = (
    '--dataset=jhmdb',
    '--format=jmrn_official',
    f'--poses={tmp_path}',
    f'--data_dir={data_dir}',
  )

  other = call('export', *flags, '--representation=potion', '--weights=exact')
  done = call('export', *flags, '--representation=potion')

  assert "have weights 'integer_break', not 'exact'" in other.stderr
  assert other.returncode == 1
  assert (done.returncode, done.stderr) == (0, '')
  assert "left out 'torn': " in done.stdout
  dataset = open_dataset(data_dir, 'jhmdb', 'potion')
  assert dataset.skeleton.name == 'jmrn_official_background'
  assert dataset.records('train1')[0]['potion'].shape == (19, 64, 64, 3)


def test_flags_that_do_not_apply_are_refused(tmp_path):
  done = call(
    'export', '--dataset=stick_actions', f'--data_dir={tmp_path}', '--sigma=1'
  )
  assert done.returncode == 1
  assert (
    '--sigma can only be set with --representation=heatmaps or potion' in done.stderr
  )
  flags = ('--representation=heatmaps', '--channels=3', '--weights=exact')
  done = call('export', '--dataset=stick_actions', f'--data_dir={tmp_path}', *flags)
  assert done.returncode == 1
  assert '--channels and --weights can only be set with --representation=potion' in (
    done.stderr
  )


def test_reading_options_reach_the_reader(tmp_path):
  joints = np.full((8, 2, 17, 3), 0.5, np.float32)
  joints[:, 1, :, 0] = 40
  (tmp_path / 'poses').mkdir()
  np.save(tmp_path / 'poses' / 'v.npy', joints)
  (tmp_path / 'poses' / 'videos.csv').write_text('path,label\nv.npy,sit\n')
  data_dir = tmp_path / 'data'
  flags = (
    '--dataset=mine',
    '--format=numpy',
    f'--poses={tmp_path / "poses"}',
    '--skeleton=coco_17',
    f'--data_dir={data_dir}',
  )

  without = call('export', *flags)
  mistyped = call('export', *flags, '--frame_size=64,48')
  done = call('export', *flags, '--frame_size=64x48', '--per_person')
  turned = call('export', *flags, '--frame_size=width:32,height:64', '--overwrite')
  one = call('export', *flags, '--frame_size=64x48', '--max_people=1', '--overwrite')

  assert 'give --frame_size=WIDTHxHEIGHT' in without.stderr
  assert "error: frame_size is '64,48', but must be WIDTHxHEIGHT" in mistyped.stderr
  assert (done.returncode, done.stderr) == (0, '')
  assert done.stdout.startswith('frames are read as 64 wide, 48 high')
  assert 'all: 2 of 2 clips' in done.stdout
  assert (turned.returncode, turned.stderr) == (0, '')
  assert 'frames are read as 32 wide, 64 high' in turned.stdout
  assert 'warning: many joints lie outside the frames' in turned.stdout
  assert 'give --frame_size=64x32 (' in turned.stdout
  assert (one.returncode, one.stderr) == (0, '')
  assert 'warning: up to 2 people in a frame, but the 1 with' in one.stdout
  records = open_dataset(data_dir, 'mine', 'keypoints').records('all')
  assert records[0]['keypoints'].shape == (8, 1, 17, 3)


def test_groups_by_an_expression_are_stored(flags, tmp_path):
  done = call('export', *flags, '--representation=keypoints', '--group_by=^(.)')
  assert done.returncode == 0
  clips = open_dataset(tmp_path / 'data', 'jhmdb', 'keypoints').clips('train1')
  assert (clips.video_ids, clips.groups) == (('good',), ('g',))
  done = call('export', *flags, '--group_by=ucf', '--overwrite')
  assert done.returncode == 1
  assert done.stderr.startswith("error: group_by is 'ucf', but no clip has such a name")
