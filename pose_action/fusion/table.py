"""Shows what a fusion gains: its figures beside its streams', overall and per class.

Axes: `s` stream (one model's scores), `b` clip, `k` class.
"""

from __future__ import annotations

import csv
import io

import numpy as np
from jaxtyping import Float, Int

from pose_action.evaluation import metrics
from pose_action.evaluation.average_precision import (
  per_class_average_precision,
  per_class_charades_precision,
)
from pose_action.evaluation.score_files import Streams
from pose_action.fusion import fusion
from pose_action.host.text_table import aligned

_TOP = 5
_SHOWN = 5  # At most this many gaining classes, and as many losing ones, are shown.
# In the order of the columns: the protocol's own metric leads.
_HEADINGS = {
  'accuracy': 'accuracy',
  'mean_class_accuracy': 'mean class',
  'top5': 'top 5',
  'charades_mAP': 'Charades mAP',
  'mAP': 'mAP',
  'box_mAP': 'box mAP',
}


def heading(streams: Streams, fit: Streams | None, how: str) -> list[str]:
  """Lines that say what was fused and how, with the notes on how files matched.

  Args:
    how: the method in words.
  """
  videos, classes = streams.probabilities.shape[1:]
  notes = (*streams.notes, *(fit.notes if fit else ()))
  return [
    f'{len(streams.names)} models, {videos} videos, {classes} classes: {how}',
    *(f'note: {note}' for note in notes),
  ]


def fit_in_words(
  fit: Streams, weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k']
) -> str:
  """Says which videos the weights were fitted on, and the loss before and after.

  Args:
    fit: the streams that `fusion.fit_weights` was given.
    weights: the weights that it returned.

  Raises:
    ValueError: if the streams have no labels.
  """
  labels = _labels(fit)
  several = labels.ndim == 2
  loss = metrics.binary_cross_entropy if several else metrics.negative_log_likelihood
  before, after = (
    loss(fusion.weighted_logits(fit.probabilities, w), labels)
    for w in (np.full_like(weights, 1 / len(weights)), weights)
  )
  text = (
    f'fitted on {len(labels)} videos from {", ".join(fit.names)}, where the loss per'
    f' video is {before:.4f} nats with equal weights and {after:.4f} nats with learned'
    ' ones'
  )
  if several and (untaught := int((~fusion.teaches(labels)).sum())):
    text += (
      f'; {untaught} of {len(weights[0])} classes have equal weights, as no video has'
      ' them, or every video'
    )
  return text


def table(
  streams: Streams,
  weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k'],
  fused: Float[np.ndarray, 'b k'],
) -> list[str]:
  """Each stream's weight and figures, and below them the fusion's figures.

  Weights per class are shown as their mean and range. Without labels there are no
  figures.
  """
  rows = [['scores', 'weight']]
  for name, weight in zip(streams.names, weights, strict=True):
    limits = f' ({weight.min():.3f}..{weight.max():.3f})' if weight.ndim else ''
    rows.append([name, f'{weight.mean():.3f}{limits}'])
  rows.append(['fused', ''])
  if streams.labels is not None:
    figures = [_figures(p, streams) for p in (*streams.probabilities, fused)]
    rows[0] += [_HEADINGS[name] for name in figures[0]]
    for row, row_figures in zip(rows[1:], figures, strict=True):
      row += [f'{100 * figure:.1f} %' for figure in row_figures.values()]
  return aligned(rows)


def class_figures(
  streams: Streams, fused: Float[np.ndarray, 'b k']
) -> tuple[Int[np.ndarray, 'k'], Float[np.ndarray, 's+1 k']]:
  """The number of videos per class, and each class's figure per stream, fused last.

  The figure is accuracy, or with multi-hot labels average precision, by Charades' rules
  if the streams' protocol asks for its mAP; all in 0..1.

  Raises:
    ValueError: if the streams have no labels.
  """
  labels, all_scores = _labels(streams), (*streams.probabilities, fused)
  if labels.ndim == 2:
    precision = per_class_average_precision
    if 'charades_mAP' in streams.asked:
      precision = per_class_charades_precision
    figures = [precision(p, labels) for p in all_scores]
    return labels.sum(axis=0, dtype=int), np.stack(figures)
  figures = [metrics.per_class_accuracy(p, labels) for p in all_scores]
  return np.bincount(labels, minlength=fused.shape[1]), np.stack(figures)


def gains(
  streams: Streams,
  videos: Int[np.ndarray, 'k'],
  figures: Float[np.ndarray, 's+1 k'],
) -> list[str]:
  """Lines with the classes that gain and lose most against the best stream.

  Args:
    streams: the streams that `class_figures` was given.
    videos, figures: what it returned.
  """
  best = _best(streams)
  gained = figures[-1] - figures[best]
  ranked = [k for k in np.argsort(-gained, kind='stable') if videos[k]]
  up = [k for k in ranked if gained[k] > 0][:_SHOWN]
  down = [k for k in ranked if gained[k] < 0][-_SHOWN:]
  names = _class_names(streams)
  what = 'accuracy' if _labels(streams).ndim == 1 else 'average precision'
  return [
    f'Classes whose {what} gains and loses most against the best model,'
    f' {streams.names[best]}, in percentage points:',
    *(f'  {100 * gained[k]:+6.1f}  {names[k]}, videos: {videos[k]}' for k in up + down),
  ]


def class_csv(
  streams: Streams,
  videos: Int[np.ndarray, 'k'],
  figures: Float[np.ndarray, 's+1 k'],
) -> bytes:
  """The figures as csv, one row per class, in 0..1; empty for a class without videos.

  Args:
    streams: the streams that `class_figures` was given.
    videos, figures: what it returned.
  """
  gained = figures[-1] - figures[_best(streams)]
  rows: list[tuple] = [('class', 'videos', *streams.names, 'fused', 'gain')]
  for name, count, *row in zip(
    _class_names(streams), videos, *figures, gained, strict=True
  ):
    rows.append((name, count, *(row if count else [''] * len(row))))
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows(rows)
  return text.getvalue().encode()


def _labels(streams: Streams) -> np.ndarray:
  if streams.labels is None:
    raise ValueError(
      f'none of {", ".join(streams.names)} has labels, which figures need; add labels to'
      ' one of them'
    )
  return streams.labels


def _figures(scores: np.ndarray, streams: Streams) -> dict[str, float]:
  """The figures of one stream's scores in the order of their columns, the headline first."""
  labels = _labels(streams)
  figures = metrics.figures(scores, labels, streams.asked)
  # A stream with another scale would look worse than it ranks the classes.
  del figures['loss']
  if labels.ndim == 1 and scores.shape[1] > _TOP:
    figures['top5'] = metrics.top_k_accuracy(scores, labels, _TOP)
  return {name: figures[name] for name in _HEADINGS if name in figures}


def _best(streams: Streams) -> int:
  """The index of the stream with the best headline figure."""
  figures = (_figures(p, streams) for p in streams.probabilities)
  return int(np.argmax([metrics.headline_figure(stream) for stream in figures]))


def _class_names(streams: Streams) -> list[str]:
  if streams.class_names is not None:
    return streams.class_names.tolist()
  return [f'class_{k}' for k in range(streams.probabilities.shape[2])]
