"""Calibrated probabilities: one temperature, and how far confidence is from accuracy.

After Guo et al., On Calibration of Modern Neural Networks (ICML 2017). Axes: `b` clip,
`k` class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy  # Loads its parts when they are used.
from jaxtyping import Float, Int, UInt8

from pose_action.evaluation import metrics
from pose_action.evaluation.evaluation import Evaluation

BINS = 15  # Guo et al. Sec. 5.
ECE = 'expected_calibration_error'
_LARGEST = 20.0  # Ours: temperatures are searched in 1/20..20.
# Lower bounds of p and 1 - p in a logit: float32's smallest normal number, so that no
# order of classes is lost, and the rounding of 1 - p.
_LEAST_P = float(np.finfo(np.float32).tiny)
_LEAST_REST = float(np.finfo(np.float64).eps)


def with_temperature(
  probabilities: Float[np.ndarray, 'b k'], temperature: float, *, multi_label: bool
) -> Float[np.ndarray, 'b k']:
  """softmax(log p / T) per clip; for several labels, sigmoid(logit(p) / T) per class.

  A temperature above 1 makes a model less confident. The order of a clip's classes, and
  so its predicted class, stays the same. float64.
  """
  return _Logits(np.asarray(probabilities), multi_label).at(1 / temperature)


def fit_temperature(
  probabilities: Float[np.ndarray, 'b k'],
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'],
) -> float:
  """The temperature in 1/20..20 with the least negative log-likelihood of the labels.

  With multi-hot labels, it is the least binary cross entropy over clips and classes. The
  minimum is found up to rounding; where confidence only hurts, T is 20.

  Few clips that are all predicted correctly would make every prediction certain. So the
  mean confidence of b clips is at most (b + 1) / (b + 2), Laplace's estimate for b of b
  (ours).

  Raises:
    ValueError: if scores and labels do not match.
  """
  labels = np.asarray(labels)
  several = labels.ndim == 2
  loss = metrics.binary_cross_entropy if several else metrics.negative_log_likelihood
  loss(probabilities, labels)  # Checks both.
  logits = _Logits(np.asarray(probabilities), several)
  # The loss is convex in 1 / T: its slope there never falls.
  most = (len(labels) + 1) / (len(labels) + 2)
  high = _root(lambda inverse: logits.confidence(inverse) - most, high=_LARGEST)
  return 1 / _root(lambda inverse: logits.slope(inverse, labels), high)


def _root(rising: Callable[[float], float], high: float) -> float:
  """The 1 / T in 1/20..high where a function is 0, or the end that is nearer to it."""
  low = 1 / _LARGEST
  if high <= low or rising(low) >= 0:
    return low
  if rising(high) <= 0:
    return high
  return float(scipy.optimize.root_scalar(rising, bracket=(low, high)).root)


def expected_calibration_error(
  probabilities: Float[np.ndarray, 'b k'],
  labels: Int[np.ndarray, 'b'],
  bins: int = BINS,
) -> float:
  """The mean difference between confidence and accuracy, in 0..1 (Guo et al. Eq. 3).

  A clip's confidence is its largest probability. Clips are put in `bins` bins of equal
  width by confidence; bin m of M is ((m - 1) / M, m / M]. The error is
  Σ_m n_m / b · |accuracy_m - mean confidence_m|, with n_m clips in bin m.

  Example:
    Confidences 0.9 and 0.9, one of the two correct: |0.5 - 0.9| = 0.4.

  Raises:
    ValueError: for scores and labels that do not match, or fewer bins than 1.
  """
  if bins < 1:
    raise ValueError(f'bins is {bins}, but must be at least 1')
  metrics.accuracy(probabilities, labels)  # Checks both.
  scores = np.asarray(probabilities, np.float64)
  confidence = scores.max(axis=1)
  is_right = scores.argmax(axis=1) == np.asarray(labels)
  place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
  # Σ n_m |accuracy_m - confidence_m| is |Σ over the bin's clips of right - confidence|.
  excess = np.bincount(place, is_right - confidence, minlength=bins)
  return float(np.abs(excess).sum() / len(confidence))


def calibrations(
  evaluations: Sequence[Evaluation], fitted_on: str
) -> list[dict[str, Any]]:
  """For results.json: each checkpoint's temperature, and what it changes elsewhere.

  Args:
    evaluations: of any splits and checkpoints.
    fitted_on: the split of held-out training clips, which temperatures are fitted on.

  Returns:
    One entry per checkpoint evaluated on `fitted_on`. Where the checkpoint was evaluated
    on another split too, and clips have one label, with that split's expected
    calibration error before and after.
  """
  entries = []
  for held_out in (e for e in evaluations if e.split == fitted_on):
    temperature = fit_temperature(held_out.scores, held_out.labels)
    entry = {
      'checkpoint': held_out.checkpoint,
      'step': int(held_out.step),
      'fitted_on': fitted_on,
      'temperature': temperature,
    }
    for other in evaluations:
      if other.checkpoint == held_out.checkpoint and other.split != fitted_on:
        entry |= _before_and_after(other, temperature)
    entries.append(entry)
  return entries


def _before_and_after(evaluation: Evaluation, temperature: float) -> dict[str, Any]:
  if evaluation.multi_label:
    return {}
  scaled = with_temperature(evaluation.scores, temperature, multi_label=False)
  return {
    'split': evaluation.split,
    f'{ECE}_before': expected_calibration_error(evaluation.scores, evaluation.labels),
    f'{ECE}_after': expected_calibration_error(scaled, evaluation.labels),
  }


class _Logits:
  """The logits of probabilities, to be scaled several times."""

  def __init__(self, probabilities: Float[np.ndarray, 'b k'], multi_label: bool):
    p = probabilities.astype(np.float64)
    self._multi_label = multi_label
    self._logits = np.log(np.maximum(p, _LEAST_P))
    if multi_label:
      self._logits -= np.log(np.maximum(1 - p, _LEAST_REST))

  def at(self, inverse: float) -> Float[np.ndarray, 'b k']:
    if self._multi_label:
      return scipy.special.expit(self._logits * inverse)
    return scipy.special.softmax(self._logits * inverse, axis=1)

  def confidence(self, inverse: float) -> float:
    """The mean of the largest probabilities; of several labels, of each answer's."""
    p = self.at(inverse)
    sure = np.maximum(p, 1 - p) if self._multi_label else p.max(axis=1)
    return float(sure.mean())

  def slope(self, inverse: float, labels: np.ndarray) -> float:
    """The derivative of the mean loss by 1 / T: mean logit minus the labels' logit."""
    excess = self.at(inverse)
    if self._multi_label:
      return float(((excess - labels) * self._logits).mean())
    excess[np.arange(len(labels)), labels] -= 1
    return float((excess * self._logits).sum(axis=1).mean())
