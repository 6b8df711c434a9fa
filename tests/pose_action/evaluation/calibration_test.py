"""Temperatures and calibration errors: by hand, and against slow oracles."""

import numpy as np
import pytest
import scipy.special

from pose_action.evaluation import calibration
from pose_action.evaluation.evaluation import Evaluation


def _clips(seed=0, b=200, k=4, sharpness=3.0):
  """Scores of an overconfident model whose labels are drawn from softer scores."""
  rng = np.random.default_rng(seed)
  logits = rng.normal(size=(b, k))
  soft = scipy.special.softmax(logits, axis=1)
  labels = np.array([rng.choice(k, p=p) for p in soft])
  return scipy.special.softmax(sharpness * logits, axis=1), labels


def test_a_worked_temperature():
  """p = (0.8, 0.2) is right in 2 of 3 clips: the best p is 2/3, log 4 / T = log 2."""
  scores = np.array([[0.8, 0.2]] * 3)
  assert calibration.fit_temperature(scores, np.array([0, 0, 1])) == pytest.approx(2)
  scaled = calibration.with_temperature(scores, 2.0, multi_label=False)
  np.testing.assert_allclose(scaled, [[2 / 3, 1 / 3]] * 3)


def test_a_worked_temperature_with_several_labels():
  """The same per class: logit(0.8) / 2 = log 2, so sigmoid is 2/3."""
  scores = np.full((3, 2), 0.8)
  labels = np.array([[1, 1], [1, 0], [0, 1]], np.uint8)
  assert calibration.fit_temperature(scores, labels) == pytest.approx(2)
  scaled = calibration.with_temperature(scores, 2.0, multi_label=True)
  np.testing.assert_allclose(scaled, 2 / 3)


def test_the_temperature_is_the_best_of_a_fine_grid():
  scores, labels = _clips()
  found = calibration.fit_temperature(scores.astype(np.float32), labels)
  grid = np.geomspace(0.5, 10, 4001)

  def loss(temperature):
    p = scores ** (1 / temperature)
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(labels)), labels]).mean()

  best = grid[np.argmin([loss(t) for t in grid])]
  assert found == pytest.approx(best, rel=1e-3)
  assert 2 < found < 4.5  # The logits were multiplied by 3.


def test_temperatures_are_bounded():
  scores = np.array([[0.9, 0.1], [0.2, 0.8]])
  assert calibration.fit_temperature(scores, np.array([1, 0])) == pytest.approx(20)
  many = np.repeat([[0.5001, 0.4999]], 200, axis=0)
  assert calibration.fit_temperature(many, np.zeros(200, int)) == pytest.approx(0.05)


def test_few_clips_that_are_all_right_make_nothing_certain():
  """p = 0.8 in b of b clips: (b + 1) / (b + 2) is 0.95, so log 4 / T = log 19."""
  scores, labels = np.array([[0.8, 0.2]] * 18), np.zeros(18, int)
  temperature = calibration.fit_temperature(scores, labels)
  assert temperature == pytest.approx(np.log(4) / np.log(19))
  several = calibration.fit_temperature(
    np.repeat([[0.8, 0.2]], 18, axis=0), np.repeat([[1, 0]], 18, axis=0).astype('uint8')
  )
  assert several == pytest.approx(temperature)
  certain = np.array([[1.0, 0.0], [0.0, 1.0]])
  assert calibration.fit_temperature(certain, np.array([0, 1])) == pytest.approx(20)


def test_clips_that_are_all_right_have_their_mean_confidence():
  scores, labels = _clips(b=30)
  right = scores.argmax(axis=1) == labels
  scores, labels = scores[right], labels[right]
  temperature = calibration.fit_temperature(scores, labels)
  scaled = calibration.with_temperature(scores, temperature, multi_label=False)
  assert scaled.max(axis=1).mean() == pytest.approx(
    (right.sum() + 1) / (right.sum() + 2)
  )


def test_probabilities_of_zero_and_one_stay_finite():
  scores = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
  labels = np.array([0, 1, 1])
  temperature = calibration.fit_temperature(scores, labels)
  scaled = calibration.with_temperature(scores, temperature, multi_label=False)
  assert np.isfinite(scaled).all()
  for_each = calibration.with_temperature(scores, 2.0, multi_label=True)
  assert np.isfinite(for_each).all()


def test_a_temperature_changes_no_order_and_one_changes_nothing():
  scores, _ = _clips()
  for temperature in (0.3, 4.0):
    scaled = calibration.with_temperature(scores, temperature, multi_label=False)
    np.testing.assert_array_equal(scaled.argsort(axis=1), scores.argsort(axis=1))
    np.testing.assert_allclose(scaled.sum(axis=1), 1)
  same = calibration.with_temperature(scores, 1.0, multi_label=False)
  np.testing.assert_allclose(same, scores)


def test_a_worked_calibration_error():
  """Bins of two: two clips at 0.9 and 0.7, one right; two at 0.5, both right."""
  scores = np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5], [0.5, 0.5]])
  labels = np.array([0, 0, 0, 0])
  # Bin (0.5, 1]: 2/4 · |1/2 - 0.8| = 0.15. Bin (0, 0.5]: 2/4 · |1 - 0.5| = 0.25.
  error = calibration.expected_calibration_error(scores, labels, bins=2)
  assert error == pytest.approx(0.4)


def test_calibration_errors_equal_a_slow_oracle():
  scores, labels = _clips(seed=1, b=2000)
  confidence, right = scores.max(axis=1), scores.argmax(axis=1) == labels
  expected = 0.0
  for m in range(15):
    inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
    if inside.any():
      gap = abs(right[inside].mean() - confidence[inside].mean())
      expected += inside.mean() * gap
  error = calibration.expected_calibration_error(scores, labels)
  assert error == pytest.approx(expected)
  temperature = calibration.fit_temperature(scores, labels)
  scaled = calibration.with_temperature(scores, temperature, multi_label=False)
  assert calibration.expected_calibration_error(scaled, labels) < error / 2


def test_a_certain_and_right_model_has_no_error():
  assert calibration.expected_calibration_error(np.eye(3), np.arange(3)) == 0


def test_misuse_is_named():
  with pytest.raises(ValueError, match='bins is 0, but must be at least 1'):
    calibration.expected_calibration_error(np.eye(3), np.arange(3), bins=0)
  with pytest.raises(ValueError, match=r'scores have shape \(3, 3\) and labels \(2,\)'):
    calibration.fit_temperature(np.eye(3), np.arange(2))


def _evaluation(split, checkpoint, scores, labels, step=5):
  names = [f'{split}{n}' for n in range(len(scores))]
  k = scores.shape[1]
  return Evaluation(split, checkpoint, step, names, scores, labels, 'abcd'[:k], 1)


def test_each_checkpoint_has_its_temperature_and_the_test_errors():
  held_out, test = _clips(2), _clips(3)
  evaluations = [
    _evaluation('validation', 'last', *held_out),
    _evaluation('test', 'last', *test),
    _evaluation('validation', 'best', held_out[0] ** 2 / 2, held_out[1], step=3),
  ]
  last, best = calibration.calibrations(evaluations, 'validation')
  assert last['temperature'] == pytest.approx(
    calibration.fit_temperature(*held_out), rel=1e-5
  )
  before = calibration.expected_calibration_error(evaluations[1].scores, test[1])
  assert last['expected_calibration_error_before'] == before
  assert last['expected_calibration_error_after'] < before
  assert (last['split'], last['step'], best['step']) == ('test', 5, 3)
  # Twice the logits need twice the temperature.
  assert best['temperature'] == pytest.approx(2 * last['temperature'], rel=1e-4)
  assert 'split' not in best
  assert calibration.calibrations(evaluations, 'test')[0]['split'] == 'validation'


def test_several_labels_have_a_temperature_and_no_error():
  rng = np.random.default_rng(4)
  scores, labels = rng.random((20, 3)), (rng.random((20, 3)) < 0.5).astype(np.uint8)
  evaluations = [
    _evaluation('validation', 'last', scores, labels),
    _evaluation('test', 'last', scores, labels),
  ]
  (entry,) = calibration.calibrations(evaluations, 'validation')
  assert set(entry) == {'checkpoint', 'step', 'fitted_on', 'temperature'}
