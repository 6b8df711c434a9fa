"""Divides groups of clips into folds so that every class is spread evenly (fold rule 2).

The idea is scikit-learn's StratifiedGroupKFold: the largest groups are placed first, each
in the fold with the fewest clips of its classes. Ours: fold sizes count as well, and
hashes of the groups' names break ties.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

_SAME = 1e-9  # A smaller difference between two folds is rounding.


def assign_folds(
  groups: Sequence[str],
  labels: Int[np.ndarray, ' b'] | UInt8[np.ndarray, 'b k'],
  folds: int,
) -> Int[np.ndarray, ' b']:
  """The fold of each clip, 0 to folds - 1. Clips in one group share a fold.

  The result depends neither on the order of the clips nor on a seed. With at least as
  many groups as folds, no fold is empty. A class with two or more groups keeps training
  clips in every fold, unless the groups' other classes prevent it; a class with one group
  is held out once, and cannot be learnt in that fold.

  Args:
    groups: name of the group of each of the `b` clips.
    labels: each clip's class, or multi-hot labels.
    folds: number of folds.
  """
  names, group_of_clip = np.unique(np.array(groups, np.str_), return_inverse=True)
  table = _Table(group_of_clip, len(names), np.asarray(labels), folds)
  digests = [hashlib.sha256(name.encode()).hexdigest() for name in names.tolist()]
  order = sorted(range(len(names)), key=lambda g: (table.rank(g), digests[g]))
  fold_of_group = np.zeros(len(names), int)
  for group in order:
    # Where folds are equally good, the name's hash decides, so that small classes are
    # not all held out in the same fold.
    fold_of_group[group] = table.place(group, first=int(digests[group], 16) % folds)
  return fold_of_group[group_of_clip]


class _Table:
  """Counts the clips per class in each fold while groups are placed.

  A last column, beside those of the classes, counts all clips. Python's lists, because a
  group has few classes, and numpy's calls would take ten times as long.
  """

  def __init__(
    self, group_of_clip: np.ndarray, num_groups: int, labels: np.ndarray, folds: int
  ):
    clips, classes, num_classes = _classes_of_clips(labels)
    rows = np.concatenate([group_of_clip[clips], group_of_clip])
    columns = np.concatenate([classes, np.full(len(labels), num_classes)])
    # Each group's columns, ascending, and its number of clips in each.
    keys, counts = np.unique(rows * (num_classes + 1) + columns, return_counts=True)
    rows, columns = np.divmod(keys, num_classes + 1)
    starts = np.searchsorted(rows, np.arange(num_groups + 1)).tolist()
    pairs = list(zip(columns.tolist(), counts.tolist(), strict=True))
    self._groups = [pairs[a:b] for a, b in itertools.pairwise(starts)]
    self._totals = np.bincount(columns, counts, num_classes + 1).astype(int).tolist()
    self._several = (np.bincount(columns, minlength=num_classes + 1) > 1).tolist()
    # Chi-squared: squared deviations count relative to the expected number of clips.
    # Fold sizes count as much as all classes together (our choice).
    self._weights = [1 / max(total, 1) for total in self._totals]
    self._weights[-1] *= max(num_classes, 1)
    self._placed = [[0] * (num_classes + 1) for _ in range(folds)]

  def rank(self, group: int) -> tuple[int, int, list[tuple[int, int]]]:
    """Sorts large groups first; among equals, classes with few clips first."""
    *classes, (_, size) = self._groups[group]
    rarest = min((self._totals[k] for k, _ in classes), default=self._totals[-1])
    return -size, rarest, classes

  def place(self, group: int, first: int) -> int:
    """Puts a group into the best fold; among equals, the next one from `first` on."""
    folds = len(self._placed)
    best, lowest = 0, float('inf')
    for fold in ((first + step) % folds for step in range(folds)):
      cost = self._cost(group, self._placed[fold])
      if cost < lowest - _SAME:
        best, lowest = fold, cost
    placed = self._placed[best]
    for column, count in self._groups[group]:
      placed[column] += count
    return best

  def _cost(self, group: int, placed: list[int]) -> float:
    """How much less even the folds get if the group is put into a fold."""
    cost = 0.0
    for column, count in self._groups[group]:
      cost += count * self._weights[column] * placed[column]
      # All of a class in one fold, though one of its groups could be elsewhere.
      whole = placed[column] + count == self._totals[column]
      if whole and self._several[column]:
        cost += self._totals[-1]
    return cost


def _classes_of_clips(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
  """Clip and class of each label; classes that occur, numbered from 0; their number."""
  if labels.ndim == 2:
    clips, classes = np.nonzero(labels)
  else:
    clips, classes = np.arange(len(labels)), labels
  known, numbers = np.unique(classes, return_inverse=True)
  return clips, numbers, len(known)
