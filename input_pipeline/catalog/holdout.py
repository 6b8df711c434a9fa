"""The default rules for holding out validation clips from a training split."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, UInt8

from input_pipeline.catalog.groups import AUTO, ClipGroups, group_clips
from input_pipeline.catalog.stratified_folds import assign_folds

FOLD_RULE = 2  # The present rule; 1 is the rule of earlier releases.
FOLDS = 5

Labels = Int[np.ndarray, ' b'] | UInt8[np.ndarray, 'b k']


@dataclasses.dataclass(frozen=True, eq=False)
class Holdout:
  """The clips of a split that are held out, and by which rule.

  Attributes:
    mask: `[b]`, True for each clip in the fold.
    fold, folds, rule: same as in `hold_out`.
    groups: the group of each clip.
    untrained: classes that have clips in the fold, but no training clip.
  """

  mask: Bool[np.ndarray, ' b']
  fold: int
  folds: int
  rule: int
  groups: ClipGroups
  untrained: tuple[int, ...]

  @property
  def by(self) -> str:
    """The rule in words, for example 'by source video (rule 2)'."""
    return f'by {self.groups.words} (rule {self.rule})'

  def __str__(self) -> str:
    """For example 'fold 0 of 5, by clip (rule 2): 107 of 536 clips'."""
    counts = self.to_dict()
    text = f'fold {self.fold} of {self.folds}, {self.by}: {counts["held_out_clips"]} of'
    text += f' {counts["clips"]} clips'
    if counts['groups'] < counts['clips']:
      text += f' from {counts["held_out_groups"]} of {counts["groups"]} groups'
    if self.groups.unknown:
      text += f'; clips whose names show no group: {self.groups.unknown}'
    return text

  def to_dict(self) -> dict[str, Any]:
    """JSON-ready: the rules, and how many clips and groups are held out."""
    names = np.array(self.groups.names, np.str_)
    return {
      'fold': self.fold,
      'folds': self.folds,
      'rule': self.rule,
      'group_by': self.groups.rule,
      'clips': len(names),
      'held_out_clips': int(self.mask.sum()),
      'groups': len(np.unique(names)),
      'held_out_groups': len(np.unique(names[self.mask])),
    }


def hold_out(
  video_ids: Sequence[str],
  labels: Labels,
  *,
  fold: int,
  folds: int = FOLDS,
  rule: int = FOLD_RULE,
  group_by: str = AUTO,
  stored: Sequence[str] | None = None,
  dataset: str = '',
) -> Holdout:
  """Finds the clips' groups and holds out one fold.

  Args:
    video_ids: names of the `b` clips.
    labels: each clip's class, or multi-hot labels.
    fold: 0 to folds - 1.
    folds: number of folds, at least 2.
    rule: see `validation_mask`. With rule 1, 'auto' groups only AVA's clips.
    group_by: see `groups.group_clips`.
    stored: the data set's own group of each clip, if it has groups.
    dataset: the data set's name.

  Raises:
    ValueError: same as `validation_mask` and `group_clips`.
  """
  if rule == 1 and group_by in (AUTO, ''):
    stored, group_by = None, 'ava' if dataset == 'ava' else 'none'
  groups = group_clips(video_ids, group_by, stored)
  mask = validation_mask(
    video_ids,
    labels,
    fold=fold,
    folds=folds,
    groups=None if groups.rule == 'none' and stored is None else groups.names,
    rule=rule,
  )
  return Holdout(mask, fold, folds, rule, groups, _untrained(np.asarray(labels), mask))


def validation_mask(
  video_ids: Sequence[str],
  labels: Labels,
  *,
  fold: int,
  folds: int = FOLDS,
  groups: Sequence[str] | None = None,
  rule: int = FOLD_RULE,
) -> Bool[np.ndarray, ' b']:
  """Marks the clips in one fold, which are held out for validation (our rules).

  With both rules each clip is in exactly one fold, groups are never divided, and the
  result depends neither on the clips' order nor on a seed.

  Rule 2 spreads every class evenly over the folds, multi-label classes too, and makes
  folds equally large, as far as the groups allow it (`stratified_folds.assign_folds`).

  Rule 1, of earlier releases: the clips of each class are sorted by the hex digest of
  sha256(video_id). In a class with s clips, fold k holds places round(k·s / folds) to
  round((k + 1)·s / folds) - 1 (Python's round, half to even), so that small classes are
  all held out in the same folds. Multi-label clips are divided as if they all had the
  same class; so are groups, by their names.

  Args:
    video_ids: names of the `b` clips.
    labels: each clip's class, or multi-hot labels.
    fold: 0 to folds - 1.
    folds: number of folds, at least 2.
    groups: for each clip, the group it belongs to, if clips of one group are too similar
      to train on some and validate on others; by default each clip is its own group.
    rule: 2, or 1 for the folds of earlier releases.

  Returns:
    True for each clip in the fold.

  Raises:
    ValueError: if the lengths differ, there is no such fold or rule, or, with rule 2,
      there are fewer groups than folds.
  """
  labels = np.asarray(labels)
  _check(video_ids, labels, groups, fold, folds, rule)
  if rule == 1:
    return _first_rule(video_ids, labels, fold, folds, groups)
  groups = video_ids if groups is None else groups
  if len(set(groups)) < folds:
    raise ValueError(
      f'{folds} folds need at least {folds} groups of clips, but {len(video_ids)} clips'
      f' are in {len(set(groups))}; hold out fewer folds'
      ' (config.data.validation_folds; 0 holds nothing out), or group the clips'
      ' differently (config.data.group_by)'
    )
  return assign_folds(groups, labels, folds) == fold


def _check(
  video_ids: Sequence[str],
  labels: np.ndarray,
  groups: Sequence[str] | None,
  fold: int,
  folds: int,
  rule: int,
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
  if rule not in (1, FOLD_RULE):
    raise ValueError(
      f'there is no fold rule {rule!r}; give {FOLD_RULE}, or 1 for that of earlier'
      ' releases (config.data.fold_rule)'
    )
  if folds < 2:
    raise ValueError(f'folds is {folds}, but must be at least 2')
  if not 0 <= fold < folds:
    raise ValueError(
      f'there is no fold {fold}; with folds={folds} it is 0..{folds - 1}'
    )


def _untrained(labels: np.ndarray, mask: np.ndarray) -> tuple[int, ...]:
  if labels.ndim == 2:
    held_out, trained = labels[mask].any(axis=0), labels[~mask].any(axis=0)
    return tuple(np.flatnonzero(held_out & ~trained).tolist())
  return tuple(np.setdiff1d(labels[mask], labels[~mask]).tolist())


def _first_rule(
  video_ids: Sequence[str],
  labels: np.ndarray,
  fold: int,
  folds: int,
  groups: Sequence[str] | None,
) -> Bool[np.ndarray, ' b']:
  if groups is not None:
    names = sorted(set(groups))
    mask = _fold_mask(names, np.zeros(len(names), int), fold, folds)
    held_out = {name for name, held in zip(names, mask, strict=True) if held}
    return np.array([group in held_out for group in groups], bool)
  strata = labels if labels.ndim == 1 else np.zeros(len(labels), np.int32)
  return _fold_mask(video_ids, strata, fold, folds)


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
