import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.export.shard_plan import plan_shards, sampled_bytes_per_clip
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.features import StoredForm

SKELETON = Skeleton('duo', ('head', 'neck'), (('head', 'neck'),))
FEATURES = StoredForm('tiny', 'keypoints', SKELETON, ('run', 'sit')).features()


def ids(count):
  return tuple(f'v{number}' for number in range(count))


def test_clips_stay_in_order_and_are_shared_evenly():
  shards = plan_shards('train', ids(10), bytes_per_clip=0, min_shards=4)
  assert [shard.video_ids for shard in shards] == [
    ('v0', 'v1'),
    ('v2', 'v3', 'v4'),
    ('v5', 'v6'),
    ('v7', 'v8', 'v9'),
  ]
  assert [(s.split, s.index, s.num_shards) for s in shards] == [
    ('train', index, 4) for index in range(4)
  ]


@pytest.mark.parametrize(
  ('clips', 'bytes_per_clip', 'min_shards', 'count'),
  [
    (256, 3_000, 1, 1),
    (257, 3_000, 1, 2),
    (660, 60_000, 1, 3),  # JHMDB as heatmaps, 40 MB: one shard per 256 clips.
    (100_000, 3_000, 1, 64),  # 300 MB; 256 clips per shard would make 391.
    (700_000, 50_000, 1, 234),  # 35 GB in shards of 150 MB.
    (100, 6_000_000, 1, 4),  # 600 MB.
    (100, 6_000_000, 32, 32),
    (5, 1_000, 64, 5),  # No shard is empty.
    (3, 400_000_000, 1, 3),  # A clip is not divided.
  ],
)
def test_shards_are_of_150_mb_but_not_too_few(clips, bytes_per_clip, min_shards, count):
  shards = plan_shards(
    'all', ids(clips), bytes_per_clip=bytes_per_clip, min_shards=min_shards
  )
  assert len(shards) == count
  assert sum((shard.video_ids for shard in shards), ()) == ids(clips)


def noise(video_id, frames):
  """A clip that cannot be compressed, 24 bytes per frame."""
  rng = np.random.default_rng(int(video_id[1:]))
  return {
    'video_id': video_id,
    'frame_size': np.array([60, 80], np.int32),
    'label': 0,
    'keypoints': np.frombuffer(rng.bytes(frames * 24), np.float32).reshape(-1, 1, 2, 3),
  }


def test_bytes_of_a_clip_are_those_on_disk():
  seen = []

  def make_example(video_id):
    seen.append(video_id)
    return noise(video_id, frames=2000 if len(seen) % 2 else 1000)

  measured = sampled_bytes_per_clip(ids(100), make_example, FEATURES)

  # 36,000 bytes per clip on average; a file of 16 copies has up to 128 KiB of padding.
  assert 36_000 < measured < 36_000 + 131_072 / 16
  assert seen == ['v0', 'v14', 'v28', 'v42', 'v57', 'v71', 'v85', 'v99']


def test_bad_clips_do_not_change_the_estimated_size():
  def make_example(video_id):
    if video_id == 'v0':
      raise PoseDataError('torn')
    return noise(video_id, frames=1000)

  measured = sampled_bytes_per_clip(ids(100), make_example, FEATURES)
  assert 24_000 < measured < 24_000 + 131_072 / 16


def test_the_size_is_unknown_without_a_usable_clip_and_few_clips_are_not_sampled():
  def make_example(video_id):
    raise PoseDataError('torn')

  assert sampled_bytes_per_clip(ids(100), make_example, FEATURES) == 0
  assert sampled_bytes_per_clip(ids(16), lambda video_id: 1 / 0, FEATURES) == 0
  with pytest.raises(ZeroDivisionError):
    sampled_bytes_per_clip(ids(17), lambda video_id: 1 / 0, FEATURES)
