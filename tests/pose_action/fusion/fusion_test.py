"""Fusion against literals worked by hand, and cases where learned weights must help."""

import numpy as np
import pytest

from pose_action.fusion import fusion


def probabilities(logits, function):
  if function == 'sigmoid':
    return 1 / (1 + np.exp(-logits))
  return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def noisy_logits(labels, strengths, seed=0):
  """Logits [s, b, k]: labels [b, k] times each stream's strength, plus noise (σ = 1)."""
  noise = np.random.default_rng(seed).normal(size=(2, *labels.shape))
  return noise + np.multiply.outer(np.array(strengths), labels)


# --- The maths.


def test_mean_by_hand():
  p = np.array([[[0.9, 0.1]], [[0.5, 0.5]]])
  np.testing.assert_allclose(fusion.weighted_mean(p, np.ones(2)), [[0.7, 0.3]])
  # 3 · 0.9 + 1 · 0.5 over 4.
  np.testing.assert_allclose(
    fusion.weighted_mean(p, np.array([3.0, 1.0])), [[0.8, 0.2]]
  )


@pytest.mark.parametrize(
  'weights', [[1.0], [1.0, -0.5], [0.0, 0.0], [1.0, np.nan], [1.0, np.inf]]
)
def test_weights_that_do_not_define_a_mean_are_refused(weights):
  with pytest.raises(ValueError, match='2 streams need 2 finite numbers'):
    fusion.weighted_mean(np.full((2, 1, 2), 0.5), np.array(weights))


def test_weighted_logits_by_hand():
  # Odds 4 : 1 and 1 : 9 to the powers 1 and 1/2 multiply to 4 · 1/3, that is 4/3 : 1.
  p = np.array([[[0.8, 0.2]], [[0.1, 0.9]]])
  fused = fusion.weighted_logits(p, np.array([1.0, 0.5]))
  np.testing.assert_allclose(fused, [[4 / 7, 3 / 7]])
  # With yes or no per class, each class has odds of its own: 4/3 : 1 and 1/4 · 9² : 1.
  fused = fusion.weighted_logits(p, np.array([[1.0, 1.0], [0.5, 2.0]]))
  np.testing.assert_allclose(fused, [[4 / 7, 20.25 / 21.25]])


@pytest.mark.parametrize(('function', 'shape'), [('softmax', 2), ('sigmoid', (2, 3))])
def test_weighing_probabilities_weighs_their_logits(function, shape):
  rng = np.random.default_rng(1)
  logits, weights = rng.normal(size=(2, 4, 3)), rng.normal(size=shape)
  fused = fusion.weighted_logits(probabilities(logits, function), weights)
  total = sum(w * z for w, z in zip(weights, logits, strict=True))
  np.testing.assert_allclose(fused, probabilities(total, function), rtol=1e-9)


def test_certain_scores_stay_finite_and_small_scores_stay_in_order():
  p = np.array([[[1.0, 0.0, 1e-30, 1e-20]]] * 2)
  for weights in (np.full(2, 0.5), np.full((2, 4), 0.5)):
    (fused,) = fusion.weighted_logits(p, weights)
    assert np.isfinite(fused).all()
    assert np.argsort(-fused).tolist() == [0, 3, 2, 1]


# --- The learned weights.


def test_the_gradient_agrees_with_finite_differences():
  rng = np.random.default_rng(2)
  logits, labels = rng.normal(size=(3, 7, 4)), rng.integers(4, size=7)
  weights, step = rng.normal(size=3), 1e-6
  _, gradient = fusion.fit_loss(weights, logits, labels)
  for axis in np.eye(3):
    above, _ = fusion.fit_loss(weights + step * axis, logits, labels)
    below, _ = fusion.fit_loss(weights - step * axis, logits, labels)
    np.testing.assert_allclose(gradient @ axis, (above - below) / (2 * step), rtol=1e-6)


def test_the_loss_is_cross_entropy_and_a_prior_that_counts_once():
  logits = np.log([[[0.8, 0.2], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]])
  labels = np.array([0, 1])
  at_equal, _ = fusion.fit_loss(np.array([0.5, 0.5]), logits, labels)
  # √0.8 : √0.2 is 2 : 1.
  np.testing.assert_allclose(at_equal, (-np.log(2 / 3) - np.log(0.5)) / 2)
  at_first, _ = fusion.fit_loss(np.array([1.0, 0.0]), logits, labels)
  prior = (0.5**2 + 0.5**2) / 2
  np.testing.assert_allclose(at_first, (-np.log(0.8) - np.log(0.5) + prior) / 2)


def test_learned_weights_find_the_useful_model_and_beat_the_mean():
  labels = np.random.default_rng(3).integers(3, size=400)
  logits = noisy_logits(np.eye(3)[labels], strengths=(2, 0))
  logits[1] *= 4  # Noise with a wide range, which dominates a mean.
  p = probabilities(logits, 'softmax')
  weights = fusion.fit_weights(p[:, :200], labels[:200])
  # With equal noise in all classes, the best logits are strength times the given ones.
  assert abs(weights[0] - 2) < 0.4
  assert abs(weights[1]) < 0.1
  unseen = slice(200, None)

  def accuracy(scores):
    return np.mean(scores.argmax(axis=1) == labels[unseen])

  learned = accuracy(fusion.weighted_logits(p[:, unseen], weights))
  assert learned > accuracy(fusion.weighted_mean(p[:, unseen], np.ones(2))) + 0.1
  again = fusion.fit_weights(p[:, :200], labels[:200])
  np.testing.assert_array_equal(weights, again)
  _, gradient = fusion.fit_loss(weights, logits[:, :200], labels[:200])
  assert np.abs(gradient).max() < 1e-6


def test_with_multi_hot_labels_each_class_weights_its_own_model():
  rng = np.random.default_rng(4)
  labels = (rng.uniform(size=(300, 4)) < 0.5).astype(np.uint8)
  labels[:, 2], labels[:, 3] = 0, 1
  logits = noisy_logits(2.0 * labels - 1, strengths=(1, 1))
  logits[0, :, 1], logits[1, :, 0] = rng.normal(size=(2, 300))
  weights = fusion.fit_weights(probabilities(logits, 'sigmoid'), labels)
  assert weights.shape == (2, 4)
  # For labels ±1 and noise with σ = 1, the best logit is twice the score.
  np.testing.assert_allclose(weights[:, :2], [[2, 0], [0, 2]], atol=0.6)
  np.testing.assert_array_equal(weights[:, 2:], 0.5)
  assert fusion.teaches(labels).tolist() == [True, True, False, False]


def test_weights_are_bounded_when_the_models_are_right_for_every_video():
  p = np.array([[[0.9, 0.1], [0.1, 0.9]]] * 2)
  weights = fusion.fit_weights(p, np.array([0, 1]))
  np.testing.assert_allclose(weights[0], weights[1])
  assert 0.5 < weights[0] < 2
