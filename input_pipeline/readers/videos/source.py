"""The clips of a format that keeps the poses of a video in a file or a folder."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip, Segment
from input_pipeline.poses.sources import PoseSource
from input_pipeline.poses.tracking import Track, associate, find_tracks
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.table import PoseVideo
from input_pipeline.readers.videos.tree import find_videos
from input_pipeline.skeletons.registry import Skeleton

UNKNOWN = 'unknown'  # The class of data in which nothing is labelled.
# A person who is there in fewer frames makes no clip (if the video has as many); ours.
MIN_PERSON_FRAMES = 8


@dataclasses.dataclass(frozen=True)
class VideoFormat:
  """How a format keeps the poses of a video.

  Attributes:
    is_video: whether a path is a video, or a file of several.
    read_video: (path, skeleton) to the poses; (path, skeleton, part) with `parts`.
    parts: names of the videos in a file that holds several.
  """

  is_video: Callable[[pathlib.Path], bool]
  read_video: Callable[..., PosesByFrame]
  parts: Callable[[pathlib.Path], Sequence[str]] | None = None


def read(
  format: VideoFormat, path: pathlib.Path, skeleton: Skeleton, options: ReadOptions
) -> PoseSource:
  """The clips at a path (see `pose_tree.find_videos`), a clip a video or a person.

  What is wrong with a video is raised on loading its clip. With `per_person` all
  videos are read at once, to know who is in them; a person who is there too shortly is
  among the clips, and loading it says so.

  Raises:
    PoseDataError: where no videos are found, or the list of them is wrong.
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
  )


def class_names(videos: Sequence[PoseVideo]) -> tuple[str, ...]:
  """Every label once, sorted; 'unknown' where there is none."""
  return tuple(sorted({label for video in videos for label in video.labels})) or (
    UNKNOWN,
  )


def splits(
  videos: Sequence[PoseVideo], video_ids: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
  """Clips by split, in the order in which splits first come.

  Args:
    video_ids: those of each video's clips.
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


def frame_size_of(
  video: PoseVideo, in_file: tuple[int, int] | None, options: ReadOptions
) -> tuple[int, int]:
  """(height, width) in pixels, as the file, the list or else the options have it.

  Raises:
    PoseDataError: where nothing says it, or file and list differ.
  """
  if in_file and video.frame_size and in_file != video.frame_size:
    raise PoseDataError(
      f'its frames are {in_file} by {video.path}, but {video.frame_size} by the list of'
      ' videos, (height, width); correct the list'
    )
  size = in_file or video.frame_size or options.frame_size
  if size is None:
    raise PoseDataError(
      f'{video.path} does not say how large the frames are; give'
      ' --frame_size=HEIGHTxWIDTH (ReadOptions(frame_size=(height, width))), or columns'
      ' height and width in videos.csv'
    )
  return size


class _Clips:
  """The videos of a source, loaded by name."""

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

  def load(self, video_id: str) -> PoseClip:
    """Everyone in a video."""
    video = _known(video_id, self._videos)
    with naming(video_id):
      poses, frame_size = self._read(video)
      keypoints, scores = associate(
        poses.frames(frame_size),
        max_people=self._options.max_people,
        identities=poses.names(),
      )
      _check_inside(keypoints, scores, frame_size)
      segments = tuple(
        Segment(self._class_names.index(label), start, end)
        for label, start, end in video.segments
      )
    return self._clip(video, video_id, keypoints, scores, frame_size, segments)

  def person_ids(self, video: PoseVideo) -> tuple[str, ...]:
    """Names a clip for each person of a video; a single one where that fails."""
    try:
      count = min(len(self._tracks(video)[0]), self._options.max_people)
    except (PoseDataError, OSError):  # `load_person` raises it again.
      count = 0
    video_ids = tuple(f'{video.video_id}#{n}' for n in range(max(1, count)))
    self._persons |= {video_id: (video, n) for n, video_id in enumerate(video_ids)}
    return video_ids

  def load_person(self, video_id: str) -> PoseClip:
    """One person of a video, from the first to the last frame that shows them.

    It has no segments, which count from the video's beginning.
    """
    video, rank = _known(video_id, self._persons)
    with naming(video_id):
      tracks, num_frames, frame_size = self._tracks(video)
      if not tracks:
        raise PoseDataError(f'{video.path} shows no one in any frame')
      frames, poses = tracks[rank].frames, tracks[rank].poses
      enough = min(MIN_PERSON_FRAMES, num_frames)
      if len(frames) < enough:
        raise PoseDataError(
          f'this person is there in {len(frames)} frames, but a clip of one person needs'
          f' {enough}'
        )
      length = frames[-1] + 1 - frames[0]
      person = np.zeros((length, 1, self._skeleton.num_joints, 3), np.float32)
      person[np.array(frames) - frames[0], 0] = poses
      _check_inside(person[..., :2], person[..., 2], frame_size)
    return self._clip(video, video_id, person[..., :2], person[..., 2], frame_size)

  def _tracks(self, video: PoseVideo) -> tuple[list[Track], int, tuple[int, int]]:
    """The people of a video, the number of its frames, and their size."""
    poses, frame_size = self._read(video)
    frames = poses.frames(frame_size)
    tracks = find_tracks(
      frames, max_people=self._options.max_people, identities=poses.names()
    )
    return tracks, len(frames), frame_size

  def _read(self, video: PoseVideo) -> tuple[PosesByFrame, tuple[int, int]]:
    if not video.path.exists():
      raise PoseDataError(f'{video.path} does not exist')
    part = (video.part,) if self._format.parts else ()
    poses = self._format.read_video(video.path, self._skeleton, *part)
    return poses, frame_size_of(video, poses.frame_size, self._options)

  def _clip(
    self,
    video: PoseVideo,
    video_id: str,
    keypoints: np.ndarray,
    scores: np.ndarray,
    frame_size: tuple[int, int],
    segments: tuple[Segment, ...] = (),
  ) -> PoseClip:
    return PoseClip(
      video_id=video_id,
      keypoints=keypoints,
      scores=scores,
      frame_size=frame_size,
      skeleton=self._skeleton,
      labels=tuple(self._class_names.index(label) for label in video.labels),
      segments=segments,
    )


_Value = TypeVar('_Value')


def _known(video_id: str, clips: Mapping[str, _Value]) -> _Value:
  if video_id not in clips:
    raise PoseDataError(f'clip {video_id!r} is not in this source')
  return clips[video_id]


@contextlib.contextmanager
def naming(video_id: str) -> Iterator[None]:
  """Puts the clip's name before what is raised about it."""
  try:
    yield
  except PoseDataError as error:
    raise PoseDataError(f'clip {video_id!r}: {error}') from error
  except OSError as error:
    raise PoseDataError(f'clip {video_id!r} cannot be read: {error}') from error


def _check_inside(
  keypoints: np.ndarray, scores: np.ndarray, frame_size: tuple[int, int]
):
  """That the frame size is theirs: most joints of a video lie in its frames.

  Raises:
    PoseDataError: where half of the joints do not.
  """
  positions = keypoints[scores > 0]
  inside = (positions >= 0) & (positions < np.array(frame_size[::-1]))
  outside = len(positions) - int(inside.all(axis=1).sum())
  if outside > len(positions) / 2:
    raise PoseDataError(
      f'{outside} of {len(positions)} joints lie outside of its frames, which are said to'
      f' be {frame_size[0]} pixels high and {frame_size[1]} wide; correct the size'
    )
