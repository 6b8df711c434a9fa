"""Which videos there are: out of a folder, or a list file, with labels and splits."""

from __future__ import annotations

import csv
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Sequence

from input_pipeline.errors import PoseDataError
from pose_action.extraction.videos import is_image, is_video, natural_key

PathLike = str | os.PathLike[str]

UNKNOWN = 'unknown'  # The class of videos without labels.
ALL = 'all'  # The split of videos without splits.
_LIST_SUFFIXES = ('.txt', '.csv')


@dataclasses.dataclass(frozen=True)
class Video:
  """One video to extract.

  Attributes:
    path: a video file, or a folder of frames.
    video_id: unique in the list.
    label: name of its class.
    splits: that it belongs to.
  """

  path: pathlib.Path
  video_id: str
  label: str = UNKNOWN
  splits: tuple[str, ...] = (ALL,)


def list_videos(path: PathLike) -> tuple[Video, ...]:
  """The videos at a path, sorted as people count (clip2 before clip10).

  The path is one of
  - a video file, or a folder of frames: one video;
  - a folder of videos and of folders of frames;
  - a folder of such folders, one a class: ROOT/class/video;
  - a list: *.txt with lines `path[ label]`, or *.csv with columns path, label, split, of
    which the last two may be missing. A video may come once for each of its splits.
    Relative paths start where the list lies.

  Videos are named by their files, without suffix; by more of the path where two would
  have the same name.

  Raises:
    PoseDataError: where there is no video, or it is not clear which class one is of.
  """
  path = pathlib.Path(path).expanduser().absolute()
  if not path.exists():
    raise PoseDataError(f'{path} does not exist; give a folder, a video or a list')
  if path.is_file() and path.suffix.lower() in _LIST_SUFFIXES:
    return _of_list(path)
  if path.is_file() or _is_frame_folder(path):
    return (Video(path, path.stem if path.is_file() else path.name),)
  return _of_folder(path)


def class_names(videos: Sequence[Video]) -> tuple[str, ...]:
  """Every label once, sorted as people count."""
  return tuple(sorted({video.label for video in videos}, key=natural_key))


def videos_by_split(videos: Sequence[Video]) -> dict[str, list[Video]]:
  """Splits in the order in which they first come."""
  splits: dict[str, list[Video]] = {}
  for video in videos:
    for split in video.splits:
      splits.setdefault(split, []).append(video)
  return splits


def _of_folder(root: pathlib.Path) -> tuple[Video, ...]:
  here, classes = _videos_in(root)
  labels = dict.fromkeys(here, UNKNOWN)
  for folder in classes:
    inside, deeper = _videos_in(folder)
    if deeper:
      raise PoseDataError(
        f'{deeper[0]} lies too deep: a folder has videos, or classes of videos. Give the'
        ' folder of the classes, or a list that says which class each video is of'
      )
    labels |= dict.fromkeys(inside, folder.name)
  if here and len(labels) > len(here):
    raise PoseDataError(
      f'{root} holds videos ({here[0].name}) and folders of videos'
      f' ({classes[0].name}), so it is not clear which class the former are of; move'
      ' them into a folder, or give a list'
    )
  if not labels:
    raise PoseDataError(f'there is no video and no folder of frames in {root}')
  names = _video_ids(list(labels))
  return tuple(
    Video(path, names[path], labels[path])
    for path in sorted(labels, key=lambda path: natural_key(names[path]))
  )


def _videos_in(
  folder: pathlib.Path,
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
  """Videos, and folders that are none but hold something that may be."""
  videos, folders = [], []
  for entry in sorted(folder.iterdir(), key=lambda entry: natural_key(entry.name)):
    if entry.name.startswith('.'):
      continue
    if is_video(entry) or _is_frame_folder(entry):
      videos.append(entry)
    elif entry.is_dir() and any(_videos_in(entry)):
      folders.append(entry)
  return videos, folders


def _is_frame_folder(path: pathlib.Path) -> bool:
  """Whether it has images; beside videos they are something else, such as previews."""
  if not path.is_dir():
    return False
  files = list(path.iterdir())
  return any(map(is_image, files)) and not any(map(is_video, files))


def _of_list(path: pathlib.Path) -> tuple[Video, ...]:
  rows = _csv_rows(path) if path.suffix.lower() == '.csv' else _text_rows(path)
  labels: dict[pathlib.Path, str | None] = {}
  splits: dict[pathlib.Path, dict[str, None]] = {}
  for number, (name, label, split) in rows:
    video = path.parent / pathlib.Path(name).expanduser()
    if labels.setdefault(video, label) != label:
      raise PoseDataError(
        f'{path}, line {number}: {name} has label {label!r}, but {labels[video]!r}'
        ' before; a video has one label'
      )
    of_video = splits.setdefault(video, {})
    if split in of_video:
      raise PoseDataError(f'{path}, line {number}: {name} comes twice in {split!r}')
    of_video[split] = None
  if not labels:
    raise PoseDataError(f'{path} lists no video')
  if None in labels.values() and any(labels.values()):
    without = next(video for video, label in labels.items() if label is None)
    raise PoseDataError(f'{path}: {without} has no label, but others have; label all')
  names = _video_ids(list(labels))
  return tuple(
    Video(video, names[video], label or UNKNOWN, tuple(splits[video]))
    for video, label in labels.items()
  )


_Row = tuple[int, tuple[str, str | None, str]]


def _text_rows(path: pathlib.Path) -> Iterable[_Row]:
  """Line number, and (path, label, split), of `path[ label]`."""
  for number, line in enumerate(path.read_text('utf-8').splitlines(), start=1):
    line = line.strip()
    if not line or line.startswith('#'):
      continue
    name, *label = line.rsplit(maxsplit=1)
    if not label or (path.parent / line).exists():  # A path may have spaces.
      yield number, (line, None, ALL)
    else:
      yield number, (name, label[0], ALL)


def _csv_rows(path: pathlib.Path) -> Iterable[_Row]:
  with path.open(encoding='utf-8', newline='') as file:
    table = csv.DictReader(file)
    columns = set(table.fieldnames or ())
    if 'path' not in columns or columns - {'path', 'label', 'split'}:
      raise PoseDataError(
        f'{path} has the columns {", ".join(table.fieldnames or ())}, but needs path,'
        ' and may have label and split, named in its first line'
      )
    for number, row in enumerate(table, start=2):
      yield number, (row['path'], row.get('label') or None, row.get('split') or ALL)


def _video_ids(paths: Sequence[pathlib.Path]) -> dict[pathlib.Path, str]:
  """As little of the path as tells all videos from each other."""
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
