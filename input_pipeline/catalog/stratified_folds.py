"""Divides groups of clips into folds so that every class is spread evenly (fold rule 2).

The idea is scikit-learn's StratifiedGroupKFold: the largest groups are placed first, each
in the fold with the fewest clips of its classes. Ours: fold sizes count as well, hashes
of the groups' names break ties, and afterwards groups are moved while that makes the
folds more even.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

_ROUNDS = 10  # Most passes over all groups that try to move each.
_SAME = 1e-9  # A smaller gain is rounding.


def assign_folds(
  groups: Sequence[str],
  labels: Int[np.ndarray, ' b'] | UInt8[np.ndarray, 'b k'],
  folds: int,
) -> Int[np.ndarray, ' b']:
  """The fold of each clip, 0 to folds - 1. Clips in one group share a fold.

  The result depends neither on the order of the clips nor on a seed. With at least as
  many groups as folds, no fold is empty. A class with two or more groups keeps training
  clips in every fold, unless the groups' other classes prevent it.

  Args:
    groups: name of the group of each of the `b` clips.
    labels: each clip's class, or multi-hot labels.
    folds: number of folds.
  """
  names, group_of_clip = np.unique(np.array(groups, np.str_), return_inverse=True)
  table = _Table(group_of_clip, len(names), _multi_hot(np.asarray(labels)), folds)
  digests = [hashlib.sha256(name.encode()).hexdigest() for name in names.tolist()]
  order = sorted(range(len(names)), key=lambda g: (*table.rank(g), digests[g]))
  fold_of_group = np.full(len(names), -1)
  for group in order:
    # Where folds are equally good, the name's hash decides, so that small classes are
    # not all held out in the same fold.
    first = int(digests[group], 16) % folds
    preferred = (np.arange(folds) + first) % folds
    fold_of_group[group] = table.place(group, preferred)
  for _ in range(_ROUNDS):
    moved = [table.move(group, fold_of_group) for group in order]
    if not any(moved):
      break
  return fold_of_group[group_of_clip]


def _multi_hot(labels: np.ndarray) -> np.ndarray:
  """`[b, k]` with one column per class that occurs."""
  if labels.ndim == 2:
    return labels[:, labels.any(axis=0)] != 0
  return labels[:, None] == np.unique(labels)


class _Table:
  """Counts the clips per class in each fold while groups are placed."""

  def __init__(
    self, group_of_clip: np.ndarray, num_groups: int, hot: np.ndarray, folds: int
  ):
    clips, classes = np.nonzero(hot)
    # Every clip also counts in one last column, for the size of its fold.
    rows = np.concatenate([group_of_clip[clips], group_of_clip])
    columns = np.concatenate([classes, np.full(len(hot), hot.shape[1])])
    pairs, counts = np.unique([rows, columns], axis=1, return_counts=True)
    starts = np.searchsorted(pairs[0], np.arange(1, num_groups))
    self._columns = np.split(pairs[1], starts)  # Per group.
    self._counts = np.split(counts, starts)  # Per group, same order.
    self._totals = np.bincount(columns, minlength=hot.shape[1] + 1)
    self._several = np.bincount(pairs[1], minlength=hot.shape[1] + 1) > 1
    # Chi-squared: squared deviations count relative to the expected number of clips.
    # Fold sizes count as much as all classes together (our choice).
    self._weights = 1 / np.maximum(self._totals, 1)
    self._weights[-1] *= max(hot.shape[1], 1)
    self._placed = np.zeros((folds, hot.shape[1] + 1), int)

  def rank(self, group: int) -> tuple[int, int, tuple[int, ...]]:
    """Sorts large groups first; among equals, classes with few clips first."""
    classes = self._columns[group][:-1]
    rarest = self._totals[classes].min(initial=self._totals[-1])
    return -int(self._counts[group][-1]), int(rarest), tuple(classes.tolist())

  def place(self, group: int, preferred: np.ndarray) -> int:
    """Puts a group into the best fold; the first preferred fold among equals."""
    costs = self._costs(group)[preferred]
    fold = int(preferred[np.flatnonzero(costs <= costs.min() + _SAME)[0]])
    self._add(group, fold, 1)
    return fold

  def move(self, group: int, fold_of_group: np.ndarray) -> bool:
    """Moves a group to a better fold, if there is one; updates `fold_of_group`."""
    fold = int(fold_of_group[group])
    self._add(group, fold, -1)
    costs = self._costs(group)
    best = int(costs.argmin())
    if costs[best] < costs[fold] - _SAME:
      fold_of_group[group] = best
    self._add(group, int(fold_of_group[group]), 1)
    return fold_of_group[group] != fold

  def _costs(self, group: int) -> np.ndarray:
    """How much less even the folds get, per fold that the group is put into."""
    columns, counts = self._columns[group], self._counts[group]
    there = self._placed[:, columns]
    costs = there @ (counts * self._weights[columns])
    # All clips of a class in one fold, though another group could have prevented it.
    alone = (there + counts == self._totals[columns]) & self._several[columns]
    return costs + alone[:, :-1].sum(axis=1) * self._totals[-1]

  def _add(self, group: int, fold: int, sign: int):
    self._placed[fold, self._columns[group]] += sign * self._counts[group]
