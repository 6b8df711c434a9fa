"""Which records are kept in memory, and which are read again."""

import numpy as np
import pytest

from input_pipeline.loading.kept_records import KeptRecords


class Stored:
  """Records with 80 bytes of keypoints, or of maps; notes which are read."""

  def __init__(self, field='keypoints'):
    self.field = field
    self.read = []

  def __len__(self):
    return 5

  def __getitem__(self, index):
    self.read.append(index)
    return {self.field: np.full(10, index, np.float64), 'video_id': b'v'}


def test_a_record_is_read_once():
  stored = Stored()
  kept = KeptRecords(stored)
  assert len(kept) == 5
  for _ in range(2):
    record = kept[3]
    assert record['keypoints'].tolist() == [3.0] * 10 and record['video_id'] == b'v'
    record['video_id'] = b'changed'  # A caller's dict is its own.
  assert stored.read == [3]


def test_kept_arrays_cannot_be_changed():
  kept = KeptRecords(Stored())
  for _ in range(2):
    with pytest.raises(ValueError, match='read-only'):
      kept[0]['keypoints'][0] = 1


def test_what_does_not_fit_is_read_again():
  stored = Stored()
  kept = KeptRecords(stored, most_bytes=170)
  for index in (0, 1, 2, 0, 1, 2):
    assert kept[index]['keypoints'][0] == index
  assert stored.read == [0, 1, 2, 2]


def test_maps_are_not_kept():
  stored = Stored('maps')
  kept = KeptRecords(stored)
  kept[1], kept[1]
  assert stored.read == [1, 1]
