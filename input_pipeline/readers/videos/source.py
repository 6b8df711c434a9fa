"""Opens clips of formats that store each video's poses in a file or a folder."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip, Segment
from input_pipeline.poses.frame_size import (
  are_outside,
  exchanged,
  how_to_exchange,
  how_to_give,
  in_words,
  is_far_better,
)
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import PoseSource, known_rate
from input_pipeline.poses.tracking import (
  Track,
  associate_named,
  find_tracks,
  people_dropped,
)
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.source_notes import source_notes
from input_pipeline.readers.videos.table import PoseVideo
from input_pipeline.readers.videos.tree import Parts, find_videos
from input_pipeline.skeletons.registry import Skeleton

UNKNOWN = 'unknown'  # The only class if nothing is labelled.
# A person visible in fewer frames gives no clip, unless the video is shorter (our choice).
MIN_PERSON_FRAMES = 8


@dataclasses.dataclass(frozen=True)
class VideoFormat:
  """How a format stores videos.

  Attributes:
    is_video: whether a path is a video, or a file with several videos.
    read_video: reads the poses at (path, skeleton, options), or, with `parts`, at (path,
      skeleton, part, options).
    parts: names the videos at a path, see `tree.Parts`.
    suffixes: of files that are videos; None if any may be.
    joint_names: the joint names that a video's files give, if any.
  """

  is_video: Callable[[pathlib.Path], bool]
  read_video: Callable[..., PosesByFrame]
  parts: Parts | None = None
  suffixes: tuple[str, ...] | None = None
  joint_names: Callable[[pathlib.Path], Sequence[str] | None] | None = None


def read(
  format: VideoFormat, path: pathlib.Path, skeleton: Skeleton, options: ReadOptions
) -> PoseSource:
  """Opens the videos at a path (see `tree.find_videos`), one clip per video or person.

  A fault in a video is raised when its clip is loaded. With `per_person` all videos are
  read immediately, to count the people in them; a person visible too briefly still has
  a clip, which raises when it is loaded.

  Raises:
    PoseDataError: if no videos are found, or their list is invalid.
  """
  videos = find_videos(path, format.is_video, format.parts)
  clips = _Clips(videos, format, skeleton, options)
  if options.per_person:
    video_ids = {video.video_id: clips.person_ids(video) for video in videos}
    load = clips.load_person
  else:
    video_ids = {video.video_id: (video.video_id,) for video in videos}
    load = clips.load
  return PoseSource(
    skeleton=skeleton,
    class_names=class_names(videos),
    splits=splits(videos, video_ids),
    load=load,
    multi_label=any(len(video.labels) > 1 for video in videos),
    notes=(*source_notes(videos, format.parts, clips.poses), *clips.notes),
    groups=groups(videos, video_ids),
  )


def joint_names(format: VideoFormat, path: pathlib.Path) -> Sequence[str] | None:
  """The joint names in the first video at a path that has any.

  Raises:
    PoseDataError: if no videos are found, their list is invalid, or a video cannot be
      read and no other has joint names.
  """
  if format.joint_names is None:
    return None
  fault = None
  for video in find_videos(path, format.is_video):
    try:
      names = format.joint_names(video.path)
    except (PoseDataError, OSError) as error:
      fault = fault or error
      continue
    if names:
      return names
  if isinstance(fault, OSError):
    raise PoseDataError(f'poses cannot be read: {fault}') from fault
  if fault is not None:
    raise fault
  return None


def class_names(videos: Sequence[PoseVideo]) -> tuple[str, ...]:
  """Every label once, sorted; 'unknown' if there is none."""
  return tuple(sorted({label for video in videos for label in video.labels})) or (
    UNKNOWN,
  )


def splits(
  videos: Sequence[PoseVideo], video_ids: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
  """Names of the clips in each split; splits in the order of their first video.

  Args:
    video_ids: names of each video's clips.
  """
  names = dict.fromkeys(split for video in videos for split in video.splits)
  return {
    split: tuple(
      video_id
      for video in videos
      if split in video.splits
      for video_id in video_ids[video.video_id]
    )
    for split in names
  }


def groups(
  videos: Sequence[PoseVideo], video_ids: dict[str, tuple[str, ...]]
) -> dict[str, str]:
  """The group of each clip whose video states one, or has a clip for each person.

  Args:
    video_ids: names of each video's clips.
  """
  return {
    clip: video.group or video.video_id
    for video in videos
    for clip in video_ids[video.video_id]
    if video.group or clip != video.video_id
  }


def frame_size_of(
  video: PoseVideo, in_file: tuple[int, int] | None, options: ReadOptions
) -> tuple[int, int]:
  """(height, width) in pixels from the file, else the list, else the options.

  Raises:
    PoseDataError: if none of them states it, or file and list differ.
  """
  if in_file and video.frame_size and in_file != video.frame_size:
    raise PoseDataError(
      f'its frames are {in_words(in_file)} in {video.path}, but'
      f' {in_words(video.frame_size)} in the list of videos; correct the list'
    )
  size = in_file or video.frame_size or options.frame_size
  if size is None:
    raise PoseDataError(
      f'{video.path} does not state the frame size; give {how_to_give()}, or columns'
      ' height and width in videos.csv'
    )
  return size


class _Clips:
  """Loads a source's clips by name."""

  def __init__(
    self,
    videos: Sequence[PoseVideo],
    format: VideoFormat,
    skeleton: Skeleton,
    options: ReadOptions,
  ):
    self._videos = {video.video_id: video for video in videos}
    self._persons: dict[str, tuple[PoseVideo, int]] = {}
    self._class_names = class_names(videos)
    self._format = format
    self._skeleton = skeleton
    self._options = options
    self.notes: tuple[Note, ...] = ()  # What was doubtful about several clips.

  def load(self, video_id: str) -> PoseClip:
    """The clip of everyone in a video."""
    video = _known(video_id, self._videos)
    with naming(video_id):
      poses, frame_size = self._read(video)
      frames, notes = poses.joints(frame_size, normalized=self._options.normalized)
      names = poses.names()
      people, identities = associate_named(
        frames, max_people=self._options.max_people, identities=names
      )
      keypoints, scores = people[..., :2], people[..., 2]
      notes = (*notes, *people_dropped(frames, self._options.max_people))
      _check_inside(keypoints, scores, frame_size, self._options)
      segments = tuple(
        Segment(self._class_names.index(label), start, end)
        for label, start, end in video.segments
      )
    clip = self._clip(video, video_id, keypoints, scores, frame_size)
    return dataclasses.replace(
      clip,
      segments=segments,
      notes=notes,
      frame_rate=self._frame_rate(video, poses),
      identities=None if names is None else identities,
    )

  def person_ids(self, video: PoseVideo) -> tuple[str, ...]:
    """Names one clip per person in a video; one clip if the video cannot be read."""
    most = self._options.max_people
    try:
      tracked = len(self._tracks(video)[0])
    except (PoseDataError, OSError):  # `load_person` raises it again.
      tracked = 0
    count = min(tracked, most)
    if tracked > most and not self.notes:
      self.notes = (_people_left_out(video.path, tracked, most),)
    video_ids = tuple(f'{video.video_id}#{n}' for n in range(max(1, count)))
    self._persons |= {video_id: (video, n) for n, video_id in enumerate(video_ids)}
    return video_ids

  def load_person(self, video_id: str) -> PoseClip:
    """The clip of one person, from the first to the last frame that shows them.

    The clip has no segments, because their seconds count from the video's beginning.
    """
    video, rank = _known(video_id, self._persons)
    with naming(video_id):
      tracks, num_frames, frame_size, notes, rate = self._tracks(video)
      if not tracks:
        raise PoseDataError(f'{video.path} shows nobody in any frame')
      frames, poses = tracks[rank].frames, tracks[rank].poses
      enough = min(MIN_PERSON_FRAMES, num_frames)
      if len(frames) < enough:
        raise PoseDataError(
          f'this person is visible in {len(frames)} frames, but a clip of one person'
          f' needs {enough}'
        )
      length = frames[-1] + 1 - frames[0]
      person = np.zeros((length, 1, self._skeleton.num_joints, 3), np.float32)
      person[np.array(frames) - frames[0], 0] = poses
      _check_inside(person[..., :2], person[..., 2], frame_size, self._options)
    clip = self._clip(video, video_id, person[..., :2], person[..., 2], frame_size)
    footage = clip.footage.later(frames[0]) if clip.footage else None
    return dataclasses.replace(clip, notes=notes, frame_rate=rate, footage=footage)

  def _tracks(
    self, video: PoseVideo
  ) -> tuple[list[Track], int, tuple[int, int], tuple[Note, ...], float | None]:
    """A video's people, number of frames, frame size, notes, and frame rate."""
    poses, frame_size = self._read(video)
    frames, notes = poses.joints(frame_size, normalized=self._options.normalized)
    most = self._options.max_people
    notes = (*notes, *people_dropped(frames, most))
    tracks = find_tracks(frames, max_people=most, identities=poses.names())
    return tracks, len(frames), frame_size, notes, self._frame_rate(video, poses)

  def _frame_rate(self, video: PoseVideo, poses: PosesByFrame) -> float | None:
    """Frames per second of the clip: fewer if only every k-th frame has poses."""
    stated = (poses.frame_rate, video.frame_rate, self._options.frame_rate)
    rate = next(filter(None, map(known_rate, stated)), None)
    return None if rate is None else rate / poses.frame_numbers().step

  def poses(self, video: PoseVideo) -> PosesByFrame:
    """The poses in a video's file, as the format reads them."""
    if not video.path.exists():
      raise PoseDataError(f'{video.path} does not exist')
    part = (video.part,) if self._format.parts else ()
    return self._format.read_video(video.path, self._skeleton, *part, self._options)

  def _read(self, video: PoseVideo) -> tuple[PosesByFrame, tuple[int, int]]:
    poses = self.poses(video)
    return poses, frame_size_of(video, poses.frame_size, self._options)

  def _clip(
    self,
    video: PoseVideo,
    video_id: str,
    keypoints: np.ndarray,
    scores: np.ndarray,
    frame_size: tuple[int, int],
  ) -> PoseClip:
    return PoseClip(
      video_id=video_id,
      keypoints=keypoints,
      scores=scores,
      frame_size=frame_size,
      skeleton=self._skeleton,
      labels=tuple(self._class_names.index(label) for label in video.labels),
      footage=video.footage,
    )


_Value = TypeVar('_Value')


def _known(video_id: str, clips: Mapping[str, _Value]) -> _Value:
  if video_id not in clips:
    raise PoseDataError(f'clip {video_id!r} is not in this source')
  return clips[video_id]


@contextlib.contextmanager
def naming(video_id: str) -> Iterator[None]:
  """Prefixes errors raised in the block with the clip's name."""
  try:
    yield
  except PoseDataError as error:
    raise PoseDataError(f'clip {video_id!r}: {error}') from error
  except OSError as error:
    raise PoseDataError(f'clip {video_id!r} cannot be read: {error}') from error


def _people_left_out(path: pathlib.Path, tracked: int, max_people: int) -> Note:
  return Note(
    'people_left_out',
    f'{path} shows {tracked} people over time; the {max_people} with the largest sum of'
    ' scores over frames get a clip each, #0 first (max_people)',
  )


def _check_inside(
  keypoints: np.ndarray,
  scores: np.ndarray,
  frame_size: tuple[int, int],
  options: ReadOptions,
):
  """Checks that the frame size fits: most joints must be inside the frames.

  Raises:
    PoseDataError: if more than half of the joints are outside.
  """
  positions = keypoints[scores > 0]
  outside = int(are_outside(positions, frame_size).sum())
  if outside <= len(positions) / 2:
    return
  other, remedy = exchanged(frame_size), 'correct the size'
  if is_far_better(int(are_outside(positions, other).sum()), outside):
    remedy = (
      f'nearly all are inside frames {in_words(other)}:'
      f' {how_to_exchange(frame_size, options.frame_size)}'
    )
  raise PoseDataError(
    f'{outside} of {len(positions)} joints are outside the frames, which are read as'
    f' {in_words(frame_size)}; {remedy}'
  )
