import pickle
import shutil

import numpy as np
import pytest
from absl import logging
from etils import epath

from input_pipeline.errors import PoseDatasetError
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage import dataset as pose_dataset
from input_pipeline.storage.dataset import dataset_dir, open_dataset
from input_pipeline.storage.features import StoredForm
from input_pipeline.storage.files import (
  VERSION,
  SplitFiles,
  quiet_tfds,
  shard_path,
  write_metadata,
  write_shard,
)

SKELETON = Skeleton('duo', ('head', 'neck'), (('head', 'neck'),))


def example(video_id, label, frames):
  keypoints = np.full((frames, 1, 2, 3), label + 0.5, np.float32)
  return {
    'video_id': video_id,
    'frame_size': np.array([60, 80], np.int32),
    'label': label,
    'keypoints': keypoints,
  }


@pytest.fixture
def data_dir(tmp_path):
  """Holds the data set 'tiny' as keypoints: split 'train' with two shards, three clips."""
  form = StoredForm('tiny', 'keypoints', SKELETON, ('run', 'sit'))
  directory = epath.Path(tmp_path / 'tiny' / 'keypoints' / VERSION)
  directory.mkdir(parents=True)
  shards = [[example('b', 1, 4), example('a', 0, 2)], [example('c', 1, 3)]]
  digests = []
  for index, examples in enumerate(shards):
    path = shard_path(directory, 'tiny', 'train', index, num_shards=2)
    digests.append(write_shard(path, examples, form.features()))
  columns = {'video_ids': ['b', 'a', 'c'], 'labels': [1, 0, 1], 'num_frames': [4, 2, 3]}
  metadata = {
    'skeleton': SKELETON.to_dict(),
    'class_names': ['run', 'sit'],
    'settings': {},
    'splits': {'train': columns},
    'left_out': [['train', 'd', 'torn']],
  }
  write_metadata(directory, form, {'train': SplitFiles([2, 1], digests)}, metadata)
  return tmp_path


def test_opens_with_all_metadata(data_dir):
  dataset = open_dataset(data_dir, 'tiny', 'keypoints')
  assert dataset.skeleton == SKELETON
  assert dataset.class_names == ('run', 'sit')
  assert dataset.representation == 'keypoints'
  assert dataset.settings == {}
  assert dataset.splits == ('train',)
  assert dataset.left_out == (('train', 'd', 'torn'),)


def test_a_data_set_without_the_entry_has_one_label_per_clip(data_dir):
  # `data_dir` writes metadata without this entry, as older releases did.
  assert open_dataset(data_dir, 'tiny', 'keypoints').multi_label is False


def test_multi_hot():
  np.testing.assert_array_equal(
    pose_dataset.multi_hot((3, 0), 5), np.array([1, 0, 0, 1, 0], np.uint8), strict=True
  )
  assert not pose_dataset.multi_hot((), 5).any()


def test_clips_are_known_without_the_records(data_dir):
  opened = open_dataset(data_dir, 'tiny', 'keypoints')
  for file in data_dir.glob('**/*.array_record*'):
    file.unlink()

  clips = opened.clips('train')

  assert clips.video_ids == ('b', 'a', 'c')
  np.testing.assert_array_equal(
    clips.labels, np.array([1, 0, 1], np.int32), strict=True
  )
  np.testing.assert_array_equal(
    clips.num_frames, np.array([4, 2, 3], np.int32), strict=True
  )


def test_records_are_read_in_any_order(data_dir):
  records = open_dataset(data_dir, 'tiny', 'keypoints').records('train')
  assert len(records) == 3
  for index, video_id, label, frames in [(2, b'c', 1, 3), (0, b'b', 1, 4)]:
    record = records[index]
    assert record['video_id'] == video_id
    assert record['label'] == label
    np.testing.assert_array_equal(
      record['keypoints'],
      np.full((frames, 1, 2, 3), label + 0.5, np.float32),
      strict=True,
    )


def test_records_can_be_sent_to_a_worker(data_dir):
  records = open_dataset(data_dir, 'tiny', 'keypoints').records('train')
  assert pickle.loads(pickle.dumps(records))[1]['video_id'] == b'a'


def test_a_data_set_can_be_moved(data_dir, tmp_path_factory):
  elsewhere = tmp_path_factory.mktemp('elsewhere') / 'data'
  shutil.move(data_dir, elsewhere)
  records = open_dataset(elsewhere, 'tiny', 'keypoints').records('train')
  assert records[2]['video_id'] == b'c'


def test_unknown_split(data_dir):
  dataset = open_dataset(data_dir, 'tiny', 'keypoints')
  for read in (dataset.clips, dataset.records):
    with pytest.raises(
      PoseDatasetError, match=r"no split 'test' in .*; its splits are train"
    ):
      read('test')


def test_missing_data_set_says_what_is_there_and_how_to_make_it(data_dir):
  command = (
    r'\n  python tools/export_dataset.py --dataset=tiny --representation=heatmaps'
  )
  with pytest.raises(
    PoseDatasetError,
    match=rf'at {data_dir}/tiny/heatmaps/1.0.0 \(only as keypoints\)(.|\n)*{command}',
  ):
    open_dataset(data_dir, 'tiny', 'heatmaps')
  with pytest.raises(PoseDatasetError, match=rf'\(data sets in {data_dir}: tiny\)'):
    open_dataset(data_dir, 'jhmdb', 'keypoints')
  with pytest.raises(PoseDatasetError, match=r'\(data sets in .*nowhere: none\)'):
    open_dataset(data_dir / 'nowhere', 'tiny', 'keypoints')


def test_data_of_another_release_is_not_misread(data_dir, monkeypatch):
  monkeypatch.setattr(pose_dataset, 'VERSION', '2.0.0')
  with pytest.raises(
    PoseDatasetError, match=r'only version 1\.0\.0, from another release'
  ):
    open_dataset(data_dir, 'tiny', 'keypoints')


def test_unknown_representation():
  with pytest.raises(
    PoseDatasetError, match="'maps'; it is one of keypoints, heatmaps"
  ):
    dataset_dir('/d', 'tiny', 'maps')


def test_home_is_expanded(monkeypatch):
  monkeypatch.setenv('HOME', '/home/me')
  path = dataset_dir('~/d', 'tiny', 'keypoints')
  assert str(path) == '/home/me/d/tiny/keypoints/1.0.0'


def test_the_log_is_quiet_for_tfds_alone():
  before = logging.get_verbosity()
  try:
    logging.set_verbosity(logging.INFO)
    with quiet_tfds():
      assert logging.get_verbosity() == logging.WARNING
    assert logging.get_verbosity() == logging.INFO
    logging.set_verbosity(logging.ERROR)
    with quiet_tfds():
      assert logging.get_verbosity() == logging.ERROR
  finally:
    logging.set_verbosity(before)
