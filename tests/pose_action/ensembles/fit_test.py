"""Weights and temperatures of ensembles, against slow oracles."""

import json

import numpy as np
import pytest
import scipy.optimize
import scipy.special

from input_pipeline.catalog.stratified_folds import assign_folds
from pose_action.ensembles import fit
from pose_action.evaluation import metrics


def _softmax(z):
  return scipy.special.softmax(z, axis=-1)


def _clips(noise, b=240, k=3, seed=0):
  """Predictions of one member per noise level, labels, names, and groups of three."""
  rng = np.random.default_rng(seed)
  labels = rng.integers(0, k, b)
  truth = 2.0 * np.eye(k)[labels]
  logits = [truth + level * rng.normal(size=(b, k)) for level in noise]
  names = [f'v{n:03}' for n in range(b)]
  groups = [f'g{n // 3:03}' for n in range(b)]
  return _softmax(np.stack(logits)), labels, names, groups


def _loss(p, labels):
  return -np.log(p[np.arange(len(labels)), labels]).mean()


def test_a_good_member_outweighs_a_bad_one():
  p, labels, names, groups = _clips((0.5, 4.0))
  found = fit.fit_fusion(p, labels, names, groups)
  assert found.is_fitted and found.folds == 5
  assert found.weights[0] > 3 * abs(found.weights[1])
  assert found.fitted.loss < found.equal.loss
  assert found.chosen is found.fitted
  assert json.loads(json.dumps(found.to_dict())) == {
    'weights': 'fitted',
    'cross_validation': {
      'folds': 5,
      'equal': {'loss': found.equal.loss, 'figure': found.equal.figure},
      'fitted': {'loss': found.fitted.loss, 'figure': found.fitted.figure},
    },
    'temperature': found.temperature,
  }


def test_a_member_that_is_wrong_has_weight_zero_not_below():
  labels = np.arange(240) % 3
  z = 2.0 * np.eye(3)[labels] + np.random.default_rng(0).normal(size=(240, 3))
  opposed = -z + np.random.default_rng(1).normal(size=z.shape)
  names = [f'v{n:03}' for n in range(240)]
  found = fit.fit_fusion(_softmax(np.stack([z, opposed])), labels, names, names)
  assert found.is_fitted and found.weights[1] == 0
  free = fit.fusion.fit_weights(_softmax(np.stack([z, opposed])), labels)
  assert free[1] < -0.1


def test_equal_members_with_few_clips_keep_equal_weights():
  p, labels, names, groups = _clips((2.0, 2.0, 2.0), b=30, seed=3)
  found = fit.fit_fusion(p, labels, names, groups)
  assert not found.is_fitted
  np.testing.assert_array_equal(found.weights, [1 / 3] * 3)
  assert found.chosen is found.equal
  assert found.equal.loss <= found.fitted.loss


def test_both_ways_equal_an_oracle():
  """The same folds, weights by a general minimiser, temperatures by a grid."""
  p, labels, names, groups = _clips((1.0, 2.0), b=60)
  found = fit.fit_fusion(p, labels, names, groups)
  fold = assign_folds(groups, labels, 5)
  log_p = np.log(p)
  grid = np.geomspace(1 / 20, 20, 4001)

  def best_temperature(weights, rows):
    z = np.einsum('s,sbk->bk', weights, log_p[:, rows])
    return grid[np.argmin([_loss(_softmax(z / t), labels[rows]) for t in grid])]

  def fitted_weights(rows):
    def loss(w):
      z = np.einsum('s,sbk->bk', w, log_p[:, rows])
      prior = ((w - 0.5) ** 2).sum() / 2 / len(rows)
      return _loss(_softmax(z), labels[rows]) + prior

    return scipy.optimize.minimize(
      loss, [0.5, 0.5], method='Nelder-Mead', options={'xatol': 1e-8, 'fatol': 1e-12}
    ).x

  for crossed, choose in (
    (found.equal, lambda rows: np.array([0.5, 0.5])),
    (found.fitted, fitted_weights),
  ):
    expected = np.zeros((60, 3))
    for k in range(5):
      others, own = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
      weights = choose(others)
      z = np.einsum('s,sbk->bk', weights, log_p[:, own])
      expected[own] = _softmax(z / best_temperature(weights, others))
    np.testing.assert_allclose(crossed.probabilities, expected, atol=2e-3)
    assert crossed.loss == pytest.approx(_loss(expected, labels), abs=1e-3)
    right = (expected.argmax(axis=1) == labels).mean()
    assert crossed.figure == pytest.approx(right)
  every = np.arange(60)
  weights = fitted_weights(every) if found.is_fitted else np.array([0.5, 0.5])
  np.testing.assert_allclose(found.weights, weights, atol=1e-4)
  assert found.temperature == pytest.approx(best_temperature(weights, every), rel=2e-3)


def test_the_order_of_clips_does_not_matter():
  p, labels, names, groups = _clips((1.0, 2.0), b=60)
  order = np.random.default_rng(1).permutation(60)
  one = fit.fit_fusion(p, labels, names, groups)
  shuffled = fit.fit_fusion(
    p[:, order], labels[order], [names[i] for i in order], [groups[i] for i in order]
  )
  np.testing.assert_allclose(shuffled.weights, one.weights, rtol=1e-5)
  assert shuffled.temperature == pytest.approx(one.temperature, rel=1e-5)
  np.testing.assert_allclose(
    shuffled.equal.probabilities, one.equal.probabilities[order], rtol=1e-9
  )


def test_one_group_has_no_folds():
  p, labels, names, _ = _clips((1.0, 2.0), b=12)
  found = fit.fit_fusion(p, labels, names, ['same'] * 12)
  np.testing.assert_array_equal(found.weights, [0.5, 0.5])
  assert (found.folds, found.chosen) == (0, None)
  assert 'one group' in found.note and str(found).startswith('equal weights; temp')


def test_weights_that_are_not_found_are_said(monkeypatch):
  def fail(p, labels, least):
    raise ValueError('stopped')

  monkeypatch.setattr(fit.fusion, 'fit_weights', fail)
  found = fit.fit_fusion(*_clips((1.0, 2.0), b=30))
  assert not found.is_fitted and found.fitted is None
  assert 'fitting them failed: stopped' in found.note
  assert 'none found' in str(found)


def test_several_labels_have_weights_per_class():
  rng = np.random.default_rng(5)
  labels = (rng.random((200, 2)) < 0.4).astype(np.uint8)
  logits = 3.0 * labels - 1.5
  noise = np.array([0.5, 5.0])[:, None, None]
  p = scipy.special.expit(logits + noise * rng.normal(size=(2, 200, 2)))
  names = [f'v{n}' for n in range(200)]
  found = fit.fit_fusion(p, labels, names, names)
  assert found.is_fitted and found.weights.shape == (2, 2)
  assert (found.weights[0] > found.weights[1]).all()
  fused = found.chosen.probabilities
  assert found.fitted.loss == metrics.binary_cross_entropy(fused, labels)
  assert found.fitted.figure == metrics.mean_average_precision(fused, labels)
