"""Which batches are kept for the next evaluation, and which are read again."""

import numpy as np

from input_pipeline.loading.kept_batches import KeptBatches


class Reader:
  """Yields batches of 80 bytes, and counts how often it began."""

  def __init__(self, count):
    self.count = count
    self.begun = 0

  def __call__(self):
    self.begun += 1
    for number in range(self.count):
      yield {'index': np.full(10, number, np.int64)}


def _numbers(batches):
  return [int(batch['index'][0]) for batch in batches]


def test_a_split_is_read_once():
  kept, read = KeptBatches(), Reader(3)
  first = list(kept.of('test', read))
  again = list(kept.of('test', read))
  assert _numbers(first) == [0, 1, 2]
  assert all(one is other for one, other in zip(first, again, strict=True))
  assert read.begun == 1


def test_what_does_not_fit_is_read_again():
  """Three batches fit beside nothing, one beside these, and a fifth nowhere."""
  kept = KeptBatches(most_bytes=4 * 80)
  large, three, two, one = Reader(5), Reader(3), Reader(2), Reader(1)
  for name, read in {'large': large, 'three': three, 'two': two, 'one': one}.items():
    for _ in range(2):
      assert _numbers(kept.of(name, read)) == list(range(read.count))
  assert (large.begun, three.begun, two.begun, one.begun) == (2, 1, 2, 1)


def test_a_split_that_was_not_read_to_its_end_is_not_kept():
  kept, read = KeptBatches(), Reader(3)
  stopped = kept.of('test', read)
  next(stopped)
  stopped.close()
  assert _numbers(kept.of('test', read)) == [0, 1, 2]
  assert read.begun == 2
