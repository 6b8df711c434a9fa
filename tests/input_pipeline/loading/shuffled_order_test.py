"""The order of training clips, by position."""

import numpy as np
import pytest

from input_pipeline.loading import shuffled_order
from input_pipeline.loading.shuffled_order import ShuffledOrder

CLIPS = [7, 3, 11, 5, 2]


def test_every_epoch_has_each_clip_once_in_its_own_order():
  order = ShuffledOrder(CLIPS, seed=0)
  epochs = [[order[5 * epoch + place] for place in range(5)] for epoch in range(20)]
  assert all(sorted(epoch) == sorted(CLIPS) for epoch in epochs)
  assert len({tuple(epoch) for epoch in epochs}) > 15


@pytest.mark.parametrize('position', [0, 4, 5, 12, 10**9])
def test_a_position_has_the_same_clip_whatever_was_asked_before(position):
  shuffled_order._permutation.cache_clear()
  alone = ShuffledOrder(CLIPS, seed=3)[position]
  order = ShuffledOrder(np.array(CLIPS), seed=3)
  for other in (position + 17, 0, position + 1):
    order[other]
  assert order[position] == alone
  assert isinstance(alone, int)


def test_a_place_in_an_epoch_has_any_clip():
  order = ShuffledOrder(CLIPS, seed=1)
  first = np.array([order[5 * epoch] for epoch in range(2000)])
  shares = [(first == clip).mean() for clip in CLIPS]
  np.testing.assert_allclose(shares, 0.2, atol=0.04)  # Four standard errors.


def test_seeds_and_lengths():
  one, other = (ShuffledOrder(range(50), seed=seed) for seed in (0, 1))
  assert [one[n] for n in range(50)] != [other[n] for n in range(50)]
  assert [ShuffledOrder([9], seed=0)[n] for n in range(3)] == [9, 9, 9]
