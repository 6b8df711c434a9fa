"""The threshold of abstention and its AUROC, worked by hand and against scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics

from pose_action.evaluation.calibration import fit_temperature, with_temperature
from pose_action.evaluation.evaluation import Evaluation
from pose_action.evaluation.unknown import abstain_threshold, abstentions, known_auroc


def answers(*confidences: float) -> np.ndarray:
  """Clips whose largest probability is of class 0."""
  return np.array([[c, 1 - c] for c in confidences])


def test_the_threshold_by_hand():
  scores = answers(0.9, 0.6, 0.8, 0.7, 0.95)
  labels = np.array([0, 0, 0, 0, 1])  # The last answer is wrong, and does not count.
  for kept, wanted in ((1, 0.6), (0.8, 0.6), (0.75, 0.7), (0.5, 0.8), (0, 0.9)):
    assert abstain_threshold(scores, labels, kept) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize('count', [1, 19, 20, 40, 100, 173])
def test_at_least_95_percent_are_kept_and_hardly_more(count):
  rng = np.random.default_rng(count)
  scores = answers(*rng.uniform(0.5, 1, count))
  threshold = abstain_threshold(scores, np.zeros(count, int))
  kept = (scores.max(axis=1) >= threshold).sum()
  assert 0.95 * count <= kept < 0.95 * count + 1


def test_no_right_answer_gives_no_threshold():
  assert abstain_threshold(answers(0.9), np.array([1])) is None


def test_auroc_by_hand():
  # Pairs in order: 0.9 beats both, 0.5 beats 0.4 and ties with 0.5: 3.5 of 4.
  assert known_auroc(np.array([0.9, 0.5]), np.array([0.5, 0.4])) == 3.5 / 4
  assert known_auroc(np.array([0.1]), np.array([0.2, 0.3])) == 0


def test_auroc_against_scikit_learn():
  rng = np.random.default_rng(0)
  known, unknown = rng.normal(1, 1, 70).round(1), rng.normal(0, 1, 40).round(1)
  truth = np.r_[np.ones(70), np.zeros(40)]
  expected = sklearn.metrics.roc_auc_score(truth, np.r_[known, unknown])
  assert known_auroc(known, unknown) == pytest.approx(expected)


@pytest.mark.parametrize(
  ('known', 'unknown', 'message'),
  [
    ([], [0.5], 'at least one clip each'),
    ([0.5], [[0.5]], 'one number per clip'),
    ([np.nan], [0.5], 'nan'),
  ],
)
def test_confidences_that_do_not_fit(known, unknown, message):
  with pytest.raises(ValueError, match=message):
    known_auroc(np.array(known), np.array(unknown))
  with pytest.raises(ValueError, match=r'kept is 1\.5'):
    abstain_threshold(answers(0.5), np.array([0]), 1.5)


def evaluation(split, labels, **changes) -> Evaluation:
  scores = answers(0.9, 0.6, 0.8)
  ids = ['a', 'b', 'c']
  fields = {'checkpoint': 'best', 'step': 7, 'views': 1} | changes
  return Evaluation(
    split=split, video_ids=ids, scores=scores, labels=labels, class_names='xy', **fields
  )


def test_entries_for_results():
  held_out = evaluation('validation', np.array([0, 0, 1]))
  (entry,) = abstentions([held_out, evaluation('test', np.zeros(3, int))], 'validation')
  assert entry['threshold'] == pytest.approx(0.6, rel=1e-5)
  scaled = with_temperature(
    held_out.scores,
    fit_temperature(held_out.scores, held_out.labels),
    multi_label=False,
  )
  assert entry['calibrated_threshold'] == pytest.approx(scaled[1].max(), rel=1e-5)
  assert (entry['checkpoint'], entry['step'], entry['keeps']) == ('best', 7, 0.95)
  assert abstentions([evaluation('validation', np.ones(3, int))], 'validation') == []
  several = evaluation('validation', np.ones((3, 2), np.uint8))
  assert abstentions([several], 'validation') == []
