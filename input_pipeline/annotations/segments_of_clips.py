"""Joins the rows of a segment file to the clips of a source: videos, people, frames."""

from __future__ import annotations

import itertools
import math
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from input_pipeline.annotations.segment_files.rows import SegmentFile, SegmentRow
from input_pipeline.errors import PoseDataError, shortened
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource

_NAMED, _LONGEST = 5, 100  # Most names in a message, and characters of a name.


class Span(NamedTuple):
  """One action of a person, or of everyone, in frames of a clip."""

  person: str
  label: str
  start: int
  stop: int


def rows_of_videos(
  source: ClipSource, file: SegmentFile
) -> dict[str, tuple[SegmentRow, ...]]:
  """The rows of each of the source's videos that the file names, in the source's order.

  A video may be named by its clip's name, by a path to it, with or without a suffix, or,
  in BORIS's files, by the observation.

  Raises:
    PoseDataError: if the file names no video of the source, or a name fits several.
  """
  offered = tuple(dict.fromkeys(v for ids in source.splits.values() for v in ids))
  found = rows_of_names(offered, file)
  if not found:
    named = dict.fromkeys(row.video for row in file.rows)
    raise PoseDataError(
      f'{file.path} names no video of the poses: it names {some_names(named)}, the poses are'
      f' of {some_names(offered)}; rename one of them'
    )
  return found


def rows_of_names(
  offered: Sequence[str], file: SegmentFile
) -> dict[str, tuple[SegmentRow, ...]]:
  """The rows of each video that the file names, in the order of `offered`.

  Raises:
    PoseDataError: if a name in the file fits several videos.
  """
  found: dict[str, list[SegmentRow]] = {}
  names = _Names(offered)
  for named, rows in file.of_video.items():
    video = names.find((named, *file.other_names.get(named, ())), file.path)
    if video is not None:
      found.setdefault(video, []).extend(rows)
  return {video: tuple(found[video]) for video in offered if video in found}


def spans_of_clip(
  clip: PoseClip,
  rows: Sequence[SegmentRow],
  frame_rate: float,
  people: Sequence[str],
) -> dict[str, list[Span]]:
  """The segments of each person with a segment in a clip, in frames and in order.

  Frame i is shown from i / frame_rate on; a segment begins and ends with the nearest
  frame. A segment of nobody in particular is everyone's.

  Args:
    people: names of the clip's people, see `CausalTracker`. A clip of one person may give
      them any name in the segment file.

  Raises:
    PoseDataError: for a person that the clip does not show, a segment after its end, or
      segments of different names for the only person that overlap.
  """
  found: dict[str, list[Span]] = {}
  end = clip.num_frames
  for row in rows:
    start, stop = (
      math.floor(min(t * frame_rate, end) + 0.5) for t in (row.start, row.stop)
    )
    if start >= clip.num_frames:
      raise PoseDataError(
        f'{row.where}: {shortened(row.label, _LONGEST)!r} starts at {row.start:g} s, but the poses of'
        f' {clip.video_id!r} end at {clip.num_frames / frame_rate:g} s'
        f' ({clip.num_frames} frames, {frame_rate:g} per second); correct the time or the'
        ' frame rate'
      )
    for person in _people_of(row, clip, people):
      span = Span(person, row.label, start, min(stop, clip.num_frames))
      found.setdefault(person, []).append(span)
  return {person: _one_after_another(spans, clip) for person, spans in found.items()}


def frame_rate_of(
  clip: PoseClip, rows: Sequence[SegmentRow], file: SegmentFile, given: float | None
) -> float:
  """Frames per second of a clip: as given, else its own, else the segment file's.

  Raises:
    PoseDataError: if none of them states it.
  """
  stated = (file.frame_rates.get(row.video) for row in rows)
  rate = given or clip.frame_rate or next(filter(None, stated), None)
  if rate is None:
    raise PoseDataError(
      f'clip {clip.video_id!r}: its frame rate is not known, and {file.path} gives times'
      ' in seconds; state frames per second in a column fps of videos.csv or in the pose'
      ' files'
    )
  return rate


def notes_on_videos(
  source: ClipSource, file: SegmentFile, rows: Mapping[str, object]
) -> Iterator[Note]:
  """Which videos have no segment, and which of the file's videos have no poses."""
  offered = dict.fromkeys(v for ids in source.splits.values() for v in ids)
  without = [video for video in offered if video not in rows]
  if without:
    yield Note(
      'videos_without_segments',
      f'{len(without)} of {len(offered)} videos have no segment in {file.path} and are'
      f' left out: {some_names(without)}',
    )
  named, names = file.of_video, _Names(tuple(rows))
  missing = [
    name
    for name in named
    if names.find((name, *file.other_names.get(name, ())), file.path) is None
  ]
  if missing:
    yield Note(
      'videos_without_poses',
      f'{len(missing)} of {len(named)} videos in {file.path} have no poses:'
      f' {some_names(missing)}',
    )


def _one_after_another(spans: list[Span], clip: PoseClip) -> list[Span]:
  """A person's spans in order; an overlap of one frame is a rounded time.

  Raises:
    PoseDataError: if more than that overlaps, as different names of one person may.
  """
  ordered = sorted(spans, key=lambda span: span.start)
  for place, (first, second) in enumerate(itertools.pairwise(ordered)):
    if second.start < first.stop - 1:
      raise PoseDataError(
        f'clip {clip.video_id!r}: {shortened(second.label, _LONGEST)!r} from frame {second.start}'
        f' overlaps {shortened(first.label, _LONGEST)!r} up to frame {first.stop} of person {first.person}; at any'
        ' time, a person has one label'
      )
    ordered[place] = first._replace(stop=min(first.stop, second.start))
  return [span for span in ordered if span.start < span.stop]


def _people_of(
  row: SegmentRow, clip: PoseClip, people: Sequence[str]
) -> tuple[str, ...]:
  if not row.person or (len(people) == 1 and row.person not in people):
    return tuple(people)
  if row.person not in people:
    raise PoseDataError(
      f'{row.where}: there is no person {shortened(row.person, _LONGEST)!r} in the poses of'
      f' {clip.video_id!r}; they show {some_names(people)} (t0, t1, … in order of appearance'
      " are those without a tracker's identity)"
    )
  return (row.person,)


class _Names:
  """Videos by name, and by a name that is the same but for folders, and a suffix of one."""

  def __init__(self, offered: Sequence[str]):
    self._place = {video: place for place, video in enumerate(offered)}
    self._last: dict[str, list[str]] = {}
    self._stem: dict[str, list[str]] = {}
    for video in offered:
      last, stem = _last_and_stem(video)
      self._last.setdefault(last, []).append(video)
      self._stem.setdefault(stem, []).append(video)

  def find(self, names: Sequence[str], path: pathlib.Path) -> str | None:
    """The video that has one of these names.

    Raises:
      PoseDataError: if one of them fits several.
    """
    for name in names:
      if name in self._place:
        return name
    for name in filter(None, names):
      last, stem = _last_and_stem(name)
      fitting = {
        *self._last.get(last, ()),
        *self._last.get(stem, ()),
        *self._stem.get(last, ()),
      }
      if len(fitting) > 1:
        ordered = sorted(fitting, key=self._place.__getitem__)
        raise PoseDataError(
          f'{path}: {shortened(name, _LONGEST)!r} may be {some_names(ordered)}; name the video as the poses do'
        )
      if fitting:
        return fitting.pop()
    return None


def _last_and_stem(name: str) -> tuple[str, str]:
  last = pathlib.PurePosixPath(name.replace('\\', '/')).name
  return last, pathlib.PurePosixPath(last).stem


def some_names(names: Sequence[str] | Mapping[str, object]) -> str:
  shown = ', '.join(shortened(name, _LONGEST) for name in list(names)[:_NAMED])
  return f'{shown}, … ({len(names)})' if len(names) > _NAMED else shown or 'none'
