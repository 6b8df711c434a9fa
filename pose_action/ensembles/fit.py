"""Fits an ensemble's weights and temperature on held-out predictions.

Axes: `s` member, `b` clip, `k` class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from input_pipeline.catalog.holdout import validation_mask
from pose_action.evaluation import metrics
from pose_action.evaluation.calibration import fit_temperature, with_temperature
from pose_action.fusion import fusion

FOLDS = 5  # Ours: folds of the cross-validation, or fewer where there are fewer groups.

Labels = Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k']
Weights = Float[np.ndarray, 's'] | Float[np.ndarray, 's k']


@dataclasses.dataclass(frozen=True, eq=False)
class Crossed:
  """A way to choose weights, judged on clips that it was not fitted on.

  Attributes:
    probabilities: `[b, k]`, each clip's with the weights and temperature fitted on the
      other folds.
    loss: their log loss in nats: per clip, or with several labels per clip and class.
    figure: their headline metric: accuracy, or mAP for several labels.
  """

  probabilities: Float[np.ndarray, 'b k']
  loss: float
  figure: float


@dataclasses.dataclass(frozen=True, eq=False)
class FusionFit:
  """Weights and temperature for an ensemble's members, and how they were chosen.

  Attributes:
    weights, temperature: see `FusedMembers`; fitted on all held-out clips.
    is_fitted: whether the weights are fitted; otherwise they are equal.
    folds: the number of folds, 0 if all clips are in one group.
    equal, fitted: the cross-validation of both; None without folds, and `fitted` also
      where no best weights were found.
    note: a line for the reader of the results, or ''.
  """

  weights: Weights
  temperature: float
  is_fitted: bool
  folds: int
  equal: Crossed | None
  fitted: Crossed | None
  note: str = ''

  @property
  def chosen(self) -> Crossed | None:
    return self.fitted if self.is_fitted else self.equal

  def to_dict(self) -> dict[str, Any]:
    """JSON-ready: the choice, and both cross-validated losses and figures."""
    found = {
      name: {'loss': crossed.loss, 'figure': crossed.figure} if crossed else None
      for name, crossed in (('equal', self.equal), ('fitted', self.fitted))
    }
    return {
      'weights': 'fitted' if self.is_fitted else 'equal',
      'cross_validation': {'folds': self.folds, **found},
      'temperature': self.temperature,
    }

  def __str__(self) -> str:
    if self.equal is None:
      return f'equal weights; temperature {self.temperature:.3f}'
    fitted = 'none found' if self.fitted is None else f'{self.fitted.loss:.4f}'
    return (
      f'{"fitted" if self.is_fitted else "equal"} weights: the cross-validated log loss'
      f' on held-out clips is {self.equal.loss:.4f} nats with equal and {fitted} with'
      f' fitted ones; temperature {self.temperature:.3f}'
    )


def fit_fusion(
  probabilities: Float[np.ndarray, 's b k'],
  labels: Labels,
  video_ids: Sequence[str],
  groups: Sequence[str],
) -> FusionFit:
  """Chooses between equal and fitted weights by cross-validation, and fits on all clips.

  The held-out clips are divided into folds again, by group. Both ways, weights and then
  the temperature are fitted on all folds but one, and judged on that one by log loss.
  Fitted weights (`fusion.fit_weights`) are used only if their loss is lower: with few
  clips, equal weights often win. Ours.

  Args:
    probabilities: the members' predictions for clips that they were not trained on.
    labels: each clip's class, or multi-hot labels.
    groups: the group of each clip; clips of one group share a fold.
  """
  p = np.asarray(probabilities, np.float64)
  folds = min(FOLDS, len(set(groups)))
  if folds < 2:
    weights = _equal(p, labels)
    note = 'all held-out clips are in one group, so the weights are equal'
    temperature = _temperature(p, labels, weights)
    return FusionFit(weights, temperature, False, 0, None, None, note)
  masks = [
    validation_mask(video_ids, labels, fold=fold, folds=folds, groups=groups)
    for fold in range(folds)
  ]
  equal, fitted, note = _crossed(_equal, p, labels, masks), None, ''
  weights = _equal(p, labels)
  try:
    best = _fitted(p, labels)
    fitted = _crossed(_fitted, p, labels, masks)
  except ValueError as error:
    is_fitted, note = False, f'weights are equal, because fitting them failed: {error}'
  else:
    is_fitted = fitted.loss < equal.loss
    weights = best if is_fitted else weights
  temperature = _temperature(p, labels, weights)
  return FusionFit(weights, temperature, is_fitted, folds, equal, fitted, note)


def _crossed(
  choose: Callable[[np.ndarray, np.ndarray], np.ndarray],
  p: Float[np.ndarray, 's b k'],
  labels: np.ndarray,
  masks: Sequence[np.ndarray],
) -> Crossed:
  """Fits on all folds but one, and predicts that one, for every fold."""
  found = np.zeros(p.shape[1:])
  for mask in masks:
    weights = choose(p[:, ~mask], labels[~mask])
    temperature = _temperature(p[:, ~mask], labels[~mask], weights)
    fused = fusion.weighted_logits(p[:, mask], weights)
    found[mask] = with_temperature(fused, temperature, multi_label=labels.ndim == 2)
  figures = metrics.figures(found, labels)
  return Crossed(found, figures['loss'], metrics.headline_figure(figures))


def _fitted(p: Float[np.ndarray, 's b k'], labels: np.ndarray) -> np.ndarray:
  """At least 0: a member never counts against what it says (ours)."""
  return fusion.fit_weights(p, labels, least=0)


def _equal(p: Float[np.ndarray, 's b k'], labels: np.ndarray) -> np.ndarray:
  shape = (len(p), p.shape[2]) if labels.ndim == 2 else len(p)
  return np.full(shape, 1 / len(p))


def _temperature(p: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
  return fit_temperature(fusion.weighted_logits(p, weights), labels)
