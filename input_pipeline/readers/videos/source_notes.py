"""What is doubtful about how files and folders became videos and classes."""

from __future__ import annotations

import pathlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers import frame_order
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.table import TABLE, DescribedParts, PoseVideo
from input_pipeline.readers.videos.tree import Parts, parts_of

# Folders of annotation tools and of trained detectors; classes hardly have such names.
_NO_CLASSES = (
  *('train', 'training', 'val', 'valid', 'validation', 'test', 'testing', 'labels'),
  *('images', 'annotations', 'predictions', 'json', 'sep-json', 'keypoints'),
)
# So many numbered files with one frame each are frames (our choice).
_ENOUGH = 5

Read = Callable[[PoseVideo], PosesByFrame]


def source_notes(
  videos: Sequence[PoseVideo], parts: Parts | None, read: Read
) -> tuple[Note, ...]:
  """What is doubtful about the videos of a source.

  Args:
    read: reads a video's poses; asked for a few videos at most.
  """
  return (
    *split_notes(videos, parts),
    *_class_notes(videos),
    *_single_frame_notes(videos, read),
  )


def split_notes(videos: Sequence[PoseVideo], parts: Parts | None) -> tuple[Note, ...]:
  """How a path with several videos was split, for the first path that says so."""
  counts = Counter(video.path for video in videos)
  for path in (path for path, count in counts.items() if count > 1 and parts):
    found = parts_of(path, parts)
    if isinstance(found, DescribedParts):
      return found.notes
    if isinstance(found, dict):
      return frame_order.split_notes(found, str(path))
  return ()


def _class_notes(videos: Sequence[PoseVideo]) -> tuple[Note, ...]:
  """A note if folders that were taken as classes have the names of splits or kinds."""
  classes = {label for video in videos for label in video.labels}
  if not classes or not all(label.lower() in _NO_CLASSES for label in classes):
    return ()
  return (
    Note(
      'classes_are_no_classes',
      f'the folders {", ".join(map(repr, sorted(classes)))} are taken as the classes of'
      f' the videos in them; if they are splits or kinds of files, list the videos with'
      f' their classes and splits in {TABLE}',
    ),
  )


def _single_frame_notes(videos: Sequence[PoseVideo], read: Read) -> tuple[Note, ...]:
  """A note if the numbered files of a folder hold one frame each."""
  folders: dict[pathlib.Path, list[PoseVideo]] = {}
  for video in videos:
    folders.setdefault(video.path.parent, []).append(video)
  for folder, members in folders.items():
    if _are_numbered(members) and _have_one_frame(members[: 2 * _ENOUGH], read):
      return (
        Note(
          'files_of_one_frame',
          f'{folder} holds {len(members)} numbered files with one frame each, read as'
          f' {len(members)} clips; if they are the frames of one video, join them into'
          ' one file',
        ),
      )
  return ()


def _are_numbered(videos: Sequence[PoseVideo]) -> bool:
  """Whether each video is a file, and their names differ in one number only."""
  files = {video.path.name for video in videos if video.path.is_file()}
  if len(files) < max(_ENOUGH, len(videos)):
    return False
  try:
    return len(frame_order.videos_of(sorted(files), '')) == 1
  except PoseDataError:
    return False


def _have_one_frame(videos: Iterable[PoseVideo], read: Read) -> bool:
  """Whether the videos that can be read, at least five, have one frame each."""
  judged = 0
  for video in videos:
    try:
      frames = len(read(video).people)
    except (PoseDataError, OSError):  # Loading the clip raises it again.
      continue
    if frames > 1:
      return False
    judged += 1
  return judged >= _ENOUGH
