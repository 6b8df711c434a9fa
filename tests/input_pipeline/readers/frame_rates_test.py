"""Frames per second from files, from videos.csv and from the user, in that order."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.export.export import export_dataset
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.stored_source import stored_source

SIZE = {'frame_size': (240, 320)}


@pytest.fixture
def folder(tmp_path):
  """a.npy beside a description with 25 fps; b.npy with 50 in videos.csv; c.npy with none."""
  poses = np.random.default_rng(0).uniform(20, 200, (9, 17, 3)).astype(np.float32)
  poses[..., 2] = 1
  for name in 'abc':
    np.save(tmp_path / f'{name}.npy', poses)
  (tmp_path / 'a.json').write_text(json.dumps({'fps': 25}))
  (tmp_path / 'videos.csv').write_text(
    'id,path,label,fps\na,a.npy,sit,50\nb,b.npy,sit,50\nc,c.npy,wave,\n'
  )
  return tmp_path


@pytest.mark.parametrize(('stated', 'expected'), [(None, None), (12.5, 12.5)])
def test_whoever_states_it_first(folder, stated, expected):
  options = ReadOptions(**SIZE, frame_rate=stated)
  source = read_poses('numpy', folder, skeleton='coco_17', options=options)
  rates = [source.load(name).frame_rate for name in 'abc']
  assert rates == [25, 50, expected]


def test_rates_are_stored_with_a_data_set(folder, tmp_path):
  options = ReadOptions(**SIZE)
  source = read_poses('numpy', folder, skeleton='coco_17', options=options)
  export_dataset(
    source,
    dataset='rated',
    representation='keypoints',
    data_dir=tmp_path / 'data',
    progress=lambda line: None,
  )
  dataset = open_dataset(tmp_path / 'data', 'rated', 'keypoints')
  assert dataset.clips('all').frame_rates == (25, 50, None)
  assert [stored_source(dataset).load(n).frame_rate for n in 'abc'] == [25, 50, None]


def test_poses_of_every_second_frame_have_half_the_rate(tmp_path):
  people = [{'pose_keypoints_2d': np.arange(75.0).tolist()}]
  for number in range(0, 20, 2):
    text = json.dumps({'people': people if number else []})
    (tmp_path / f'v_{number:012d}_keypoints.json').write_text(text)
  options = ReadOptions(**SIZE, frame_rate=30)
  source = read_poses('openpose', tmp_path, skeleton='body_25', options=options)
  assert source.load(source.splits['all'][0]).frame_rate == 15


def test_a_rate_that_is_none():
  with pytest.raises(PoseDataError, match=r'\(fps\) is -1, but must be frames per sec'):
    ReadOptions(frame_rate=-1)
