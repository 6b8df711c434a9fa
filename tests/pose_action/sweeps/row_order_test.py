"""Agreement in order: literals by hand, and Kendall's τ against SciPy."""

import math

import numpy as np
import pytest
import scipy.stats

from pose_action.sweeps.row_order import agreement, in_order


def test_pairs_by_hand():
  # The paper has a < b = c < d, so five pairs differ. Ours has c > a > b = d: only a-c is
  # in the paper's order.
  found = agreement([2.0, 1.5, 3.0, 1.5], [10.0, 20.0, 20.0, 30.0])
  assert (found.same, found.pairs) == (1, 5)


def test_same_order_and_reverse():
  assert agreement([1, 2, 3], [10, 20, 90]).tau == 1
  reverse = agreement([3, 2, 1], [10, 20, 90])
  assert (reverse.tau, reverse.same, reverse.pairs) == (-1, 0, 3)


def test_without_any_difference_there_is_no_tau():
  found = agreement([1.0, 1.0], [2.0, 3.0])
  assert math.isnan(found.tau)
  assert (found.same, found.pairs) == (0, 1)


@pytest.mark.parametrize('seed', range(5))
def test_tau_is_scipy_s(seed):
  ours, paper = np.random.default_rng(seed).integers(0, 6, (2, 9)).tolist()
  expected = scipy.stats.kendalltau(ours, paper)[0]
  assert agreement(ours, paper).tau == pytest.approx(expected)


def test_the_order_in_words():
  assert in_order(['a', 'b', 'c'], [1.0, 2.0, 1.0]) == 'b > a = c'
  assert in_order(['a'], [1.0]) == 'a'
