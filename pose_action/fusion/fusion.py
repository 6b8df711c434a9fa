"""Late fusion: combines several models' scores for the same videos.

Axes: `s` stream (one model's scores), `b` clip, `k` class. Scores are float64
probabilities. Where logits are weighted, they are computed from the probabilities, so
that a file of logits and a file of the same scores as probabilities fuse alike.
"""

from __future__ import annotations

import numpy as np
import scipy  # Loads its parts when they are used.
from jaxtyping import Bool, Float, Int, UInt8

# Lower bounds of p and 1 - p in a logit. For p it is float32's smallest normal number, so
# that no order of classes is lost. 1 - p is a difference, exact only up to rounding.
_LEAST_P = float(np.finfo(np.float32).tiny)
_LEAST_REST = float(np.finfo(np.float64).eps)


def weighted_mean(
  probabilities: Float[np.ndarray, 's b k'], weights: Float[np.ndarray, 's']
) -> Float[np.ndarray, 'b k']:
  """Σ_s w_s p_s / Σ_s w_s: PA3D's late fusion (Sec. 4.1); the formula is our choice.

  Raises:
    ValueError: if the weights are not `s` finite numbers ≥ 0 with a sum above 0.
  """
  s = len(probabilities)
  if weights.shape != (s,) or weights.min() < 0 or not 0 < weights.sum() < np.inf:
    raise ValueError(
      f'weights are {weights.tolist()}, but {s} streams need {s} finite numbers ≥ 0, not'
      ' all of them 0'
    )
  return np.tensordot(weights / weights.sum(), probabilities, axes=1)


def weighted_logits(
  probabilities: Float[np.ndarray, 's b k'],
  weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k'],
) -> Float[np.ndarray, 'b k']:
  """softmax(Σ_s w_s log p_s); with weights `[s, k]`, sigmoid(Σ_s w_sk logit(p_sk)).

  JMRN Sec. 4.2. A softmax's logits differ from log p by a constant per video, which the
  softmax of the sum cancels.
  """
  if weights.ndim == 1:
    weighted = np.tensordot(weights, _log(probabilities), axes=1)
    return scipy.special.softmax(weighted, axis=1)
  return scipy.special.expit(np.einsum('sk,sbk->bk', weights, _logit(probabilities)))


def fit_weights(
  probabilities: Float[np.ndarray, 's b k'],
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'],
  *,
  least: float = -np.inf,
) -> Float[np.ndarray, 's'] | Float[np.ndarray, 's k']:
  """The weights of `weighted_logits` with the least loss: JMRN's fusion (Sec. 4.2).

  One weight per stream. With multi-hot labels, one weight per stream and class; the
  streams have equal weights for a class that no video has, or every video.
  Deterministic: the loss is convex, and its minimum is found up to rounding.

  Args:
    least: no weight is below this.

  Raises:
    ValueError: if the search stops before the minimum.
  """
  if labels.ndim == 1:
    return _fit(_log(probabilities), labels, least)
  logits = _logit(probabilities)
  weights = np.full((logits.shape[0], logits.shape[2]), 1 / len(logits))
  for k in np.flatnonzero(teaches(labels)):
    # Yes or no is a choice between two classes with logits 0 and z.
    pair = np.stack([np.zeros_like(logits[:, :, k]), logits[:, :, k]], axis=2)
    weights[:, k] = _fit(pair, labels[:, k].astype(np.int32), least)
  return weights


def teaches(labels: UInt8[np.ndarray, 'b k']) -> Bool[np.ndarray, 'k']:
  """For each class, whether some videos have it and some do not, to fit weights on."""
  return labels.min(axis=0) < labels.max(axis=0)


def fit_loss(
  weights: Float[np.ndarray, 's'],
  logits: Float[np.ndarray, 's b k'],
  labels: Int[np.ndarray, 'b'],
) -> tuple[float, Float[np.ndarray, 's']]:
  """The loss that `fit_weights` minimizes, in nats per video, and its gradient.

  It is the cross entropy of the weighted sum plus a Gaussian prior with σ = 1 around
  equal weights. The prior counts once, not once per video. Without it the weights would
  grow without bound if the sum is right for every video. The paper names no loss; both
  terms are our choice.
  """
  videos = np.arange(len(labels))
  log_p = scipy.special.log_softmax(np.tensordot(weights, logits, axes=1), axis=1)
  excess = np.exp(log_p)
  excess[videos, labels] -= 1
  pull = weights - 1 / len(weights)
  loss = (pull @ pull / 2 - log_p[videos, labels].sum()) / len(labels)
  return loss, (pull + np.tensordot(logits, excess, axes=2)) / len(labels)


def _fit(
  logits: Float[np.ndarray, 's b k'], labels: Int[np.ndarray, 'b'], least: float
) -> Float[np.ndarray, 's']:
  found = scipy.optimize.minimize(
    fit_loss,
    np.full(len(logits), 1 / len(logits)),
    args=(logits, labels),
    jac=True,
    method='L-BFGS-B',
    bounds=[(least, np.inf)] * len(logits),
    options={'gtol': 1e-7, 'ftol': 1e-15, 'maxiter': 1000},
  )
  if not found.success:
    raise ValueError(
      f'the best weights were not found ({found.message}); use --method=mean or fixed'
    )
  return found.x


def _log(probabilities: np.ndarray) -> np.ndarray:
  return np.log(np.maximum(probabilities, _LEAST_P))


def _logit(probabilities: np.ndarray) -> np.ndarray:
  return _log(probabilities) - np.log(np.maximum(1 - probabilities, _LEAST_REST))
