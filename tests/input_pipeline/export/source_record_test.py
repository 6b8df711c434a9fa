"""A data set remembers its poses: a config that asks for others is refused."""

import json
import os
import pickle
import shutil

import numpy as np
import pytest

from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.open_or_export import open_or_export
from input_pipeline.export.source_files import find_files
from input_pipeline.readers.options import ReadOptions
from input_pipeline.storage.dataset import open_dataset


def write_poses(path, labels=(0, 1)):
  """A skeleton pickle with a clip per label; the label changes no file's size."""
  annotations = [
    {
      'frame_dir': f'v{number}',
      'label': label,
      'img_shape': (60, 80),
      'total_frames': 3,
      'keypoint': np.full((1, 3, 17, 2), 9, np.float32),
      'keypoint_score': np.ones((1, 3, 17), np.float32),
    }
    for number, label in enumerate(labels)
  ]
  content = {
    'split': {'train': [a['frame_dir'] for a in annotations]},
    'classes': ['run', 'sit', 'wave'],
    'annotations': annotations,
  }
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(pickle.dumps(content))
  return path


def open_mine(data_dir, poses, **kwargs):
  lines = kwargs.pop('lines', [])
  asked = {'format': 'pyskl', 'skeleton': 'coco_17', **kwargs}
  return open_or_export(
    dataset='mine',
    representation='keypoints',
    data_dir=data_dir,
    poses=poses,
    progress=lines.append,
    **asked,
  )


@pytest.fixture
def data_dir(tmp_path):
  """The data set 'mine', made from first/poses.pkl."""
  open_mine(tmp_path / 'data', write_poses(tmp_path / 'first' / 'poses.pkl'))
  return tmp_path / 'data'


def test_the_same_poses_are_accepted(tmp_path, data_dir):
  first = tmp_path / 'first' / 'poses.pkl'
  lines = []
  assert open_mine(data_dir, first, lines=lines).source['format'] == 'pyskl'
  assert open_mine(data_dir, first, format='auto', skeleton=None, lines=lines)
  assert open_mine(data_dir, None, format=None, skeleton=None, lines=lines)
  assert lines == []


def test_moved_copied_and_touched_poses_are_the_same(tmp_path, data_dir):
  first = tmp_path / 'first' / 'poses.pkl'
  (tmp_path / 'moved').mkdir()
  moved = shutil.move(first, tmp_path / 'moved' / 'poses.pkl')
  open_mine(data_dir, moved)
  os.utime(moved, (1, 1))
  open_mine(data_dir, moved)


def test_other_poses_are_refused_with_both_named(tmp_path, data_dir):
  other = write_poses(tmp_path / 'other' / 'poses.pkl', (0, 1, 2))
  with pytest.raises(PoseDatasetError) as refused:
    open_mine(data_dir, other)
  message = str(refused.value)
  assert f'poses are {other} (1 file, {other.stat().st_size} bytes)' in message
  assert f'not that of {tmp_path}/first/poses.pkl (1 file, ' in message
  assert '--overwrite' in message
  assert '\n' not in message


def test_relabelled_poses_of_the_same_size_are_refused(tmp_path, data_dir):
  first = tmp_path / 'first' / 'poses.pkl'
  size = first.stat().st_size
  write_poses(first, (0, 2))
  assert first.stat().st_size == size
  with pytest.raises(PoseDatasetError, match='whose content is not that of'):
    open_mine(data_dir, first)


def test_poses_that_do_not_exist_are_an_error(tmp_path, data_dir):
  with pytest.raises(PoseDatasetError, match=r'config\.data\.poses is .*gone\.pkl'):
    open_mine(data_dir, tmp_path / 'gone.pkl')


@pytest.mark.parametrize(
  ('kwargs', 'message'),
  [
    ({'format': 'numpy'}, "format is 'numpy', but the data set has 'pyskl'"),
    ({'skeleton': 'jhmdb'}, "skeleton is 'jhmdb', but the data set has 'coco_17'"),
    (
      {'options': ReadOptions(max_people=2)},
      'max_people is 2, but the data set has 5',
    ),
    (
      {'options': ReadOptions(frame_size=(1, 2))},
      r'frame_size is \[1, 2\], but the data set has None',
    ),
  ],
)
def test_other_options_are_refused(tmp_path, data_dir, kwargs, message):
  with pytest.raises(PoseDatasetError, match=message):
    open_mine(data_dir, tmp_path / 'first' / 'poses.pkl', **kwargs)


def test_a_data_set_made_before_opens_with_one_line(tmp_path, data_dir):
  directory = data_dir / 'mine' / 'keypoints' / '1.0.0'
  metadata = json.loads((directory / 'metadata.json').read_text())
  del metadata['source'], metadata['digests']
  (directory / 'metadata.json').write_text(json.dumps(metadata))
  (directory / 'digests.json').unlink()
  other, lines = write_poses(tmp_path / 'other.pkl', (0, 1, 2)), []
  assert open_mine(data_dir, other, lines=lines).source is None
  assert len([line for line in lines if 'cannot be compared' in line]) == 1
  with pytest.raises(PoseDatasetError, match='does not exist'):
    open_mine(data_dir, tmp_path / 'gone.pkl')


def test_the_data_folder_may_be_among_the_poses(tmp_path):
  """Then the data set itself is not taken for new poses."""
  poses = tmp_path / 'poses'
  for name in ('a', 'b'):
    (poses / name).mkdir(parents=True)
    joints = np.concatenate(
      [np.full((4, 1, 17, 2), 9), np.ones((4, 1, 17, 1))], axis=-1
    )
    np.save(poses / name / f'{name}.npy', joints)
  size = ReadOptions(frame_size=(48, 64))
  for _ in range(2):
    open_mine(poses / 'data', poses, format='numpy', options=size)
  source = open_dataset(poses / 'data', 'mine', 'keypoints').source
  assert source['files']['num_files'] == 2


def test_a_fingerprint_is_of_names_and_content(tmp_path):
  (tmp_path / 'a').mkdir()
  (tmp_path / 'a' / 'x').write_text('1')
  (tmp_path / 'a' / 'loop').symlink_to('.')
  (tmp_path / 'a' / '.hidden').write_text('?')
  (tmp_path / 'a' / 'broken').symlink_to('nowhere')
  shutil.copytree(tmp_path / 'a', tmp_path / 'b', symlinks=True)
  a, b = find_files([tmp_path / 'a']), find_files([tmp_path / 'b'])
  assert [name for name, _ in a.files] == ['broken', 'x']
  assert a.digest() == b.digest()
  (tmp_path / 'b' / 'x').write_text('2')
  assert find_files([tmp_path / 'b']).digest() != a.digest()
