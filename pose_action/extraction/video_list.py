"""Lists the videos to extract, from a folder or a list file, with labels and splits."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Sequence

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError, shortened
from input_pipeline.readers.videos.tree import videos_in_tree
from input_pipeline.text_tables import Row, read_table
from pose_action.extraction.videos import is_image, is_video, natural_key
from pose_action.host.user_paths import user_path

PathLike = str | os.PathLike[str]

UNKNOWN = 'unknown'  # The class of videos without labels.
ALL = 'all'  # The split of videos without splits.
_LIST_SUFFIXES = ('.txt', '.csv')
_LONGEST = 200  # Characters of names in a message.


@dataclasses.dataclass(frozen=True)
class Video:
  """One video to extract.

  Attributes:
    path: a video file, or a folder of frames.
    video_id: unique in the list.
    label: name of its class.
    splits: the splits that contain it.
  """

  path: pathlib.Path
  video_id: str
  label: str = UNKNOWN
  splits: tuple[str, ...] = (ALL,)


def list_videos(path: PathLike) -> tuple[Video, ...]:
  """The videos at a path, in natural order (clip2 before clip10).

  The path is one of
  - a video file, or a folder of frames: one video;
  - a folder that holds video files and folders of frames: ROOT/video;
  - a folder with such a folder per class: ROOT/class/video;
  - a list: *.txt with lines `path[ label]`, or *.csv with columns path, label, split, of
    which the last two are optional. A video may be listed once per split. Relative paths
    start at the list's folder. The list's order is kept.

  Videos are named after their files, without suffix, and with as much of the path as
  makes names unique.

  Raises:
    PoseDataError: if there is no video, or a video's class is not clear.
  """
  path = user_path(path).absolute()
  if not path.exists():
    raise PoseDataError(f'{path} does not exist; give a folder, a video or a list')
  if path.is_file() and path.suffix.lower() in _LIST_SUFFIXES:
    return _from_list(path)
  if path.is_file() or _is_frame_folder(path):
    return (Video(path, path.stem if path.is_file() else path.name),)
  return _from_folder(path)


def class_names(videos: Sequence[Video]) -> tuple[str, ...]:
  """Every label once, in natural order (2 before 10)."""
  return tuple(sorted({video.label for video in videos}, key=natural_key))


def videos_by_split(videos: Sequence[Video]) -> dict[str, list[Video]]:
  """The videos of each split; splits are in the order of their first video."""
  splits: dict[str, list[Video]] = {}
  for video in videos:
    for split in video.splits:
      splits.setdefault(split, []).append(video)
  return splits


def _from_folder(root: pathlib.Path) -> tuple[Video, ...]:
  labels = videos_in_tree(
    root,
    lambda path: is_video(path) or _is_frame_folder(path),
    remedy="give a list that says each video's class",
    sort_key=natural_key,
  )
  if not labels:
    raise PoseDataError(f'there is no video and no folder of frames in {root}')
  names = _video_ids(list(labels))
  return tuple(
    Video(path, names[path], labels[path] or UNKNOWN)
    for path in sorted(labels, key=lambda path: natural_key(names[path]))
  )


def _is_frame_folder(path: pathlib.Path) -> bool:
  """Whether a folder has images but no videos, whose images could be previews."""
  if not path.is_dir():
    return False
  files = list(path.iterdir())
  return any(map(is_image, files)) and not any(map(is_video, files))


def _from_list(path: pathlib.Path) -> tuple[Video, ...]:
  rows = _csv_rows(path) if path.suffix.lower() == '.csv' else _text_rows(path)
  labels: dict[pathlib.Path, str | None] = {}
  splits: dict[pathlib.Path, dict[str, None]] = {}
  for number, (name, label, split) in rows:
    video = path.parent / user_path(name)
    if labels.setdefault(video, label) != label:
      raise PoseDataError(
        f'{path}, line {number}: {_short(name)} has label {_short(label)!r}, but'
        f' {_short(labels[video])!r}'
        ' on an earlier line; a video has one label'
      )
    splits_of_video = splits.setdefault(video, {})
    if split in splits_of_video:
      raise PoseDataError(
        f'{path}, line {number}: {_short(name)} is listed twice in split'
        f' {_short(split)!r}'
      )
    splits_of_video[split] = None
  if not labels:
    raise PoseDataError(f'{path} lists no videos')
  if None in labels.values() and any(labels.values()):
    without = next(video for video, label in labels.items() if label is None)
    raise PoseDataError(
      f'{path}: {_short(str(without))} has no label, but other videos have one; label all or none'
    )
  names = _video_ids(list(labels))
  return tuple(
    Video(video, names[video], label or UNKNOWN, tuple(splits[video]))
    for video, label in labels.items()
  )


_Row = tuple[int, tuple[str, str | None, str]]


def _text_rows(path: pathlib.Path) -> Iterable[_Row]:
  """Line number and (path, label, split) of each line `path[ label]`."""
  for number, line in enumerate(text_files.read_text(path).splitlines(), start=1):
    line = line.strip()
    if not line or line.startswith('#'):
      continue
    name, *label = line.rsplit(maxsplit=1)
    if not label or os.path.exists(path.parent / line):  # A path may contain spaces.
      yield number, (line, None, ALL)
    else:
      yield number, (name, label[0], ALL)


def _csv_rows(path: pathlib.Path) -> Iterable[_Row]:
  """Line number and (path, label, split) of each row."""
  table = read_table(path, ('path',))
  if set(table.columns) - {'path', 'label', 'split'}:
    raise PoseDataError(
      f'{path} has the columns {shortened(", ".join(table.columns), _LONGEST)} in its'
      ' first line, but must have path, and may have label and split'
    )
  for row in table.too_long:
    raise PoseDataError(
      f'{path}, line {row.line} has more values than columns; put text with a comma in'
      ' double quotes'
    )
  for row in table.rows:

    def field(column: str, row: Row = row) -> str | None:
      return table.field(row, column) if column in table.columns else None

    if not field('path'):
      raise PoseDataError(f'{path}, line {row.line} names no video in the column path')
    yield row.line, (field('path') or '', field('label') or None, field('split') or ALL)


def _short(text: str | None) -> str | None:
  return text and shortened(text, _LONGEST)


def _video_ids(paths: Sequence[pathlib.Path]) -> dict[pathlib.Path, str]:
  """A name per video, with as much of the path as makes names unique."""
  root = pathlib.Path(os.path.commonpath([path.parent for path in paths]))
  whole = {path: path.relative_to(root) for path in paths}

  def bare(path: pathlib.Path) -> str:
    return path.stem if is_video(path) else path.name

  for name in (
    bare,
    lambda path: (whole[path].parent / bare(path)).as_posix(),
    lambda path: whole[path].as_posix(),
  ):
    names = {path: name(path) for path in paths}
    if len(set(names.values())) == len(paths):
      break
  return names
