"""The contact sheet of a validation: first clips with findings, then other clips."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.validation.clip_facts import ClipFacts
from input_pipeline.validation.validate import Validation
from pose_action.plots.contact_sheet import SheetClip, contact_sheet_image

# Our choice.
MOST_CLIPS = 24
_FRAMES = 4  # Per clip.

T = TypeVar('T')


def validation_sheet(
  source: PoseSource, validation: Validation, heading: str, most: int = MOST_CLIPS
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws at most `most` clips; up to half of them are clips with findings.

  Raises:
    ValueError: if no clip could be loaded.
  """
  reasons = _reasons(validation)
  clips = [
    _sheet_clip(source, facts, reasons.get(facts.video_id, ()))
    for facts in chosen_clips(validation, most)
  ]
  skeleton = source.skeleton
  return contact_sheet_image(heading, clips, skeleton.limb_indices, skeleton.limb_sides)


def chosen_clips(validation: Validation, most: int) -> list[ClipFacts]:
  """First one clip per finding, then a second, ...; then clips of each class in turn.

  Findings about more than half of all clips are passed over: any clip shows them.
  """
  facts = {clip.video_id: clip for clip in validation.clips}
  named = [
    [video_id for video_id in finding.clips if video_id in facts]
    for finding in validation.findings
    if len(finding.clips) <= len(facts) / 2
  ]
  flagged = list(itertools.islice(_unique(_in_turn(named)), most // 2))
  by_class: dict[tuple[int, ...], list[str]] = {}
  for video_id in _without(list(facts), [v for ids in named for v in ids]):
    by_class.setdefault(facts[video_id].labels[:1], []).append(video_id)
  others = _in_turn([by_class[label] for label in sorted(by_class)])
  chosen = itertools.islice(_unique([*flagged, *others, *facts]), most)
  return [facts[video_id] for video_id in chosen]


def _without(items: Sequence[T], others: Iterable[T]) -> list[T]:
  """The items that are not among the others, in their order."""
  excluded = set(others)
  return [item for item in items if item not in excluded]


def _in_turn(lists: Iterable[Sequence[T]]) -> Iterator[T]:
  """The first item of every list, then the second of every list that has one, ..."""
  for rank in itertools.zip_longest(*lists):
    yield from (item for item in rank if item is not None)


def _unique(items: Iterable[T]) -> Iterator[T]:
  return iter(dict.fromkeys(items))


def _reasons(validation: Validation) -> dict[str, tuple[str, ...]]:
  """Per clip, names of the checks it failed, except checks that most clips failed."""
  reasons: dict[str, tuple[str, ...]] = {}
  for finding in validation.findings:
    if len(finding.clips) <= len(validation.clips) / 2:
      for video_id in finding.clips:
        reasons[video_id] = (*reasons.get(video_id, ()), finding.check)
  return reasons


def _sheet_clip(
  source: PoseSource, facts: ClipFacts, reasons: Sequence[str]
) -> SheetClip:
  clip = source.load(facts.video_id)
  frames = _shown_frames(clip, facts)
  names = [
    source.class_names[label]
    for label in clip.labels
    if 0 <= label < len(source.class_names)
  ]
  caption = ', '.join(names) or 'no label'
  return SheetClip(
    title=clip.video_id,
    caption=f'{caption}: {", ".join(reasons)}' if reasons else caption,
    keypoints=clip.keypoints[frames],
    seen=clip.scores[frames] > 0,
    frames=frames,
    frame_size=clip.frame_size,
    marked=bool(reasons),
  )


def _shown_frames(clip: PoseClip, facts: ClipFacts) -> list[int]:
  """Frames from first to last at equal steps, or around a swap of left and right."""
  sides = facts.poses.sides if facts.poses is not None else None
  number = min(_FRAMES, clip.num_frames)
  if sides is not None and sides.exchanges:
    first = sides.exchanges[0] - number // 2
    first = min(max(first, 0), clip.num_frames - number)
    return list(range(first, first + number))
  return np.linspace(0, clip.num_frames - 1, number).round().astype(int).tolist()
