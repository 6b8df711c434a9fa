"""Training clips from whole videos: windows inside the segments of a segment file.

A segment of at least a window's length gives the windows that fit into it, at equal
distances, and one at its end; a shorter segment is one clip. So each clip shows one
action of one person, and is named VIDEO#PERSON@FRAME after its first frame. People are
those of `causal_tracking`, as a timeline shows them. All rules here are ours.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from input_pipeline.annotations.segment_files.reading import read_segments
from input_pipeline.annotations.segment_files.rows import SegmentFile, SegmentRow
from input_pipeline.annotations.segments_of_clips import (
  Span,
  frame_rate_of,
  notes_on_videos,
  rows_of_videos,
  spans_of_clip,
)
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.causal_tracking import PersonTrack, tracks_of_clip
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, Origin, PoseSource
from input_pipeline.poses.windows import LEAST_VISIBLE, Windows, parse_frames
from pose_action.host.user_paths import user_path

# Shorter segments are mistakes of the mouse rather than actions.
_FEWEST_FRAMES = 2


@dataclasses.dataclass(frozen=True)
class SegmentOptions:
  """Which segments become which training windows.

  Attributes:
    path: the segment file, see `segment_files.reading`.
    window, stride: a duration each, see `windows.parse_frames`.
    background: the class of the time without a segment, for people (or, in a file that
      names none, videos) with a segment; '' leaves that time out.
    frame_rate: frames per second of all videos; None takes each video's own, or else what
      the segment file states.
    tiers: names of an ELAN file's tiers to read; none for all.
  """

  path: str
  window: str = '2s'
  stride: str = '1s'
  background: str = ''
  frame_rate: float | None = None
  tiers: tuple[str, ...] = ()

  @property
  def how(self) -> dict[str, Any]:
    """Everything but the file, by name, for JSON."""
    options = dataclasses.asdict(self) | {'tiers': list(self.tiers)}
    del options['path']
    return options


def tier_names(names: Iterable[str]) -> tuple[str, ...]:
  """Names of tiers without spaces around them, and without empty ones.

  Raises:
    PoseDataError: for one text instead of several names.
  """
  if isinstance(names, str):
    raise PoseDataError(f'tiers is {names!r}, but must be a list of names: [{names!r}]')
  return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def with_segments(source: ClipSource, options: SegmentOptions) -> PoseSource:
  """The source's videos cut into the training windows of a segment file.

  Every video that the file names is loaded, to find its people. Splits stay as they are;
  the windows of a video are one group, unless the source states another.

  Raises:
    PoseDataError: if the segments cannot be read, name no video of the source, or do not
      fit a video: its people, its length, or an unknown frame rate.
  """
  file = read_segments(options.path, options.tiers)
  if not isinstance(source, PoseSource):
    raise PoseDataError(
      f'{file.path} divides videos of poses, but the source holds ready maps; give poses'
    )
  if source.origin is not None and source.origin.options.get('per_person'):
    raise PoseDataError(
      f'{file.path} gives times from the beginning of each video, but per_person makes'
      ' clips that begin with their person; leave per_person out: segments name people'
    )
  names = _names(file, options)
  cutter = _Cutter(source, options, names)
  rows = rows_of_videos(source, file)
  clips = {v: cutter.cut(v, file, own) for v, own in rows.items()}
  if not any(clips.values()):
    raise PoseDataError(
      f'no segment of {file.path} has {_FEWEST_FRAMES} frames that show its person'
    )
  notes = [*file.notes, *notes_on_videos(source, file, rows), *cutter.notes()]
  return dataclasses.replace(
    source,
    class_names=names,
    splits={
      split: tuple(itertools.chain.from_iterable(clips.get(v, ()) for v in videos))
      for split, videos in source.splits.items()
    },
    load=cutter.load,
    multi_label=False,
    notes=(*source.notes, *notes),
    origin=_origin(source, options),
    background_class=options.background,
    groups={
      clip: source.groups.get(video, video) for video in clips for clip in clips[video]
    },
  )


class _Cutter:
  """Cuts the windows of each video, and loads them again by name."""

  def __init__(
    self, source: PoseSource, options: SegmentOptions, class_names: tuple[str, ...]
  ):
    self._source = source
    self._options = options
    self._class_names = class_names
    self._windows: dict[str, tuple[str, Span]] = {}  # Video and span by clip name.
    self._unseen = 0
    # Clips are mostly loaded in order, so that the last video is enough.
    self._opened = functools.lru_cache(maxsize=1)(self._open)

  def cut(
    self, video: str, file: SegmentFile, rows: Sequence[SegmentRow]
  ) -> tuple[str, ...]:
    """The names of a video's windows."""
    clip, tracks = self._opened(video)
    rate = frame_rate_of(clip, rows, file, self._options.frame_rate)
    windows = Windows(
      parse_frames(self._options.window, rate, 'the window of segments'),
      parse_frames(self._options.stride, rate, 'the stride of segments'),
    )
    names = []
    spans = spans_of_clip(clip, rows, rate, tuple(tracks))
    for person, own in spans.items():
      if self._options.background:
        own = [*own, *_gaps(own, clip.num_frames, self._options.background)]
      for span in itertools.chain.from_iterable(_inside(s, windows) for s in own):
        if tracks[person].visible(span.start, span.stop) < LEAST_VISIBLE:
          self._unseen += 1
          continue
        name = f'{video}#{person}@{span.start}'
        self._windows[name] = video, span
        names.append(name)
    return tuple(names)

  def load(self, name: str) -> PoseClip:
    """One window as a clip.

    Raises:
      PoseDataError: if there is no such window, or its video cannot be read any more.
    """
    if name not in self._windows:
      raise PoseDataError(f'clip {name!r} is not in this source')
    video, span = self._windows[name]
    clip, tracks = self._opened(video)
    poses = tracks[span.person].between(span.start, span.stop)[:, None]
    return dataclasses.replace(
      clip,
      video_id=name,
      keypoints=poses[..., :2],
      scores=poses[..., 2],
      labels=(self._class_names.index(span.label),),
      segments=(),
      identities=None,
    )

  def notes(self) -> tuple[Note, ...]:
    """Windows that show too little of their person."""
    if not self._unseen:
      return ()
    return (
      Note(
        'windows_without_person',
        f'{self._unseen} windows are left out: their person is visible in less than'
        f' {LEAST_VISIBLE:.0%} of the frames',
        is_warning=False,
      ),
    )

  def _open(self, video: str) -> tuple[PoseClip, dict[str, PersonTrack]]:
    clip = self._source.load(video)
    return clip, tracks_of_clip(clip)


def _inside(span: Span, windows: Windows) -> Iterator[Span]:
  """The windows in a segment: a short one whole, a long one in equal steps."""
  length = span.stop - span.start
  if length < _FEWEST_FRAMES:
    return
  if length <= windows.length:
    yield span
    return
  last = span.stop - windows.length
  starts = [*range(span.start, last, windows.stride), last]
  for start in starts:
    yield span._replace(start=start, stop=start + windows.length)


def _gaps(spans: Sequence[Span], num_frames: int, label: str) -> Iterator[Span]:
  """The time of a person without a segment."""
  person = spans[0].person
  edges = [0, *itertools.chain.from_iterable((s.start, s.stop) for s in spans)]
  for start, stop in zip(edges[::2], [*edges[1::2], num_frames], strict=True):
    if start < stop:
      yield Span(person, label, start, stop)


def _origin(source: PoseSource, options: SegmentOptions) -> Origin | None:
  """Where the source came from, and the segment file."""
  if source.origin is None:
    return None
  path = str(user_path(options.path).absolute())
  return dataclasses.replace(source.origin, segments=path, segment_options=options.how)


def _names(file: SegmentFile, options: SegmentOptions) -> tuple[str, ...]:
  """The classes: every label, sorted, and the background last."""
  labels = [label for label in file.labels if label != options.background]
  return (*labels, options.background) if options.background else tuple(labels)
