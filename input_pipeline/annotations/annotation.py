"""Annotation: classes, splits and labels from official files, and joining them to poses."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

from input_pipeline.annotations.faulty_lines import joined
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip, Segment
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, PoseSource

_NAMED = 5  # Largest number of video names in a message.


@dataclasses.dataclass(frozen=True)
class Annotation:
  """Classes, splits and labels for videos, without poses.

  Attributes:
    where: the annotation's file or folder.
    class_names: class names by label index.
    splits: video ids by split name, in file order.
    labels: class indices by video id.
    segments: time spans of a video's actions by video id, if known.
    other_names: alternative names of a video's poses, by video id.
    multi_label: whether a video may have any number of labels instead of exactly one.
    notes: what is doubtful in the files, such as lines that are left out.
  """

  where: pathlib.Path
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  labels: Mapping[str, tuple[int, ...]]
  segments: Mapping[str, tuple[Segment, ...]] = dataclasses.field(default_factory=dict)
  other_names: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
  multi_label: bool = False
  notes: tuple[Note, ...] = ()


def annotated(sources: Sequence[ClipSource], annotation: Annotation) -> ClipSource:
  """Returns the sources' clips with an annotation's classes, splits and labels.

  Poses are found by the video's id or one of its other names. A name with folders
  (`class/video`) also matches without them, if unambiguous. A video without poses stays
  in its splits, but loading it raises; a note counts such videos per split and names the
  first. The result has the notes of the sources and of the annotation. Sources of maps
  have no notes, so there each note is logged as a warning.

  Args:
    sources: sources with the same kind and skeleton; their labels and splits are ignored.

  Raises:
    PoseDataError: if the sources cannot be combined, two sources have poses with the same
      name, or no video in a split has poses.
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
  notes = list(annotation.notes)
  for split, video_ids in annotation.splits.items():
    missing = [video_id for video_id in video_ids if video_id not in found]
    notes += _notes_on_missing(split, missing, annotation, places)
  changes: dict[str, Any] = {
    'class_names': annotation.class_names,
    'splits': annotation.splits,
    'load': functools.partial(_load_clip, annotation, found),
    'multi_label': annotation.multi_label,
    'groups': {
      video_id: source.groups[name]
      for video_id, (source, name) in found.items()
      if name in source.groups
    },
  }
  if isinstance(sources[0], PoseSource):
    of_sources = [n for s in sources if isinstance(s, PoseSource) for n in s.notes]
    changes['notes'] = joined([*of_sources, *notes])
  else:
    for note in notes:
      logging.warning('%s', note.message)
  return dataclasses.replace(sources[0], **changes)


def _places(
  sources: Sequence[ClipSource],
) -> dict[str, tuple[ClipSource, str] | None]:
  """(source, name in that source) by clip name; None for an ambiguous name."""
  first = sources[0]
  if len(sources) > 1 and not all(isinstance(source, PoseSource) for source in sources):
    raise PoseDataError(
      'several sources can only be combined if all hold poses; give one source of maps'
    )
  places: dict[str, tuple[ClipSource, str] | None] = {}
  for source in sources:
    if source.skeleton != first.skeleton:
      raise PoseDataError(
        f'the sources have skeletons {first.skeleton.name!r} and'
        f' {source.skeleton.name!r}, but need the same skeleton'
      )
    for name in dict.fromkeys(v for split in source.splits.values() for v in split):
      if name in places:
        raise PoseDataError(f'two sources have a clip {name!r}; leave one out')
      places[name] = source, name
  bare: dict[str, tuple[ClipSource, str] | None] = {}
  for name, place in places.items():
    last = name.rpartition('/')[2]
    bare[last] = None if last in bare else place
  return bare | places


def _notes_on_missing(
  split: str, missing: Sequence[str], annotation: Annotation, places: Mapping[str, Any]
) -> list[Note]:
  if not missing:
    return []
  count = len(annotation.splits[split])
  named = ', '.join(missing[:_NAMED]) + (', …' if len(missing) > _NAMED else '')
  if len(missing) == count:
    given = ', '.join(list(places)[:_NAMED]) or 'none'
    raise PoseDataError(
      f'none of the {count} videos of split {split!r} in {annotation.where} has poses;'
      f' it names {named}, but the poses are named {given}'
    )
  return [
    Note(
      'videos_without_poses',
      f'{len(missing)} of {count} videos of split {split!r} in {annotation.where} have no'
      f' poses: {named}',
    )
  ]


def _load_clip(
  annotation: Annotation, found: Mapping[str, tuple[ClipSource, str]], video_id: str
) -> Any:
  if video_id not in found:
    raise PoseDataError(
      f'clip {video_id!r}: there are no poses for this video from {annotation.where}'
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
