"""Checks whether clips resemble clips on the other side of a division.

A model recognises a test clip by memory if it was trained on nearly the same clip, or on
another clip of the same source video. Exact copies: `split_checks.check_repeats`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from input_pipeline.catalog.groups import AUTO, ClipGroups, group_clips
from input_pipeline.catalog.holdout import FOLDS
from input_pipeline.catalog.stratified_folds import assign_folds
from input_pipeline.validation.clip_facts import ClipFacts
from input_pipeline.validation.findings import Finding, warning
from input_pipeline.validation.fingerprint import near_repeats

Splits = Mapping[str, Sequence[str]]
Pairs = Sequence[tuple[str, str]]


def check_leaks(
  clips: Sequence[ClipFacts],
  splits: Splits,
  pairs: Pairs,
  stored: Mapping[str, str],
  group_by: str = AUTO,
) -> Iterator[Finding]:
  """Finds sources on both sides of a pair of splits, and nearly equal clips.

  Args:
    clips: facts for every clip.
    splits: video ids by split name.
    pairs: (training, test) splits.
    stored: groups that the source itself gives, by clip.
    group_by: how clips are grouped, see `groups.group_clips`.

  Raises:
    ValueError: for a `group_by` that does not fit the clips.
  """
  names = [clip.video_id for clip in clips]
  given = [stored.get(name, name) for name in names] if stored else None
  groups = group_clips(names, group_by, given)
  group_of = dict(zip(names, groups.names, strict=True))
  facts = {clip.video_id: clip for clip in clips}
  in_split = {
    split: [facts[v] for v in dict.fromkeys(video_ids) if v in facts]
    for split, video_ids in splits.items()
  }
  for train, test in pairs:
    sides = in_split[train], in_split[test]
    yield from _shared_sources(*sides, train, test, group_of, groups, group_by)
    yield from _near_clips(*sides, train, test)
  divided = dict.fromkeys(train for train, _ in pairs) or splits
  for split in divided:
    yield from _near_clips_in_folds(in_split[split], split, group_of)


def _shared_sources(
  trained: Sequence[ClipFacts],
  tested: Sequence[ClipFacts],
  train: str,
  test: str,
  group_of: Mapping[str, str],
  groups: ClipGroups,
  group_by: str,
) -> Iterator[Finding]:
  # NTU's cross-view protocol has the same subjects on both sides on purpose.
  if groups.rule in ('none', 'ntu') and group_by == AUTO:
    return
  # The official splits of JHMDB and HMDB51 divide a film that shows several classes, but
  # never its clips of one class. Groups that the user states are never divided.
  by_class = group_by == AUTO and groups.rule != 'column'

  def keys(clip: ClipFacts) -> set[tuple[str, int | None]]:
    return {(group_of[clip.video_id], k) for k in (clip.labels if by_class else [None])}

  seen = {key for clip in trained for key in keys(clip)}
  video_ids = {clip.video_id for clip in trained}
  shared = [c for c in tested if c.video_id not in video_ids and keys(c) & seen]
  if shared:
    sources = {group_of[clip.video_id] for clip in shared}
    yield warning(
      'source_in_two_splits',
      f'clips of {test!r} come from the same {groups.words} as clips of {train!r}'
      f' ({len(sources)} in all), so a model may recognise them by memory; keep each on'
      ' one side',
      tuple(clip.video_id for clip in shared),
    )


def _near_clips(
  trained: Sequence[ClipFacts], tested: Sequence[ClipFacts], train: str, test: str
) -> Iterator[Finding]:
  found = dict(_near_pairs(tested, trained))
  if found:
    yield warning(
      'near_duplicate',
      f'clips of {test!r} show nearly the same poses as clips of {train!r}, such as'
      f' {_example(found)}; keep each on one side',
      tuple(found),
    )


def _near_clips_in_folds(
  clips: Sequence[ClipFacts], split: str, group_of: Mapping[str, str]
) -> Iterator[Finding]:
  """Finds nearly equal clips that the default folds of a split divide."""
  groups = [group_of[clip.video_id] for clip in clips]
  if len(set(groups)) < FOLDS:
    return
  num_classes = 1 + max((label for c in clips for label in c.labels), default=0)
  hot = np.zeros((len(clips), max(num_classes, 1)), np.uint8)
  for row, clip in zip(hot, clips, strict=True):
    row[[label for label in clip.labels if label >= 0]] = 1
  folds = assign_folds(groups, hot, FOLDS)
  found: dict[str, str] = {}
  for fold in range(FOLDS):
    held_out = [c for c, own in zip(clips, folds, strict=True) if own == fold]
    rest = [c for c, own in zip(clips, folds, strict=True) if own != fold]
    found |= dict(_near_pairs(held_out, rest))
  if found:
    yield warning(
      'near_duplicate_in_folds',
      f'clips of {split!r} show nearly the same poses as others, such as'
      f' {_example(found)}, and validation folds divide them; give both the same group'
      ' (column group in videos.csv, or --group_by), or keep one',
      tuple(found),
    )


def _near_pairs(
  clips: Sequence[ClipFacts], others: Sequence[ClipFacts]
) -> Iterator[tuple[str, str]]:
  """(name, name of a nearly equal clip among the others), except exact copies."""
  posed = [(c.video_id, c.poses) for c in clips if c.poses is not None]
  digests = {c.poses.digest for c in others if c.poses is not None}
  ids = {c.video_id for c in others}
  posed = [(v, p) for v, p in posed if p.digest not in digests and v not in ids]
  pool = [(c.video_id, c.poses.fingerprint) for c in others if c.poses is not None]
  prints = [poses.fingerprint for _, poses in posed]
  for index, other in near_repeats(prints, [poses for _, poses in pool]):
    yield posed[index][0], pool[other][0]


def _example(found: Mapping[str, str]) -> str:
  first = next(iter(found))
  return f'{first} and {found[first]}'
