"""Pairs of confused classes, counted by hand."""

import numpy as np
import pytest

from pose_action.evaluation.confused_pairs import ConfusedPair, confused_pairs


def test_pairs_by_hand():
  # Class 0 has clips a to d, 1 has e and f, 2 has g.
  ids = list('abcdefg')
  labels = np.array([0, 0, 0, 0, 1, 1, 2])
  answers = [1, 1, 0, 2, 1, 0, 2]
  surety = [0.6, 0.8, 0.9, 0.5, 0.7, 0.5, 0.9]
  scores = np.zeros((7, 3))
  scores[np.arange(7), answers] = surety
  assert confused_pairs(ids, scores, labels, most=9) == [
    ConfusedPair(0, 1, ('b', 'a'), 4, ('e',)),
    ConfusedPair(1, 0, ('f',), 2, ('c',)),  # one of 2 comes before one of 4
    ConfusedPair(0, 2, ('d',), 4, ('g',)),
  ]
  assert len(confused_pairs(ids, scores, labels, most=2)) == 2


def test_several_labels_have_no_pairs():
  with pytest.raises(ValueError, match='several labels have no pairs'):
    confused_pairs(['a'], np.ones((1, 2)), np.ones((1, 2), int), 3)
