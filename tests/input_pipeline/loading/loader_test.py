"""The loader's batches, clip by clip and frame by frame."""

import dataclasses
import itertools
import time

import numpy as np
import pytest

from input_pipeline.loading import sampling
from input_pipeline.loading.clip_rows import ClipSettings
from input_pipeline.loading.loader import (
  HostShare,
  evaluation_batches,
  training_batches,
)

SETTINGS = ClipSettings(num_frames=3, rule='segments', max_persons=1, canvas=(4, 6))


def keypoint_records(count=12, frames=9, people=1):
  """Records in which every keypoint encodes its origin: (frame, clip, score)."""
  records = []
  for clip in range(count):
    keypoints = np.ones((frames, people, 2, 3), np.float32)
    keypoints[..., 0] = np.arange(frames).reshape(-1, 1, 1)
    keypoints[..., 1] = clip
    records.append(
      {'keypoints': keypoints, 'frame_size': (240, 320 + clip), 'label': clip % 5}
    )
  return records


def first(count, iterator):
  return list(itertools.islice(iterator, count))


def train(records, indices=None, *, settings=SETTINGS, batch_size=4, seed=0, **options):
  return training_batches(
    records,
    range(len(records)) if indices is None else indices,
    settings,
    batch_size=batch_size,
    seed=seed,
    **options,
  )


def evaluate(records, indices=None, *, settings=SETTINGS, batch_size=4, **options):
  return list(
    evaluation_batches(
      records,
      range(len(records)) if indices is None else indices,
      settings,
      batch_size=batch_size,
      **{'num_views': 1, 'read_threads': 0} | options,
    )
  )


def joined(batches):
  """Concatenates batches along the rows, by field."""
  return {k: np.concatenate([batch[k] for batch in batches]) for k in batches[0]}


def assert_equal_batches(some, others):
  assert len(some) == len(others)
  for one, other in zip(some, others, strict=True):
    assert one.keys() == other.keys()
    for name in one:
      np.testing.assert_array_equal(one[name], other[name], strict=True)


def test_the_fields_of_a_training_batch():
  (batch,) = first(1, train(keypoint_records(people=3)))
  shapes = {name: (array.shape, array.dtype.name) for name, array in batch.items()}
  assert shapes == {
    'keypoints': ((4, 3, 1, 2, 3), 'float32'),
    'num_frames': ((4,), 'int32'),
    'frame_size': ((4, 2), 'int32'),
    'label': ((4,), 'int32'),
    'mask': ((4,), 'float32'),
    'index': ((4,), 'int32'),
  }
  assert (batch['mask'] == 1).all()
  assert (batch['num_frames'] == 3).all()
  np.testing.assert_array_equal(batch['label'], batch['index'] % 5)
  np.testing.assert_array_equal(batch['frame_size'][:, 1], 320 + batch['index'])
  # The rows contain the clips that `index` names.
  clips = batch['keypoints'][..., 1]
  np.testing.assert_array_equal(clips, np.broadcast_to(batch['index'], (2, 1, 3, 4)).T)


def test_each_epoch_has_each_clip_once_in_a_new_order():
  indices = [1, 2, 3, 5, 7, 8, 10, 11]  # Not all records.
  epochs = np.stack(
    [batch['index'] for batch in first(6, train(keypoint_records(), indices))]
  ).reshape(3, 8)
  for epoch in epochs:
    assert sorted(epoch) == indices
  assert len(np.unique(epochs, axis=0)) == 3


def test_frames_are_fresh_in_every_epoch_and_lie_in_their_segments():
  rows = joined(first(60, train(keypoint_records())))
  frames = rows['keypoints'][..., 0, 0, 0]
  assert (frames // 3 == [0, 1, 2]).all()  # Nine frames in three segments.
  assert len(np.unique(frames, axis=0)) == 27
  of_clip_4 = frames[rows['index'] == 4]
  assert len(of_clip_4) == 20
  assert len(np.unique(of_clip_4, axis=0)) > 10


def test_batches_may_cross_the_end_of_an_epoch():
  batches = first(3, train(keypoint_records(count=3), batch_size=2))
  order = joined(batches)['index']
  assert sorted(order[:3]) == sorted(order[3:]) == [0, 1, 2]


@pytest.mark.parametrize('read_threads', [1, 5])
def test_order_and_frames_do_not_depend_on_threads(read_threads):
  alone = first(8, train(keypoint_records(), read_threads=0))
  threaded = first(8, train(keypoint_records(), read_threads=read_threads))
  assert_equal_batches(alone, threaded)


def test_order_depends_on_the_seed():
  orders = [
    joined(first(3, train(keypoint_records(), seed=s)))['index'] for s in (0, 1)
  ]
  assert (orders[0] != orders[1]).any()


@pytest.mark.parametrize('processes', [2, 4])
def test_the_rows_of_all_processes_are_the_batch_of_one(processes):
  records = keypoint_records(count=10)  # Epochs and batches do not line up.
  alone = first(6, train(records))
  shares = [
    first(6, train(records, host=HostShare(index, processes)))
    for index in range(processes)
  ]
  for share in shares:
    assert {len(batch['index']) for batch in share} == {4 // processes}
  together = [joined(batches) for batches in zip(*shares, strict=True)]
  assert_equal_batches(together, alone)


@pytest.mark.parametrize('host', [HostShare(), HostShare(1, 2)], ids=['one', 'second'])
def test_resumes_where_it_stopped(host):
  iterator = train(keypoint_records(), host=host)
  first(2, iterator)
  state = iterator.get_state()
  expected = first(4, iterator)
  resumed = train(keypoint_records(), host=host)
  resumed.set_state(state)
  assert_equal_batches(first(4, resumed), expected)


# Classes of 12 clips: 8 in class 0, 3 in class 1, 1 in class 2.
RARE = np.array([0, 1, 0, 0, 2, 0, 0, 1, 0, 1, 0, 0])


def test_balance_samples_classes_equally_and_their_clips_in_turn():
  batches = first(24, train(keypoint_records(), batch_size=3, classes=RARE))
  rounds = np.stack([batch['index'] for batch in batches])  # Each has three classes.
  np.testing.assert_array_equal(
    np.sort(RARE[rounds], axis=1), np.tile([0, 1, 2], (24, 1))
  )
  assert len(np.unique(RARE[rounds], axis=0)) > 3  # In a new order each time.
  # 24 draws per class: each of 8, 3 and 1 clips comes 3, 8 and 24 times, once per lap.
  counts = np.bincount(rounds.ravel(), minlength=12)
  np.testing.assert_array_equal(counts, np.array([3, 8, 24])[RARE])
  of_class_1 = rounds[RARE[rounds] == 1].reshape(8, 3)
  np.testing.assert_array_equal(np.sort(of_class_1, axis=1), np.tile([1, 7, 9], (8, 1)))
  assert len(np.unique(of_class_1, axis=0)) > 2
  frames = joined(batches)['keypoints'][..., 0, 0, 0]
  assert len(np.unique(frames, axis=0)) > 10  # Newly sampled, same as without balance.


def test_classes_belong_to_the_chosen_clips():
  indices = [11, 4, 0, 2]
  rows = joined(first(8, train(keypoint_records(), indices, classes=RARE[indices])))
  counts = np.bincount(rows['index'], minlength=12)
  assert counts[4] == 16
  assert counts[[0, 2, 11]].sum() == 16
  with pytest.raises(
    ValueError, match=r'4 clips have classes of shape \(12,\), but nee'
  ):
    train(keypoint_records(), indices, classes=RARE)


@pytest.mark.parametrize('processes', [2, 4])
def test_balance_is_the_same_whatever_the_processes_and_resumes(processes):
  records = keypoint_records()
  alone = first(6, train(records, classes=RARE))
  shares = []
  for index in range(processes):
    options = {'classes': RARE, 'host': HostShare(index, processes)}
    iterator = train(records, **options)
    begun = first(2, iterator)
    resumed = train(records, **options)
    resumed.set_state(iterator.get_state())
    shares.append([*begun, *first(4, resumed)])
  together = [joined(batches) for batches in zip(*shares, strict=True)]
  assert_equal_batches(together, alone)
  other = first(6, train(records, classes=RARE, seed=1))
  assert (joined(other)['index'] != joined(alone)['index']).any()


def test_evaluation_covers_each_clip_once_in_order_and_masks_the_rest():
  indices = [9, 4, 0, 2, 7, 11]
  batches = evaluate(keypoint_records(), indices)
  np.testing.assert_array_equal(
    [batch['index'] for batch in batches], [[9, 4, 0, 2], [7, 11, -1, -1]]
  )
  np.testing.assert_array_equal(
    [batch['mask'] for batch in batches], [[1, 1, 1, 1], [1, 1, 0, 0]]
  )
  shapes = [{k: (v.shape, v.dtype) for k, v in batch.items()} for batch in batches]
  assert shapes[0] == shapes[1]
  rows = joined(batches)
  real = rows['mask'] == 1
  np.testing.assert_array_equal(rows['label'][real], rows['index'][real] % 5)


def test_evaluation_batches_that_divide_evenly_have_no_padding():
  batches = evaluate(keypoint_records(count=8))
  assert len(batches) == 2
  assert (joined(batches)['mask'] == 1).all()


def test_evaluation_views_are_those_of_the_rule():
  (batch,) = evaluate(keypoint_records(count=2), batch_size=2, num_views=4)
  assert batch['keypoints'].shape == (2, 4, 3, 1, 2, 3)
  views = sampling.test_frames(9, 3, 4)
  np.testing.assert_array_equal(batch['keypoints'][..., 0, 0, 0], [views, views])
  consecutive = ClipSettings(3, 'consecutive', max_persons=1, canvas=(4, 6))
  (batch,) = evaluate(keypoint_records(count=2), batch_size=2, settings=consecutive)
  np.testing.assert_array_equal(batch['keypoints'][0, 0, :, 0, 0, 0], [3, 4, 5])


@pytest.mark.parametrize('processes', [2, 4])
def test_processes_share_the_evaluation_with_equally_many_batches(processes):
  records = keypoint_records(count=5)  # The last processes only have padding.
  alone = evaluate(records)
  shares = [
    evaluate(records, host=HostShare(index, processes)) for index in range(processes)
  ]
  assert {len(share) for share in shares} == {2}
  assert_equal_batches([joined(rows) for rows in zip(*shares, strict=True)], alone)


def test_evaluating_no_clip_gives_no_batch():
  assert evaluate(keypoint_records(), []) == []


def test_the_most_confident_people_are_kept():
  keypoints = np.zeros((2, 3, 2, 3), np.float32)
  keypoints[..., 0] = np.array([10, 20, 30]).reshape(1, 3, 1)  # Identifies the person.
  # Scores sum to 1.6, 1.7 and 2.0; the last person is missing in the first frame.
  keypoints[:, 0, :, 2] = 0.4
  keypoints[0, 1, :, 2] = [0.9, 0.8]
  keypoints[1, 2, :, 2] = 1.0
  record = {'keypoints': keypoints, 'frame_size': (9, 9), 'label': 0}

  def people(count):
    settings = ClipSettings(2, 'segments', max_persons=count, canvas=(4, 6))
    (batch,) = evaluate([record], settings=settings, batch_size=1)
    return batch['keypoints'][0, 0]

  np.testing.assert_array_equal(people(1), keypoints[:, [2]])
  np.testing.assert_array_equal(people(2), keypoints[:, [2, 1]])
  padded = people(5)
  assert padded.shape == (2, 5, 2, 3)
  assert padded.dtype == np.float32
  np.testing.assert_array_equal(padded[:, :3], keypoints[:, [2, 1, 0]])
  assert not padded[:, 3:].any()  # Score 0: missing.


def test_equally_confident_people_keep_their_order():
  settings = ClipSettings(3, 'segments', max_persons=2, canvas=(4, 6))
  (record,) = keypoint_records(count=1, people=4)
  record['keypoints'][..., 1] = np.arange(4).reshape(1, 4, 1)
  (batch,) = evaluate([record], settings=settings, batch_size=1)
  np.testing.assert_array_equal(batch['keypoints'][0, 0, 0, :, 0, 1], [0, 1])


def test_a_video_shorter_than_a_clip_repeats_frames():
  records = keypoint_records(count=2, frames=2)
  (batch,) = evaluate(records, batch_size=2)
  np.testing.assert_array_equal(batch['keypoints'][0, 0, :, 0, 0, 0], [0, 1, 1])
  (batch,) = first(1, train(records, batch_size=2))
  assert batch['keypoints'].shape == (2, 3, 1, 2, 3)
  assert set(batch['keypoints'][..., 0].flat) <= {0, 1}


WHOLE = dataclasses.replace(SETTINGS, rule='whole', num_frames=5)


def test_a_whole_video_says_how_many_of_its_frames_are_real():
  records = [*keypoint_records(1, frames=4), *keypoint_records(1, frames=9)]
  (tested,) = evaluate(records, settings=WHOLE, batch_size=2)
  (trained,) = first(1, train(records, settings=WHOLE, batch_size=2))
  trained = {k: v[np.argsort(trained['index'])] for k, v in trained.items()}
  frames = [[0, 1, 2, 3, 3], [0, 2, 4, 6, 8]]
  np.testing.assert_array_equal(tested['keypoints'][:, 0, :, 0, 0, 0], frames)
  np.testing.assert_array_equal(trained['keypoints'][..., 0, 0, 0], frames)
  for batch in (tested, trained):
    np.testing.assert_array_equal(
      batch['num_frames'], np.array([4, 5], np.int32), strict=True
    )


@pytest.mark.parametrize('read', [train, evaluate])
def test_several_labels_per_clip_are_multi_hot(read):
  hot = np.array([[1, 0, 1], [0, 0, 0]], np.uint8)
  records = keypoint_records(count=2)
  for record, labels in zip(records, hot, strict=True):
    del record['label']
    record['labels'] = labels
  (batch,) = first(1, iter(read(records, batch_size=2)))
  np.testing.assert_array_equal(
    batch['label'], hot[batch['index']].astype(np.float32), strict=True
  )


@pytest.mark.parametrize('read', [train, evaluate])
def test_a_batch_that_processes_cannot_share_is_refused(read):
  message = 'a batch of 4 cannot be divided among 3 processes; take a multiple of 3'
  with pytest.raises(ValueError, match=message):
    read(keypoint_records(), host=HostShare(0, 3))


def test_training_on_no_clip_is_refused():
  with pytest.raises(ValueError, match='there is no clip to train on'):
    train(keypoint_records(), [])


def test_an_unknown_sampling_rule_is_refused_before_anything_is_read():
  with pytest.raises(ValueError, match="no sampling rule 'random'; it is one of"):
    ClipSettings(num_frames=3, rule='random', max_persons=1, canvas=(4, 6))


@pytest.mark.parametrize(('threads', 'batches_ahead'), [(2, 4), (6, 6)])
def test_a_few_batches_are_read_ahead(threads, batches_ahead):
  """Not as many batches as a batch has rows, which filled the memory with them."""

  class Counted(list):
    reads = 0

    def __getitem__(self, index):
      Counted.reads += 1
      return super().__getitem__(index)

  batches = train(Counted(keypoint_records(40)), batch_size=10, read_threads=threads)
  next(batches)
  wanted = 10 * (1 + batches_ahead)
  end = time.monotonic() + 60
  while Counted.reads < wanted and time.monotonic() < end:
    time.sleep(0.01)
  time.sleep(0.1)  # Further reads would follow at once.
  assert Counted.reads == wanted
