"""Both definitions of average precision, by hand and against scikit-learn."""

import numpy as np
import pytest

from pose_action.evaluation.average_precision import (
  average_precision,
  charades_mean_average_precision,
  mean_average_precision,
  per_class_average_precision,
  per_class_charades_precision,
)

# One class, scores in descending order, two of them equal: ranks 1, {2, 3}, 4.
TIED_SCORES = np.array([0.5, 0.9, 0.5, 0.1])
TIED = np.array([1, 0, 0, 1])


def test_average_precision_by_hand_takes_equal_scores_together():
  # At 0.5 there are three clips, one right: recall 1/2, precision 1/3. At 0.1 all four,
  # two right: recall 1, precision 1/2. The order within the tie does not matter.
  expected = 0.5 * (1 / 3) + 0.5 * (1 / 2)
  np.testing.assert_allclose(average_precision(TIED_SCORES, TIED), expected, rtol=1e-12)
  swapped = np.array([0, 0, 1, 1])
  np.testing.assert_allclose(
    average_precision(TIED_SCORES, swapped), expected, rtol=1e-12
  )


def test_average_precision_of_perfect_and_of_worst_ranking():
  scores = np.array([0.9, 0.8, 0.7, 0.6])
  assert average_precision(scores, np.array([1, 1, 0, 0])) == 1.0
  assert average_precision(scores, np.array([0, 0, 0, 1])) == 0.25
  assert np.isnan(average_precision(scores, np.zeros(4, int)))


def test_map_is_over_the_classes_that_have_clips():
  scores = np.stack([TIED_SCORES, TIED_SCORES, TIED_SCORES], axis=1)
  labels = np.stack([TIED, 0 * TIED, [0, 1, 0, 0]], axis=1)
  per_class = per_class_average_precision(scores, labels)
  np.testing.assert_allclose(per_class, [5 / 12, np.nan, 1.0], rtol=1e-12)
  # (5/12 + 1) / 2; 17/36 if class 1 counted as 0.
  np.testing.assert_allclose(
    mean_average_precision(scores, labels), 17 / 24, rtol=1e-12
  )
  with pytest.raises(ValueError, match='none of 4 clips has a label'):
    mean_average_precision(scores, 0 * labels)


@pytest.mark.parametrize('decimals', [1, 8])  # With many ties, and with none.
def test_average_precision_agrees_with_scikit_learn(decimals):
  oracle = pytest.importorskip('sklearn.metrics')
  rng = np.random.default_rng(1)
  labels = rng.random((150, 6)) < [0.02, 0.1, 0.3, 0.5, 0.9, 1.0]
  labels[0] = True
  scores = np.round(0.7 * rng.random((150, 6)) + 0.3 * labels, decimals)
  scores = scores.astype(np.float32)
  expected = oracle.average_precision_score(labels, scores, average=None)
  np.testing.assert_allclose(
    per_class_average_precision(scores, labels.astype(np.uint8)),
    expected,
    rtol=1e-12,
  )


def test_charades_agrees_with_scikit_learn_without_ties_and_empty_clips():
  oracle = pytest.importorskip('sklearn.metrics')
  rng = np.random.default_rng(2)
  labels = (rng.random((150, 6)) < [0.02, 0.1, 0.3, 0.5, 0.9, 0.6]).astype(np.uint8)
  labels[~labels.any(axis=1), 4] = 1
  scores = 0.7 * rng.random((150, 6)) + 0.3 * labels
  expected = oracle.average_precision_score(labels, scores, average=None)
  np.testing.assert_allclose(
    per_class_charades_precision(scores, labels), expected, rtol=1e-12
  )
  assert charades_mean_average_precision(scores, labels) == pytest.approx(
    expected.mean()
  )


def one_class(scores, positive):
  """Charades' precision for a class whose clips all have another label too."""
  scores, positive = np.asarray(scores), np.asarray(positive)
  pair = np.stack([positive, np.ones_like(positive)], axis=1)
  return per_class_charades_precision(np.stack([scores, scores], axis=1), pair)[0]


def test_of_equal_scores_charades_takes_the_clip_listed_first():
  # Ranks of 0.9, 0.5, 0.5, 0.1: clips 1, 0, 2, 3.
  assert one_class(TIED_SCORES, TIED) == pytest.approx((1 / 2 + 2 / 4) / 2)
  # The other clip in the tie is positive: rank 3 and not 2.
  assert one_class(TIED_SCORES, [0, 0, 1, 1]) == pytest.approx((1 / 3 + 2 / 4) / 2)
  # scikit-learn gives 5/12 for both.
  assert one_class(np.full(40, 0.5), [0] * 39 + [1]) == pytest.approx(1 / 40)
  assert one_class(np.full(40, 0.5), [1] + [0] * 39) == 1


def test_clips_without_labels_cost_nothing_in_charades():
  scores = np.array([[0.9, 0.9], [0.8, 0.1], [0.7, 0.8], [0.1, 0.2]])
  labels = np.array([[0, 0], [1, 0], [0, 1], [1, 0]])
  # Without clip 0: class 0 at ranks 1 and 3, class 1 at rank 1.
  expected = [(1 + 2 / 3) / 2, 1]
  np.testing.assert_allclose(per_class_charades_precision(scores, labels), expected)
  np.testing.assert_allclose(
    charades_mean_average_precision(scores, labels), np.mean(expected)
  )
  # The common wrong protocol: clip 0 leads both classes as a negative.
  wrong = [(1 / 2 + 2 / 4) / 2, 1 / 2]
  np.testing.assert_allclose(per_class_average_precision(scores, labels), wrong)


def test_charades_is_over_the_classes_that_have_clips():
  scores = np.array([[0.9, 0.1, 0.3], [0.2, 0.7, 0.5]])
  labels = np.array([[1, 0, 1], [0, 0, 1]])
  np.testing.assert_array_equal(
    per_class_charades_precision(scores, labels), [1, np.nan, 1]
  )
  assert charades_mean_average_precision(scores, labels) == 1
  with pytest.raises(ValueError, match='none of 2 clips has a label'):
    charades_mean_average_precision(scores, 0 * labels)
