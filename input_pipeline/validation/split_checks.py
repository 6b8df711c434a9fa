"""Checks on splits, classes and ids."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence

from input_pipeline.validation.clip_facts import ClipFacts
from input_pipeline.validation.findings import Finding, error, warning

# All numbers are ours.
_FEW_CLIPS = 5  # Classes with fewer clips are too small to hold clips out.
_SHORTEST = 3  # Frames; PA3D's temporal pose convolution needs a past and a future.


def split_pairs(
  splits: Iterable[str], known: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
  """Returns pairs of (training, test) splits that must not share a clip.

  Args:
    splits: names of the source's splits.
    known: the pairs in the data set's protocol. If empty, pairs are names that differ
      only in 'train' against 'test' or 'val', such as 'train1' and 'test1'.
  """
  splits = list(splits)
  if known:
    return [pair for pair in known if set(pair) <= set(splits)]
  return [
    (train, train.replace('train', other))
    for train in splits
    for other in ('test', 'val')
    if 'train' in train and train.replace('train', other) in splits
  ]


def check_splits(
  splits: Mapping[str, Sequence[str]],
  pairs: Sequence[tuple[str, str]],
  usable: set[str],
) -> Iterator[Finding]:
  """Finds repeated ids, ids in both splits of a pair, and splits without usable clips."""
  for split, video_ids in splits.items():
    twice = [v for v, count in collections.Counter(video_ids).items() if count > 1]
    if twice:
      yield error(
        'duplicate_id',
        f'split {split!r} names clips more than once; name each once',
        tuple(twice),
      )
    if not video_ids:
      yield warning('empty_split', f'split {split!r} names no clip')
    elif not usable & set(video_ids):
      yield error('unusable_split', f'split {split!r} has no usable clip')
  for train, test in pairs:
    shared = tuple(v for v in splits[test] if v in set(splits[train]))
    if shared:
      yield error(
        'clip_in_two_splits',
        f'clips of {test!r} are in {train!r} too, so a model would be tested on its'
        ' training clips; remove them from one split',
        shared,
      )


def check_classes(
  clips: Sequence[ClipFacts], class_names: Sequence[str], multi_label: bool
) -> Iterator[Finding]:
  """Finds invalid labels, a wrong number of labels, and classes with few clips."""
  outside = [c for c in clips if any(not 0 <= k < len(class_names) for k in c.labels)]
  if outside:
    worst = outside[0]
    yield error(
      'label_out_of_range',
      f'labels are not among the {len(class_names)} classes, 0..'
      f'{len(class_names) - 1}: {worst.video_id!r} has {list(worst.labels)}',
      _ids(outside),
    )
  if not multi_label:
    without = [clip for clip in clips if not clip.labels]
    if without and len(without) < len(clips):
      yield warning(
        'no_label', 'clips have no label, unlike the other clips', _ids(without)
      )
    several = [clip for clip in clips if len(clip.labels) > 1]
    if several:
      yield error(
        'several_labels',
        'clips have several labels in a single-label data set',
        _ids(several),
      )
  counts = class_counts(clips, class_names)
  if not any(counts.values()):
    return
  for what, fewest, most in (('no clip', 0, 0), ('few clips', 1, _FEW_CLIPS - 1)):
    rare = [f'{n} ({c})' if c else n for n, c in counts.items() if fewest <= c <= most]
    if rare:
      yield warning('rare_class', f'classes with {what}: {", ".join(rare)}')


def class_counts(
  clips: Sequence[ClipFacts], class_names: Sequence[str]
) -> dict[str, int]:
  """Number of clips by class name; a clip with several labels counts for each."""
  counts = collections.Counter(label for clip in clips for label in set(clip.labels))
  return {name: counts[label] for label, name in enumerate(class_names)}


def check_lengths(clips: Sequence[ClipFacts]) -> Iterator[Finding]:
  short = [clip for clip in clips if clip.num_frames < _SHORTEST]
  if short:
    yield warning(
      'short_clip', f'clips have fewer than {_SHORTEST} frames', _ids(short)
    )


def check_repeats(
  clips: Sequence[ClipFacts],
  splits: Mapping[str, Sequence[str]],
  pairs: Sequence[tuple[str, str]],
) -> Iterator[Finding]:
  """Finds clips with different ids but bitwise equal poses."""
  same: dict[str, list[str]] = {}
  for clip in clips:
    # Clips without any joint are all equal; another check reports them.
    if clip.poses is not None and clip.poses.people:
      same.setdefault(clip.poses.digest, []).append(clip.video_id)
  repeats = [ids for ids in same.values() if len(ids) > 1]
  if not repeats:
    return
  leaks = sum(
    any(set(ids) & set(splits[a]) and set(ids) & set(splits[b]) for a, b in pairs)
    for ids in repeats
  )
  note = f' ({leaks} in both training and test)' if leaks else ''
  yield warning(
    'same_poses',
    f'{len(repeats)} poses have several ids, such as {" = ".join(repeats[0])}{note};'
    ' keep only one clip of each',
    tuple(video_id for ids in repeats for video_id in ids),
  )


def _ids(clips: Iterable[ClipFacts]) -> tuple[str, ...]:
  return tuple(clip.video_id for clip in clips)
