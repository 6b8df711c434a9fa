import os

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordReader
from etils import epath

from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.digests import digest_of
from input_pipeline.storage.features import StoredForm
from input_pipeline.storage.files import shard_path, shard_paths, write_shard

SKELETON = Skeleton('duo', ('head', 'neck'), (('head', 'neck'),))
FORM = StoredForm('tiny', 'keypoints', SKELETON, ('run', 'sit'))


def example(video_id):
  return {
    'video_id': video_id,
    'frame_size': np.array([60, 80], np.int32),
    'label': 1,
    'keypoints': np.ones((4, 1, 2, 3), np.float32),
  }


def test_shards_are_named_as_tfds_names_them():
  assert [os.fspath(path) for path in shard_paths('/d', 'tiny', 'train', 2)] == [
    '/d/tiny-train.array_record-00000-of-00002',
    '/d/tiny-train.array_record-00001-of-00002',
  ]
  # TFDS reserves the name 'all'.
  assert shard_path('/d', 'tiny', 'all', 0, 1).name == (
    'tiny-all_.array_record-00000-of-00001'
  )


def test_the_same_examples_give_the_same_bytes(tmp_path):
  """Not so by default: an example's features are a map, in hash order."""
  paths = [epath.Path(tmp_path / name) for name in ('one', 'two')]
  digests = [
    write_shard(p, [example('a'), example('b')], FORM.features()) for p in paths
  ]
  assert paths[0].read_bytes() == paths[1].read_bytes()
  assert digests[0] == digests[1] == digest_of(paths[0])
  assert digests[0].num_bytes == paths[0].stat().length
  for record in ArrayRecordReader(os.fspath(paths[0])).read_all():
    names = (b'frame_size', b'keypoints', b'label', b'video_id')
    places = [record.index(name) for name in names]
    assert places == sorted(places)


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps', 'potion'])
def test_records_are_those_of_tfds(tmp_path, representation):
  rng = np.random.default_rng(0)
  form = StoredForm('tiny', representation, SKELETON, ('run', 'sit'), multi_label=True)
  poses = {
    'keypoints': {'keypoints': rng.random((4, 1, 2, 3), np.float32)},
    'heatmaps': {'maps': rng.integers(0, 255, (4, 5, 6, 2), np.uint8)},
    'potion': {
      'potion': rng.random((2, 5, 6, 3), np.float32).astype(np.float16),
      'num_frames': 9,
    },
  }[representation]
  clip = {
    'video_id': 'ä',
    'frame_size': np.array([60, 80], np.int32),
    'labels': np.array([0, 1], np.uint8),
    **poses,
  }
  write_shard(epath.Path(tmp_path / 'shard'), [clip], form.features())

  (record,) = ArrayRecordReader(os.fspath(tmp_path / 'shard')).read_all()
  features = form.features()
  by_tfds = features.serialize_example(clip)
  assert len(record) == len(by_tfds)
  ours, theirs = (features.deserialize_example_np(r) for r in (record, by_tfds))
  assert set(ours) == set(theirs) == set(clip)
  for name in clip:
    np.testing.assert_array_equal(ours[name], theirs[name], strict=name != 'video_id')
  assert ours['video_id'] == 'ä'.encode()


def test_examples_are_made_one_at_a_time(tmp_path):
  alive = []

  class Keypoints(np.ndarray):
    def __del__(self):
      alive.remove(id(self))

  def examples():
    for video_id in 'abcd':
      keypoints = np.ones((4, 1, 2, 3), np.float32).view(Keypoints)
      alive.append(id(keypoints))
      assert len(alive) <= 2  # This one, and the previous one until it is released.
      yield example(video_id) | {'keypoints': keypoints}

  write_shard(epath.Path(tmp_path / 'shard'), examples(), FORM.features())


def test_a_shard_may_be_empty(tmp_path):
  path = epath.Path(tmp_path / 'shard')
  write_shard(path, [], FORM.features())
  assert ArrayRecordReader(os.fspath(path)).num_records() == 0


@pytest.mark.parametrize(
  ('form', 'names'),
  [
    (FORM, {'video_id', 'frame_size', 'label', 'keypoints'}),
    (
      StoredForm('tiny', 'potion', SKELETON, ('run',), multi_label=True),
      {'video_id', 'frame_size', 'labels', 'potion', 'num_frames'},
    ),
    (
      StoredForm(
        'tiny',
        'heatmaps',
        SKELETON,
        ('run',),
        modalities=('joints', 'features'),
        num_features=5,
      ),
      {'video_id', 'frame_size', 'label', 'maps', 'features', 'features_scale'},
    ),
    (
      StoredForm('tiny', 'heatmaps', SKELETON, ('run',), frames_per_chunk=8),
      {'video_id', 'frame_size', 'label', 'maps_chunks', 'maps_ends', 'maps_shape'},
    ),
  ],
  ids=lambda value: value.representation if isinstance(value, StoredForm) else '',
)
def test_features_follow_from_the_form(form, names):
  features = form.features()
  assert set(features) == names
  if 'features' in names:
    assert features['features'].shape == (None, None, None, 5)
