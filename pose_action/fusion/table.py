"""What a fusion is good for: its figures beside its streams', in all and by class.

Axes: `s` stream, one model's scores; `b` clip, `k` class.
"""

from __future__ import annotations

import csv
import io

import numpy as np
from jaxtyping import Float, Int

from pose_action.evaluation import metrics
from pose_action.evaluation.average_precision import per_class_average_precision
from pose_action.evaluation.score_files import Streams
from pose_action.fusion import fusion
from pose_action.host.text_table import aligned

_TOP = 5
_SHOWN = 5  # Classes that gain most, and that lose most.
_HEADINGS = {
  'accuracy': 'accuracy',
  'mean_class_accuracy': 'mean class',
  'top5': 'top 5',
  'mAP': 'mAP',
}


def heading(streams: Streams, fit: Streams | None, how: str) -> list[str]:
  """Lines of what was fused, `how` in words, and the notes on how files matched."""
  videos, classes = streams.probabilities.shape[1:]
  notes = (*streams.notes, *(fit.notes if fit else ()))
  return [
    f'{len(streams.names)} models, {videos} videos, {classes} classes: {how}',
    *(f'note: {note}' for note in notes),
  ]


def fit_in_words(
  fit: Streams, weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k']
) -> str:
  """On what the weights were fitted, and what that was good for there.

  Args:
    fit: that `fusion.fit_weights` was given.
    weights: what it gave.

  Raises:
    ValueError: where there are no labels.
  """
  labels = _labels(fit)
  several = labels.ndim == 2
  loss = metrics.binary_cross_entropy if several else metrics.negative_log_likelihood
  before, after = (
    loss(fusion.weighted_logits(fit.probabilities, w), labels)
    for w in (np.full_like(weights, 1 / len(weights)), weights)
  )
  text = (
    f'fitted on {len(labels)} videos of {", ".join(fit.names)}: loss there'
    f' {before:.4f} with equal weights, {after:.4f} with the learned'
  )
  if several and (untaught := int((~fusion.teaches(labels)).sum())):
    of_all = f'{untaught} of {len(weights[0])}'
    text += f'; equal weights in classes of no video or of all: {of_all}'
  return text


def table(
  streams: Streams,
  weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k'],
  fused: Float[np.ndarray, 'b k'],
) -> list[str]:
  """Weight and figures of each stream, and the fusion's figures below.

  Of weights a class, the mean and the range; without labels, no figures.
  """
  rows = [['scores', 'weight']]
  for name, weight in zip(streams.names, weights, strict=True):
    of_classes = f' ({weight.min():.3f}..{weight.max():.3f})' if weight.ndim else ''
    rows.append([name, f'{weight.mean():.3f}{of_classes}'])
  rows.append(['fused', ''])
  if streams.labels is not None:
    figures = [_figures(p, streams.labels) for p in (*streams.probabilities, fused)]
    rows[0] += [_HEADINGS[name] for name in figures[0]]
    for row, of_row in zip(rows[1:], figures, strict=True):
      row += [f'{100 * figure:.1f} %' for figure in of_row.values()]
  return aligned(rows)


def class_figures(
  streams: Streams, fused: Float[np.ndarray, 'b k']
) -> tuple[Int[np.ndarray, 'k'], Float[np.ndarray, 's+1 k']]:
  """Each class's videos, and its figure in each stream and, last, fused.

  The figure is accuracy, with multi-hot labels average precision.

  Raises:
    ValueError: where the streams have no labels.
  """
  labels, all_scores = _labels(streams), (*streams.probabilities, fused)
  if labels.ndim == 2:
    of_classes = [per_class_average_precision(p, labels) for p in all_scores]
    return labels.sum(axis=0, dtype=int), np.stack(of_classes)
  of_classes = [metrics.per_class_accuracy(p, labels) for p in all_scores]
  return np.bincount(labels, minlength=fused.shape[1]), np.stack(of_classes)


def gains(
  streams: Streams,
  videos: Int[np.ndarray, 'k'],
  of_classes: Float[np.ndarray, 's+1 k'],
) -> list[str]:
  """Lines of the classes that gain and lose most against the best stream.

  Args:
    streams: those of `class_figures`.
    videos, of_classes: what it gives.
  """
  best = _best(streams)
  gained = of_classes[-1] - of_classes[best]
  ranked = [k for k in np.argsort(-gained, kind='stable') if videos[k]]
  up = [k for k in ranked if gained[k] > 0][:_SHOWN]
  down = [k for k in ranked if gained[k] < 0][-_SHOWN:]
  names = _class_names(streams)
  what = 'accuracy' if _labels(streams).ndim == 1 else 'average precision'
  return [
    f'Classes whose {what} gains and loses most, in points, against the best of the'
    f' models, {streams.names[best]}:',
    *(f'  {100 * gained[k]:+6.1f}  {names[k]}, videos: {videos[k]}' for k in up + down),
  ]


def class_csv(
  streams: Streams,
  videos: Int[np.ndarray, 'k'],
  of_classes: Float[np.ndarray, 's+1 k'],
) -> bytes:
  """All classes' figures, a row each; empty where a class has no videos.

  Args:
    streams: those of `class_figures`.
    videos, of_classes: what it gives.
  """
  gained = of_classes[-1] - of_classes[_best(streams)]
  rows: list[tuple] = [('class', 'videos', *streams.names, 'fused', 'gain')]
  for name, count, *figures in zip(
    _class_names(streams), videos, *of_classes, gained, strict=True
  ):
    rows.append((name, count, *(figures if count else [''] * len(figures))))
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows(rows)
  return text.getvalue().encode()


def _labels(streams: Streams) -> np.ndarray:
  if streams.labels is None:
    raise ValueError(
      f'none of {", ".join(streams.names)} has labels, of which figures are made; add'
      ' labels to one'
    )
  return streams.labels


def _figures(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
  figures = metrics.figures(scores, labels)
  del figures['loss']  # Streams of another scale would look worse than they rank.
  if labels.ndim == 1 and scores.shape[1] > _TOP:
    figures['top5'] = metrics.top_k_accuracy(scores, labels, _TOP)
  return figures


def _best(streams: Streams) -> int:
  """The stream that measures best alone."""
  figures = (_figures(p, _labels(streams)) for p in streams.probabilities)
  return int(np.argmax([metrics.headline_figure(of_stream) for of_stream in figures]))


def _class_names(streams: Streams) -> list[str]:
  if streams.class_names is not None:
    return streams.class_names.tolist()
  return [f'class_{k}' for k in range(streams.probabilities.shape[2])]
