"""Checks on positions: missing joints, frame size, and left and right."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence

import numpy as np

from input_pipeline.poses.frame_size import (
  exchanged,
  in_words,
  is_doubtful,
  is_far_better,
)
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.validation.clip_facts import ClipFacts, PoseFacts
from input_pipeline.validation.findings import Finding, warning
from input_pipeline.validation.sides import minority, suspicions

# All numbers are ours.
_MUCH_OUTSIDE = 0.2  # Share of a clip's joints.
_NORMALISED = 2.0  # Coordinates in -1..1 or 0..1 stay below, pixels do not.
# A frame size is doubted if no joint in any clip leaves this share of height and width,
_SMALL_BOX = 0.5
_ENOUGH_CLIPS = 5  # in at least this many clips.
# All sides are doubted if more than this share of the clips with a clear view is seen
# from behind,
_FROM_BEHIND = 0.8
_MANY_VIEWS = 20  # among at least this many clips.

PosedClip = tuple[ClipFacts, PoseFacts]


def check_joints(clips: Sequence[PosedClip], skeleton: Skeleton) -> Iterator[Finding]:
  """Finds clips without any joint, and joints that no clip has."""
  empty = tuple(clip.video_id for clip, poses in clips if not poses.people)
  if empty:
    yield warning(
      'empty_clip', 'no frame has a joint; an export leaves these clips out', empty
    )
  seen = sum((poses.seen for _, poses in clips), np.zeros(skeleton.num_joints, int))
  never = [j for j, count in zip(skeleton.joints, seen, strict=True) if not count]
  if never and len(never) < skeleton.num_joints:
    yield warning(
      'missing_joint',
      f'{", ".join(never)}: always missing; is the skeleton really {skeleton.name!r}?',
    )


def check_frames(clips: Sequence[PosedClip]) -> Iterator[Finding]:
  """Finds clips with many joints outside the frame, and doubtful frame sizes."""
  outside = tuple(
    clip.video_id
    for clip, poses in clips
    if poses.outside.sum() > _MUCH_OUTSIDE * max(poses.seen.sum(), 1)
  )
  if outside:
    yield warning(
      'outside_frame',
      f'more than {_MUCH_OUTSIDE:.0%} of the joints lie outside the frame',
      outside,
    )
  of_size: dict[tuple[int, int], list[PosedClip]] = collections.defaultdict(list)
  for clip, poses in clips:
    if poses.people:
      of_size[poses.frame_size].append((clip, poses))
  for size, group in of_size.items():
    yield from _doubtful_size(size, group)


def _doubtful_size(
  size: tuple[int, int], group: Sequence[PosedClip]
) -> Iterator[Finding]:
  """Finds doubts about the size of all frames, else of those in some clips."""
  wrong, clips = _exchange(size, group), group
  if not wrong and (doubt := _size_doubt(size, [poses for _, poses in group])):
    yield _size_warning(size, doubt, group)
  if not wrong:
    clips = [pair for pair in group if _exchange(size, [pair])]
    wrong = _exchange(size, clips)
  if wrong:
    yield _size_warning(size, wrong, clips)


def _size_warning(
  size: tuple[int, int], doubt: str, clips: Sequence[PosedClip]
) -> Finding:
  message = f'frames {in_words(size)}: {doubt}'
  return warning('frame_size', message, tuple(clip.video_id for clip, _ in clips))


def _exchange(size: tuple[int, int], group: Sequence[PosedClip]) -> str | None:
  """Says that height and width are exchanged, if the joints say so."""
  joints = sum(int(poses.seen.sum()) for _, poses in group)
  outside = sum(int(poses.outside.sum()) for _, poses in group)
  transposed = sum(poses.outside_transposed for _, poses in group)
  if not (is_doubtful(outside, joints) and is_far_better(transposed, outside)):
    return None
  return (
    f'{outside / joints:.0%} of the joints lie outside, but {transposed / joints:.0%} if'
    f' frames are {in_words(exchanged(size))}; if height and width are exchanged, correct'
    ' --frame_size (WIDTHxHEIGHT) or the files'
  )


def _size_doubt(size: tuple[int, int], group: Sequence[PoseFacts]) -> str | None:
  height, width = size
  x, y = np.max([poses.highest for poses in group], axis=0)
  lowest = np.min([poses.lowest for poses in group])
  if lowest >= -_NORMALISED and max(x, y) <= _NORMALISED < min(size) / 2:
    return (
      f'all coordinates lie in {lowest:.2f}..{max(x, y):.2f}, as if divided by the'
      ' size; they must be pixels'
    )
  joints = sum(int(poses.seen.sum()) for poses in group)
  outside = sum(int(poses.outside.sum()) for poses in group)
  if is_doubtful(outside, joints):
    return f'{outside / joints:.0%} of the joints lie outside; is that the right size?'
  enough = len(group) >= _ENOUGH_CLIPS
  if enough and x < _SMALL_BOX * width and y < _SMALL_BOX * height:
    return (
      f'no joint lies beyond x = {x:.0f}, y = {y:.0f}; were the poses found in smaller'
      ' frames?'
    )
  return None


_SIDE_MESSAGES = {
  'exchange': 'left and right change places from one frame to the next',
  'twist': 'shoulders seem to be seen from the front and hips from behind, or the'
  ' reverse: are left and right swapped in one of them, or is the skeleton wrong?',
  'face': 'the face is visible, but the left shoulder is on the image left: are left and'
  ' right swapped?',
}


def check_sides(
  clips: Sequence[PosedClip], class_names: Sequence[str]
) -> Iterator[Finding]:
  """Finds clips whose left and right may be swapped; see `sides` for the limits."""
  sided = [(clip, poses.sides) for clip, poses in clips if poses.sides is not None]
  found: dict[str, list[str]] = collections.defaultdict(list)
  by_class: dict[int, list[tuple[str, str | None]]] = collections.defaultdict(list)
  for clip, facts in sided:
    for suspicion in suspicions(facts):
      found[suspicion].append(clip.video_id)
    for label in clip.labels[:1]:
      by_class[label].append((clip.video_id, facts.view))
  for suspicion, message in _SIDE_MESSAGES.items():
    if found[suspicion]:
      yield warning(f'sides_{suspicion}', message, tuple(found[suspicion]))
  for label, views in sorted(by_class.items()):
    odd = minority([view for _, view in views])
    name = class_names[label] if 0 <= label < len(class_names) else str(label)
    if odd:
      side = views[odd[0]][1]
      yield warning(
        'sides_minority',
        f'class {name!r}: seen from {"the front" if side == "front" else "behind"},'
        ' unlike nearly all its other clips; if not, left and right are swapped',
        tuple(views[index][0] for index in odd),
      )
  views = [facts.view for _, facts in sided]
  behind, clear = views.count('back'), len(views) - views.count(None)
  if clear >= _MANY_VIEWS and behind > _FROM_BEHIND * clear:
    yield warning(
      'sides_all',
      f'{behind} of the {clear} clips with a clear view seem to be seen from behind: do'
      " left_ and right_ mean the person's own sides in this skeleton?",
    )
