"""Late fusion: the scores of several models of the same videos, to scores of one.

Axes: `s` stream, one model's scores; `b` clip, `k` class. Inside, scores are float64
probabilities; where logits are weighed they are taken from the probabilities, so that a
file of logits fuses as the file of its probabilities does.
"""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.special
from jaxtyping import Bool, Float, Int, UInt8

# The least p and 1 - p that a logit is taken of: of p what float32 holds, so that no
# order of classes is lost; 1 - p is a difference, so no more than rounding is left.
_LEAST_P = float(np.finfo(np.float32).tiny)
_LEAST_REST = float(np.finfo(np.float64).eps)


def weighted_mean(
  probabilities: Float[np.ndarray, 's b k'], weights: Float[np.ndarray, 's']
) -> Float[np.ndarray, 'b k']:
  """Σ_s w_s p_s / Σ_s w_s: PA3D's late fusion (Sec. 4.1), its formula ours.

  Raises:
    ValueError: where the weights are no `s` numbers ≥ 0, of which one is not 0.
  """
  s = len(probabilities)
  if weights.shape != (s,) or weights.min() < 0 or not 0 < weights.sum() < np.inf:
    raise ValueError(
      f'weights are {weights.tolist()}, but {s} streams need {s} finite numbers from 0'
      ' on, not all of them 0'
    )
  return np.tensordot(weights / weights.sum(), probabilities, axes=1)


def weighted_logits(
  probabilities: Float[np.ndarray, 's b k'],
  weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k'],
) -> Float[np.ndarray, 'b k']:
  """softmax(Σ_s w_s log p_s), or of `[s, k]` weights sigmoid(Σ_s w_sk logit(p_sk)).

  JMRN Sec. 4.2. The logits of a softmax differ from log p by a number a video, which
  the softmax of the sum takes out.
  """
  if weights.ndim == 1:
    weighted = np.tensordot(weights, _log(probabilities), axes=1)
    return scipy.special.softmax(weighted, axis=1)
  return scipy.special.expit(np.einsum('sk,sbk->bk', weights, _logit(probabilities)))


def fit_weights(
  probabilities: Float[np.ndarray, 's b k'],
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'],
) -> Float[np.ndarray, 's'] | Float[np.ndarray, 's k']:
  """The weights of `weighted_logits` of least loss: JMRN's learnt fusion (Sec. 4.2).

  One a stream; with multi-hot labels one a stream and class, and equal ones where no
  video has the class, or each.
  Deterministic: the loss is convex, and its minimum is found to rounding.

  Raises:
    ValueError: where the search ends before the minimum.
  """
  if labels.ndim == 1:
    return _fit(_log(probabilities), labels)
  logits = _logit(probabilities)
  weights = np.full((logits.shape[0], logits.shape[2]), 1 / len(logits))
  for k in np.flatnonzero(teaches(labels)):
    # A yes or no is a choice of two classes, of logits 0 and z.
    pair = np.stack([np.zeros_like(logits[:, :, k]), logits[:, :, k]], axis=2)
    weights[:, k] = _fit(pair, labels[:, k].astype(np.int32))
  return weights


def teaches(labels: UInt8[np.ndarray, 'b k']) -> Bool[np.ndarray, 'k']:
  """Whether videos with a class and without it are there to fit its weights on."""
  return labels.min(axis=0) < labels.max(axis=0)


def fit_loss(
  weights: Float[np.ndarray, 's'],
  logits: Float[np.ndarray, 's b k'],
  labels: Int[np.ndarray, 'b'],
) -> tuple[float, Float[np.ndarray, 's']]:
  """What `fit_weights` makes least, in nats a video, and its gradient.

  The cross entropy of the weighted sum, and a Gaussian prior of σ = 1 around equal
  weights, which counts once, not once a video: without it the weights have no bound
  where the sum is right of every video. The paper names no loss; both are ours.
  """
  videos = np.arange(len(labels))
  log_p = scipy.special.log_softmax(np.tensordot(weights, logits, axes=1), axis=1)
  excess = np.exp(log_p)
  excess[videos, labels] -= 1
  pull = weights - 1 / len(weights)
  loss = (pull @ pull / 2 - log_p[videos, labels].sum()) / len(labels)
  return loss, (pull + np.tensordot(logits, excess, axes=2)) / len(labels)


def _fit(
  logits: Float[np.ndarray, 's b k'], labels: Int[np.ndarray, 'b']
) -> Float[np.ndarray, 's']:
  found = scipy.optimize.minimize(
    fit_loss,
    np.full(len(logits), 1 / len(logits)),
    args=(logits, labels),
    jac=True,
    method='L-BFGS-B',
    options={'gtol': 1e-7, 'ftol': 1e-15, 'maxiter': 1000},
  )
  if not found.success:
    raise ValueError(
      f'no best weights were found ({found.message}); use --method=mean or fixed'
    )
  return found.x


def _log(probabilities: np.ndarray) -> np.ndarray:
  return np.log(np.maximum(probabilities, _LEAST_P))


def _logit(probabilities: np.ndarray) -> np.ndarray:
  return _log(probabilities) - np.log(np.maximum(1 - probabilities, _LEAST_REST))
