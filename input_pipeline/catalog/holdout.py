"""The default way to hold out validation clips from a training split."""

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
  """Marks the clips of one fold: held out for validation, the others for training.

  Per class, the clips are sorted by the hex digest of sha256(video_id); of a class of
  size s, fold k holds the places round(k·s / folds) to round((k + 1)·s / folds) - 1
  (Python's round, half to even). Each clip is in exactly one fold, the classes are
  spread evenly, and neither the order of the clips nor a seed matters. Clips of several
  labels each are divided as if they were of one class. Source: ours.

  Args:
    video_ids: names of the `b` clips.
    labels: the class of each clip, or multi-hot.
    fold: 0 to folds - 1.
    folds: into how many the clips are divided, at least 2.
    groups: of each clip what it is part of, such as a long video, where clips of one are
      too alike to be trained and validated on. Then groups are divided, as if they were
      clips of one class.

  Returns:
    True for the clips of the fold.

  Raises:
    ValueError: where the lengths differ, or there is no such fold.
  """
  labels = np.asarray(labels)
  if labels.ndim not in (1, 2) or len(labels) != len(video_ids):
    raise ValueError(
      f'got {len(video_ids)} video ids, but labels of shape {labels.shape}; each clip'
      ' needs one label, or a row of 0 and 1'
    )
  if groups is not None and len(groups) != len(video_ids):
    raise ValueError(f'got {len(video_ids)} video ids, but {len(groups)} groups')
  if folds < 2:
    raise ValueError(f'folds is {folds}, but must be at least 2')
  if not 0 <= fold < folds:
    raise ValueError(
      f'there is no fold {fold}; with folds={folds} it is 0..{folds - 1}'
    )

  if groups is not None:
    names = sorted(set(groups))
    of_group = validation_mask(names, np.zeros(len(names), int), fold=fold, folds=folds)
    held_out_groups = {n for n, held in zip(names, of_group, strict=True) if held}
    return np.array([group in held_out_groups for group in groups], bool)
  strata = labels if labels.ndim == 1 else np.zeros(len(labels), np.int32)
  digests = np.array([hashlib.sha256(v.encode()).hexdigest() for v in video_ids])
  held_out = np.zeros(len(video_ids), bool)
  for stratum in np.unique(strata):
    members = np.flatnonzero(strata == stratum)
    members = members[np.argsort(digests[members])]
    first = round(fold * len(members) / folds)
    end = round((fold + 1) * len(members) / folds)
    held_out[members[first:end]] = True
  return held_out
