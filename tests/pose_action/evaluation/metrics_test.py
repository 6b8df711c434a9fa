"""Exact metrics against values worked by hand."""

import numpy as np
import pytest

from pose_action.evaluation import metrics

# Four clips with classes 0, 0, 1, 1; class 2 has none. Predicted: 0, 1, 1 (a tie with 2,
# the first counts), 0 (a tie with 1).
SCORES = np.array(
  [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.0, 0.5, 0.5], [0.4, 0.4, 0.2]], np.float32
)
LABELS = np.array([0, 0, 1, 1], np.int32)


def test_accuracy_of_ties_takes_the_first_class():
  assert metrics.accuracy(SCORES, LABELS) == 0.5
  # If the last class counted on a tie, clip 2 would be wrong and clip 3 right, with the
  # same total; so check the clips one by one.
  assert metrics.accuracy(SCORES[2:3], LABELS[2:3]) == 1.0
  assert metrics.accuracy(SCORES[3:4], LABELS[3:4]) == 0.0


def test_confusion_matrix_has_true_classes_in_rows():
  expected = [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
  np.testing.assert_array_equal(metrics.confusion_matrix(SCORES, LABELS, 3), expected)
  one_sided = metrics.confusion_matrix(SCORES[1:2], LABELS[1:2], 3)
  assert one_sided[0, 1] == 1  # True 0, predicted 1.
  assert one_sided.sum() == 1


def test_mean_class_accuracy_is_over_the_classes_that_have_clips():
  scores = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 0]]
  labels = np.array([0, 0, 0, 1, 1])
  np.testing.assert_array_equal(
    metrics.per_class_accuracy(scores, labels), [1.0, 0.5, np.nan]
  )
  assert metrics.mean_class_accuracy(scores, labels) == 0.75
  assert (
    metrics.accuracy(scores, labels) == 0.8
  )  # It would be 0.5 if class 2 counted as 0.


def test_top_k_accuracy_ranks_as_argmax_does():
  assert metrics.top_k_accuracy(SCORES, LABELS, 1) == metrics.accuracy(SCORES, LABELS)
  # Clip 1's label is last, clip 3's is second by its tie.
  assert metrics.top_k_accuracy(SCORES, LABELS, 2) == 0.75
  assert metrics.top_k_accuracy(SCORES, LABELS, 3) == 1.0
  with pytest.raises(ValueError, match=r'top is 4, but must be in 1\.\.3'):
    metrics.top_k_accuracy(SCORES, LABELS, 4)


def test_metrics_agree_with_scikit_learn_on_random_scores():
  oracle = pytest.importorskip('sklearn.metrics')
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 7, 200)
  scores = rng.random((200, 7)) + 0.4 * np.eye(7)[labels]
  predicted = scores.argmax(axis=1)
  assert metrics.accuracy(scores, labels) == oracle.accuracy_score(labels, predicted)
  np.testing.assert_allclose(
    metrics.mean_class_accuracy(scores, labels),
    oracle.balanced_accuracy_score(labels, predicted),
    rtol=1e-12,
  )
  np.testing.assert_allclose(
    metrics.top_k_accuracy(scores, labels, 5),
    oracle.top_k_accuracy_score(labels, scores, k=5),
    rtol=1e-12,
  )
  np.testing.assert_array_equal(
    metrics.confusion_matrix(scores, labels, 7),
    oracle.confusion_matrix(labels, predicted),
  )


@pytest.mark.parametrize(
  ('scores', 'labels', 'message'),
  [
    (SCORES, LABELS[:3], r'scores have shape \(4, 3\) and labels \(3,\)'),
    (SCORES[:0], LABELS[:0], 'with at least one clip'),
    (SCORES, np.array([0, 0, 1, 3]), r'labels are in 0\.\.3, but must be in 0\.\.2'),
    (SCORES, np.array([0, 0, 1, -1]), 'leave padding rows out'),
    (np.where(SCORES == 0.7, np.nan, SCORES), LABELS, 'scores of clip 0 .*diverged'),
  ],
)
def test_misuse_is_refused(scores, labels, message):
  with pytest.raises(ValueError, match=message):
    metrics.accuracy(scores, labels)


def test_scores_over_other_classes_are_refused():
  with pytest.raises(ValueError, match='have 3 classes, but the data set has 4'):
    metrics.confusion_matrix(SCORES, LABELS, 4)


def test_figures_of_single_labels():
  figures = metrics.figures(SCORES, LABELS)
  # Probabilities of the true classes: 0.7, 0.1, 0.5, 0.4.
  np.testing.assert_allclose(
    figures.pop('loss'), -np.log([0.7, 0.1, 0.5, 0.4]).mean(), rtol=1e-6
  )
  assert figures == {'accuracy': 0.5, 'mean_class_accuracy': 0.5}
  assert metrics.headline_figure({'loss': 3.0, **figures}) == 0.5


def test_figures_of_multi_hot_labels():
  scores = np.array([[0.8, 0.5], [0.6, 0.1]], np.float32)
  labels = np.array([[1, 1], [0, 0]], np.uint8)
  figures = metrics.figures(scores, labels)
  expected = -np.log(
    [0.8, 0.5, 0.4, 0.9]
  ).mean()  # The sum over classes would be twice that.
  np.testing.assert_allclose(figures.pop('loss'), expected, rtol=1e-6)
  assert figures == {'mAP': 1.0}
  assert metrics.headline_figure({'loss': 3.0, **figures}) == 1.0


def test_figures_that_a_protocol_asks_for():
  labels = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0]], np.uint8)
  figures = metrics.figures(SCORES, labels, asked=('charades_mAP',))
  # Class 0 ranks its clips 1 and 2; class 1 ranks its clips 2 and 4 behind clip 1, which
  # has no label: for Charades 1 and 3.
  assert figures['mAP'] == pytest.approx((1 + (1 / 2 + 2 / 4) / 2) / 2)
  assert figures['charades_mAP'] == pytest.approx((1 + (1 / 1 + 2 / 3) / 2) / 2)
  assert metrics.headline_figure(figures) == figures['charades_mAP']
  assert metrics.figures(SCORES, labels).keys() == {'loss', 'mAP'}
  # For boxes, papers report another figure, so that this one has another name.
  boxes = metrics.figures(SCORES, labels, asked=('frame_mAP',))
  assert boxes == {'loss': figures['loss'], 'box_mAP': figures['mAP']}
  assert metrics.headline_figure(boxes) == figures['mAP']
  # With one label per clip: each class against the others; accuracy is the headline.
  figures = metrics.figures(SCORES, LABELS, asked=('accuracy', 'top5', 'mAP'))
  of_class = np.eye(3, dtype=int)[LABELS]
  oracle = pytest.importorskip('sklearn.metrics')
  has_clips = of_class.any(axis=0)
  assert figures['mAP'] == pytest.approx(
    oracle.average_precision_score(
      of_class[:, has_clips], SCORES[:, has_clips], average='macro'
    )
  )
  assert metrics.headline_figure(figures) == figures['accuracy']
  assert 'mAP' not in metrics.figures(SCORES, LABELS, asked=('accuracy',))


def test_a_sure_mistake_costs_much_but_not_infinity():
  sure = np.eye(2, dtype=np.float32)
  worst = -np.log(1e-12)
  np.testing.assert_allclose(
    metrics.negative_log_likelihood(sure, np.array([1, 0])), worst, rtol=1e-6
  )
  np.testing.assert_allclose(
    metrics.binary_cross_entropy(sure, 1 - sure.astype(int)), worst, rtol=1e-6
  )


@pytest.mark.parametrize(
  ('scores', 'labels', 'message'),
  [
    (SCORES, np.zeros((4, 2), int), r'labels \(4, 2\), but multi-hot labels need'),
    (SCORES, np.full((4, 3), 2), 'multi-hot labels must be 0 or 1'),
    (np.full((4, 3), np.inf), np.ones((4, 3), int), 'scores of clip 0 .*diverged'),
  ],
)
def test_misuse_of_multi_hot_labels_is_refused(scores, labels, message):
  with pytest.raises(ValueError, match=message):
    metrics.figures(scores, labels)
