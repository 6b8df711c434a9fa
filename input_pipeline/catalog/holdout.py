"""The default rule for holding out validation clips from a training split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int, UInt8


def validation_mask(
  video_ids: Sequence[str],
  labels: Int[np.ndarray, ' b'] | UInt8[np.ndarray, 'b k'],
  *,
  fold: int,
  folds: int = 5,
  groups: Sequence[str] | None = None,
) -> Bool[np.ndarray, ' b']:
  """Marks the clips in one fold, which are held out for validation (our rule).

  The clips of each class are sorted by the hex digest of sha256(video_id). In a class
  with s clips, fold k holds places round(k·s / folds) to round((k + 1)·s / folds) - 1
  (Python's round, half to even). So each clip is in exactly one fold, classes are spread
  evenly, and the result depends neither on the clips' order nor on a seed. Multi-label
  clips are divided as if they all had the same class.

  Args:
    video_ids: names of the `b` clips.
    labels: each clip's class, or multi-hot labels.
    fold: 0 to folds - 1.
    folds: number of folds, at least 2.
    groups: for each clip, the group it belongs to, such as a long video, if clips of one
      group are too similar to train on some and validate on others. Whole groups are
      then divided, as if they were clips of one class.

  Returns:
    True for each clip in the fold.

  Raises:
    ValueError: if the lengths differ, or there is no such fold.
  """
  labels = np.asarray(labels)
  _check(video_ids, labels, groups, fold, folds)
  if groups is not None:
    names = sorted(set(groups))
    mask = _fold_mask(names, np.zeros(len(names), int), fold, folds)
    held_out = {name for name, held in zip(names, mask, strict=True) if held}
    return np.array([group in held_out for group in groups], bool)
  strata = labels if labels.ndim == 1 else np.zeros(len(labels), np.int32)
  return _fold_mask(video_ids, strata, fold, folds)


def _check(
  video_ids: Sequence[str],
  labels: np.ndarray,
  groups: Sequence[str] | None,
  fold: int,
  folds: int,
):
  if labels.ndim not in (1, 2) or len(labels) != len(video_ids):
    raise ValueError(
      f'got {len(video_ids)} video ids, but labels of shape {labels.shape}; each clip'
      ' needs one label, or a row of 0 and 1'
    )
  if groups is not None and len(groups) != len(video_ids):
    raise ValueError(
      f'got {len(video_ids)} video ids, but {len(groups)} groups; each clip needs one'
    )
  if folds < 2:
    raise ValueError(f'folds is {folds}, but must be at least 2')
  if not 0 <= fold < folds:
    raise ValueError(
      f'there is no fold {fold}; with folds={folds} it is 0..{folds - 1}'
    )


def _fold_mask(
  names: Sequence[str], strata: Int[np.ndarray, ' b'], fold: int, folds: int
) -> Bool[np.ndarray, ' b']:
  """Divides each stratum into folds by the digests of the names; marks one fold."""
  digests = np.array([hashlib.sha256(name.encode()).hexdigest() for name in names])
  mask = np.zeros(len(names), bool)
  for stratum in np.unique(strata):
    members = np.flatnonzero(strata == stratum)
    members = members[np.argsort(digests[members])]
    first = round(fold * len(members) / folds)
    end = round((fold + 1) * len(members) / folds)
    mask[members[first:end]] = True
  return mask
