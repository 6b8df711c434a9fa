"""A run exports poses on the fly, as the fields of its config say."""

import json

import numpy as np
import pytest
import tiny_run

from input_pipeline.storage.dataset import open_dataset
from pose_action.training.run import open_run

pytestmark = pytest.mark.usefixtures('no_tensorboard')


@pytest.fixture
def config(tmp_path):
  """A run on plain arrays of two people in frames 64 wide and 48 high."""
  rng = np.random.default_rng(0)
  rows = ['path,split,label']
  poses = tmp_path / 'poses'
  poses.mkdir()
  for number in range(8):
    joints = rng.uniform(5, 40, (6, 2, 17, 3)).astype(np.float32)
    joints[..., 2] = 1
    np.save(poses / f'v{number}.npy', joints + np.float32([20, 0, 0]))
    rows.append(f'v{number}.npy,{"train" if number < 6 else "test"},c{number % 2}')
  (poses / 'videos.csv').write_text('\n'.join(rows))
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.dataset = 'mine'
  config.data.data_dir = str(tmp_path / 'data')
  config.data.format = 'numpy'
  config.data.skeleton = 'coco_17'
  config.data.poses = str(poses)
  return config


def test_poses_are_read_as_the_config_says(config, tmp_path, one_device, capsys):
  config.data.frame_size = '64x48'
  config.data.max_people = 1
  with open_run(config, str(tmp_path / 'run'), one_device):
    pass
  assert 'frames are read as 64 wide, 48 high' in capsys.readouterr().out
  form = config.data.representation
  record = open_dataset(config.data.data_dir, 'mine', form).records('train')[0]
  assert record['frame_size'].tolist() == [48, 64]
  assert record['keypoints'].shape[1] == 1
  saved = json.loads((tmp_path / 'run' / 'config.json').read_text())
  assert (saved['data']['frame_size'], saved['data']['max_people']) == ('64x48', 1)


@pytest.mark.parametrize(
  ('frame_size', 'message'),
  [
    ('', r'give --frame_size=WIDTHxHEIGHT \(train: --config\.data\.frame_size='),
    ('64,48', r"frame_size is '64,48', but must be WIDTHxHEIGHT"),
    ('38x64', r'read as 38 wide, 64 high; .* --frame_size=64x38'),
  ],
)
def test_a_frame_size_that_is_missing_or_wrong(
  config, frame_size, message, tmp_path, one_device
):
  config.data.frame_size = frame_size
  with (
    pytest.raises(ValueError, match=message),
    open_run(config, str(tmp_path / 'run'), one_device),
  ):
    pass


def test_an_exchanged_frame_size_warns(config, tmp_path, one_device, capsys):
  config.data.frame_size = 'width:48,height:64'
  with open_run(config, str(tmp_path / 'run'), one_device):
    pass
  said = capsys.readouterr().out
  assert 'frames are read as 48 wide, 64 high' in said
  assert 'warning: many joints lie outside the frames' in said
  assert '--config.data.frame_size=64x48' in said
