"""'None of these': when a model should not answer, and how well its confidence shows it.

A clip's confidence is its largest probability. Below a threshold the answer is "none of
these". For clips with one label each. Axes: `b` clip, `k` class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy  # Loads its parts when they are used.
from jaxtyping import Float, Int

from pose_action.evaluation import metrics
from pose_action.evaluation.calibration import fit_temperature, with_temperature
from pose_action.evaluation.evaluation import Evaluation

KEPT = 0.95  # Share of the right answers that the threshold keeps (our choice).
# Another device rounds differently; a clip just at the threshold is kept on all (ours).
_ROUNDING = 1e-6


def abstain_threshold(
  probabilities: Float[np.ndarray, 'b k'],
  labels: Int[np.ndarray, 'b'],
  kept: float = KEPT,
) -> float | None:
  """The largest threshold that keeps this share of the right answers.

  An answer is kept if its confidence is at least the threshold. None if no answer is
  right.

  Example:
    Right answers with confidences 0.3, 0.5, 0.8 and 0.9: to keep 75 % of them, 0.5.

  Raises:
    ValueError: for scores and labels that do not match, or a share outside 0..1.
  """
  if not 0 <= kept <= 1:
    raise ValueError(f'kept is {kept}, but must be in 0..1')
  metrics.accuracy(probabilities, labels)  # Checks both.
  scores = np.asarray(probabilities, np.float64)
  confidence = np.sort(scores.max(axis=1)[scores.argmax(axis=1) == labels])
  if not len(confidence):
    return None
  # Rounding in (1 - kept) · n must not cost a clip.
  dropped = int((1 - kept) * len(confidence) + 1e-9)
  dropped = min(dropped, len(confidence) - 1)
  return float(confidence[dropped]) * (1 - _ROUNDING)


def known_auroc(
  known: Float[np.ndarray, 'b'], unknown: Float[np.ndarray, 'n']
) -> float:
  """The area under the ROC curve of telling known from unknown clips by confidence.

  It is the probability that a clip of a class that the model was trained on has a higher
  confidence than a clip of any other class; equal ones count half. 0.5 is chance.

  Raises:
    ValueError: without a clip of either kind, or for a value that is not finite.
  """
  known, unknown = np.asarray(known, np.float64), np.asarray(unknown, np.float64)
  if known.ndim != 1 or unknown.ndim != 1 or not len(known) or not len(unknown):
    raise ValueError(
      f'confidences have shapes {known.shape} (known) and {unknown.shape} (unknown), but'
      ' need one number per clip, and at least one clip each'
    )
  both = np.concatenate([known, unknown])
  if not np.isfinite(both).all():
    raise ValueError(
      f'confidences hold {both[~np.isfinite(both)][0]}, but must be finite'
    )
  ranks = scipy.stats.rankdata(both)[: len(known)]
  wins = ranks.sum() - len(known) * (len(known) + 1) / 2
  return float(wins / (len(known) * len(unknown)))


def abstentions(
  evaluations: Sequence[Evaluation], fitted_on: str
) -> list[dict[str, Any]]:
  """For results.json: each checkpoint's threshold, from held-out training clips.

  Args:
    evaluations: of any splits and checkpoints.
    fitted_on: the split of held-out training clips.

  Returns:
    One entry per checkpoint that was evaluated on that split and is right at least once:
    `threshold` for its probabilities, and `calibrated_threshold` for those with the
    temperature that is fitted on the same clips. None for clips with several labels.
  """
  entries = []
  for one in evaluations:
    if one.split != fitted_on or one.multi_label:
      continue
    threshold = abstain_threshold(one.scores, one.labels)
    if threshold is None:
      continue
    temperature = fit_temperature(one.scores, one.labels)
    scaled = with_temperature(one.scores, temperature, multi_label=False)
    entries.append(
      {
        'checkpoint': one.checkpoint,
        'step': int(one.step),
        'fitted_on': fitted_on,
        'keeps': KEPT,
        'threshold': threshold,
        'calibrated_threshold': abstain_threshold(scaled, one.labels),
      }
    )
  return entries
