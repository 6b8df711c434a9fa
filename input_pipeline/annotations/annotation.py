"""What a data set's official files say of its videos, and poses that it is joined to."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip, Segment
from input_pipeline.poses.sources import ClipSource, PoseSource

_NAMED = 5  # Of missing videos, in a warning.


@dataclasses.dataclass(frozen=True)
class Annotation:
  """Classes, splits and labels of videos, without their poses.

  Attributes:
    where: the file or folder that says so.
    class_names: the label's meaning, by index.
    splits: video ids by split name, in the files' order.
    labels: class indices by video id.
    segments: when the actions of a video happen, by video id, where that is known.
    other_names: by video id, what else its poses may be called.
    multi_label: whether a video has any number of labels, not exactly one.
  """

  where: pathlib.Path
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  labels: Mapping[str, tuple[int, ...]]
  segments: Mapping[str, tuple[Segment, ...]] = dataclasses.field(default_factory=dict)
  other_names: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
  multi_label: bool = False


def annotated(sources: Sequence[ClipSource], annotation: Annotation) -> ClipSource:
  """The clips of sources, under the classes, splits and labels of an annotation.

  Poses are found by the video's id, or one of its other names; a name in folders
  (`class/video`) counts without them too. A video without poses stays in its splits:
  loading it raises. How many there are of each split, and the first of them, is logged.

  Args:
    sources: of one kind and skeleton; what they say of labels and splits is dropped.

  Raises:
    PoseDataError: where sources do not go together, two have poses of the same name, or
      no video of a split has poses.
  """
  places = _places(sources)
  found: dict[str, tuple[ClipSource, str]] = {}
  for video_id in dict.fromkeys(
    v for split in annotation.splits.values() for v in split
  ):
    names = (video_id, *annotation.other_names.get(video_id, ()))
    place = next((places[name] for name in names if places.get(name)), None)
    if place:
      found[video_id] = place
  for split, video_ids in annotation.splits.items():
    _report_missing(split, [v for v in video_ids if v not in found], annotation, places)
  return dataclasses.replace(
    sources[0],
    class_names=annotation.class_names,
    splits=annotation.splits,
    load=functools.partial(_load_clip, annotation, found),
    multi_label=annotation.multi_label,
  )


def _places(
  sources: Sequence[ClipSource],
) -> dict[str, tuple[ClipSource, str] | None]:
  """By name the source and its own name of a clip; None for one that is ambiguous."""
  first = sources[0]
  if len(sources) > 1 and not all(isinstance(source, PoseSource) for source in sources):
    raise PoseDataError('several sources must be of poses; maps come from one')
  places: dict[str, tuple[ClipSource, str] | None] = {}
  for source in sources:
    if source.skeleton != first.skeleton:
      raise PoseDataError(
        f'the sources have skeletons {first.skeleton.name!r} and'
        f' {source.skeleton.name!r}, but need the same'
      )
    for name in dict.fromkeys(v for split in source.splits.values() for v in split):
      if name in places:
        raise PoseDataError(f'two of the sources have a clip {name!r}; leave one out')
      places[name] = source, name
  bare: dict[str, tuple[ClipSource, str] | None] = {}
  for name, place in places.items():
    last = name.rpartition('/')[2]
    bare[last] = None if last in bare else place
  return bare | places


def _report_missing(
  split: str, missing: Sequence[str], annotation: Annotation, places: Mapping[str, Any]
):
  if not missing:
    return
  count = len(annotation.splits[split])
  named = ', '.join(missing[:_NAMED]) + (', …' if len(missing) > _NAMED else '')
  if len(missing) == count:
    given = ', '.join(list(places)[:_NAMED]) or 'none'
    raise PoseDataError(
      f'none of the {count} videos of split {split!r} in {annotation.where} has poses;'
      f' it names {named}, the poses are of {given}'
    )
  logging.warning(
    '%d of %d videos of split %r in %s have no poses: %s',
    len(missing),
    count,
    split,
    annotation.where,
    named,
  )


def _load_clip(
  annotation: Annotation, found: Mapping[str, tuple[ClipSource, str]], video_id: str
) -> Any:
  if video_id not in found:
    raise PoseDataError(
      f'clip {video_id!r}: there are no poses of this video of {annotation.where}'
    )
  source, name = found[video_id]
  clip = source.load(name)
  changes: dict[str, Any] = {
    'video_id': video_id,
    'labels': annotation.labels[video_id],
  }
  if isinstance(clip, PoseClip):
    changes['segments'] = annotation.segments.get(video_id, ())
  return dataclasses.replace(clip, **changes)
