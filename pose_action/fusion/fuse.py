"""Fuses files of scores by one of three methods."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

from pose_action.evaluation import score_files
from pose_action.evaluation.score_files import Streams
from pose_action.fusion import fusion
from pose_action.fusion.table import fit_in_words
from pose_action.host import atomic_files


@dataclasses.dataclass(frozen=True, eq=False)
class FusedScores:
  """Fused scores of the same videos.

  Attributes:
    streams: the scores that were fused.
    fit: the scores that weights were fitted on; None for other methods.
    weights: `[s]` per model, or `[s, k]` per model and class.
    probabilities: float64 `[b, k]`.
    how: the method in words.
  """

  streams: Streams
  fit: Streams | None
  weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k']
  probabilities: Float[np.ndarray, 'b k']
  how: str

  @property
  def video_ids(self) -> np.ndarray:
    return self.streams.video_ids

  @property
  def labels(self) -> Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'] | None:
    return self.streams.labels

  @property
  def class_names(self) -> np.ndarray | None:
    return self.streams.class_names

  def save(self, path: str | os.PathLike[str]):
    """Writes the scores as a file that can be fused again."""
    content = score_files.fused_npz(self.streams, self.probabilities)
    atomic_files.write_bytes(path, content)


def fuse_scores(
  scores: Sequence[str | os.PathLike[str]],
  *,
  method: str = 'mean',
  weights: Sequence[float] | None = None,
  fit_scores: Sequence[str | os.PathLike[str]] | None = None,
  allow_missing: bool = False,
) -> FusedScores:
  """Fuses the scores that several models gave the same videos.

  Videos are matched by id, classes by name.

  Args:
    scores: two or more files `*.npz`, as an evaluation writes them (`video_ids`,
      `scores [videos, classes]`, `labels`, `class_names`). `FILE.npz:softmax` and
      `FILE.npz:sigmoid` are files of logits.
    method: 'mean' of probabilities; 'fixed', their mean by `weights`; 'learned', JMRN's
      weighted sum of logits (Sec. 4.2) with weights fitted on `fit_scores`.
    weights: for 'fixed': one number ≥ 0 per file.
    fit_scores: for 'learned': the same models' scores of held-out training videos, with
      labels.
    allow_missing: if some files lack videos, fuse the videos that all files have.

  Raises:
    OSError: if a file cannot be opened.
    ValueError: for files that do not match, or arguments that do not fit the method.

  Example:
    >>> import pose_action
    >>> fused = pose_action.fuse_scores(['jmrn.npz', 'i3d.npz'])
    >>> fused.probabilities.round(2).tolist()
    [[0.75, 0.25], [0.2, 0.8]]
  """
  _check_arguments(scores, method, weights, fit_scores)
  streams, fit = score_files.read_streams(
    [os.fspath(file) for file in scores],
    [os.fspath(file) for file in fit_scores or ()],
    allow_missing=allow_missing,
  )
  if fit is not None:
    labels = _labels_to_fit(streams, fit)
    fitted = fusion.fit_weights(fit.probabilities, labels)
    fused = fusion.weighted_logits(streams.probabilities, fitted)
    how = f'weighted sum of logits, {fit_in_words(fit, fitted)}'
    return FusedScores(streams, fit, fitted, fused, how)
  how = 'mean of probabilities' + (' with fixed weights' if weights is not None else '')
  shares = np.ones(len(scores)) if weights is None else np.array(weights, float)
  fused = fusion.weighted_mean(streams.probabilities, shares)
  return FusedScores(streams, None, shares / shares.sum(), fused, how)


def _check_arguments(scores, method, weights, fit_scores):
  if isinstance(scores, str) or len(scores) < 2:
    raise ValueError(f'scores is {scores!r}, but must be two files or more')
  if method not in ('mean', 'fixed', 'learned'):
    raise ValueError(f"method is {method!r}; it is 'mean', 'fixed' or 'learned'")
  for name, given, needs in (
    ('weights', weights, 'fixed'),
    ('fit_scores', fit_scores, 'learned'),
  ):
    if (given is not None) != (method == needs):
      raise ValueError(
        f'{name} and the method {needs!r} need each other, but the method is {method!r}'
      )
  if fit_scores is not None and len(fit_scores) != len(scores):
    raise ValueError(
      f'fit_scores has {len(fit_scores)} files, but scores has {len(scores)}; give one'
      ' file per model, in the same order'
    )


def _labels_to_fit(streams: Streams, fit: Streams) -> np.ndarray:
  if fit.labels is None:
    raise ValueError(
      f'fitting weights needs labels, but none of {", ".join(fit.names)} has any; add'
      ' labels to one file'
    )
  if streams.labels is not None and streams.labels.ndim != fit.labels.ndim:
    raise ValueError(
      f'{streams.names[0]} and {fit.names[0]} differ: only one of them has several'
      ' labels per video'
    )
  return fit.labels
