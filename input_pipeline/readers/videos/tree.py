"""Finds the videos at a path: a list, a folder of videos or classes, or one video."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import stem_of
from input_pipeline.readers.videos.table import (
  ALL,
  TABLE,
  DescribedParts,
  PoseVideo,
  VideoPart,
  read_table,
)

IsVideo = Callable[[pathlib.Path], bool]
# Names the videos at a path that holds several: a mapping if they were told apart by the
# names of their frames (see `frame_order.Videos`) or are described, else a sequence. A
# video called '' is named after the path.
Parts = Callable[[pathlib.Path], Mapping[str, Any] | Sequence[str]]


def find_videos(
  path: pathlib.Path,
  is_video: IsVideo,
  parts: Parts | None = None,
) -> tuple[PoseVideo, ...]:
  """Finds the videos at a path, which is one of

  - a folder with `videos.csv` (see `table.read_table`), or that file;
  - a folder of videos, or of classes (ROOT/CLASS/VIDEO), see `videos_in_tree`;
  - a video, or a folder or file with the frames of several.

  A folder in ROOT that holds the frames of several videos side by side is a class, as it
  is with a folder for each of them.

  Without `videos.csv`, videos are in split 'all' and are named after their files,
  without suffix, and with as much of the path as makes names unique. Videos outside a
  class folder have no label.

  Args:
    is_video: whether a path, file or folder, is a video, or a file with several videos.
    parts: names the videos at a path with several. Classes that it states count more
      than a folder's name. If it fails, the path counts as one
      video, whose loading raises the reason.

  Raises:
    PoseDataError: if there is no video, or a video's class is not clear.
  """
  if path.name == TABLE or (path / TABLE).is_file():
    return read_table(path if path.is_file() else path / TABLE)
  if is_video(path):
    labels = {path: ''}
  else:
    labels = videos_in_tree(path, is_video, remedy=f'list the videos in {TABLE}')
  if not labels:
    raise PoseDataError(
      f'there is no video of this format in {path}: neither directly, nor as'
      f' CLASS/VIDEO, nor in a list {TABLE}'
    )
  found = {file: parts_of(file, parts) for file in labels}
  if path not in labels:
    labels |= _classes_of_frames(path, labels, found)
  places = [(file, part) for file in labels for part in found[file]]
  described = [_description(found[file], part) for file, part in places]
  names = _video_ids(places)
  return tuple(
    PoseVideo(
      video_id=name,
      path=file,
      part=part,
      splits=stated.splits or (ALL,),
      labels=stated.labels or ((labels[file],) if labels[file] else ()),
    )
    for name, (file, part), stated in zip(names, places, described, strict=True)
  )


def _description(parts: Mapping[str, Any] | Sequence[str], part: str) -> VideoPart:
  return parts[part] if isinstance(parts, DescribedParts) else VideoPart()


def _classes_of_frames(
  root: pathlib.Path,
  labels: Mapping[pathlib.Path, str],
  found: Mapping[pathlib.Path, Mapping[str, Any] | Sequence[str]],
) -> dict[pathlib.Path, str]:
  """The classes of folders in `root` that hold the frames of several videos.

  Raises:
    PoseDataError: if other videos are in `root`, too.
  """
  classes = {
    folder: folder.name
    for folder, parts in found.items()
    if not labels[folder]
    and folder.is_dir()
    and len(parts) > 1
    and _hold(folder, parts)
  }
  others = [file for file in labels if file not in classes]
  if classes and others:
    folder = next(iter(classes))
    raise PoseDataError(
      f'{root} holds a video ({others[0].name}) and a folder with the frames of several'
      f' ({folder.name}: {", ".join(list(found[folder])[:3])}), so their classes are not'
      f' clear; give each video its own folder, or list the videos in {TABLE}'
    )
  return classes


def _hold(folder: pathlib.Path, parts: Mapping[str, Any] | Sequence[str]) -> bool:
  """Whether the frames of these videos are files in the folder."""
  if not isinstance(parts, dict):
    return False
  first = next(iter(parts.values()))
  return isinstance(first, dict) and (folder / next(iter(first.values()))).is_file()


def parts_of(
  path: pathlib.Path, parts: Parts | None
) -> Mapping[str, Any] | Sequence[str]:
  """Names of the videos at a path; one '' if there is only one, or none can be read."""
  try:
    return (parts(path) if parts else ()) or ('',)
  except (PoseDataError, OSError):  # Loading the video raises it again.
    return ('',)


def videos_in_tree(
  root: pathlib.Path,
  is_video: IsVideo,
  *,
  remedy: str,
  sort_key: Callable[[str], Any] = str,
) -> dict[pathlib.Path, str]:
  """Walks a folder of videos, ROOT/VIDEO, or of classes of videos, ROOT/CLASS/VIDEO.

  `is_video` is asked about every entry first, and a video is never looked into, so a
  video may itself be a folder. Hidden entries (`.name`), other files, and folders
  without any video are skipped.

  Args:
    root: the folder. Pass no video: `is_video(root)` is not asked.
    is_video: whether a path, file or folder, is a video.
    remedy: what else a user can do to say which class each video belongs to, for
      messages: '..., or {remedy}'.
    sort_key: makes the key by which a folder's entries are sorted from their names; by
      default they are sorted as text.

  Returns:
    The class of each video, '' if the videos are directly in ROOT; in the order of the
    walk. Empty if there is no video, or `root` is not a folder.

  Raises:
    PoseDataError: if a video is deeper than ROOT/CLASS/VIDEO, or ROOT holds both videos
      and folders of videos.
  """
  here, classes = _videos_in_folder(root, is_video, sort_key)
  labels = dict.fromkeys(here, '')
  for folder in classes:
    inside, deeper = _videos_in_folder(folder, is_video, sort_key)
    if deeper:
      raise PoseDataError(
        f'{deeper[0]} is nested too deeply: a folder may hold videos, or classes of'
        f' videos; give the folder that holds the classes, or {remedy}'
      )
    labels |= dict.fromkeys(inside, folder.name)
  if here and classes:
    raise PoseDataError(
      f'{root} holds videos ({here[0].name}) and folders of videos ({classes[0].name}),'
      ' so the class of the former is not clear; move them into a folder, or'
      f' {remedy}'
    )
  return labels


def _videos_in_folder(
  folder: pathlib.Path, is_video: IsVideo, sort_key: Callable[[str], Any]
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
  """Videos in a folder, and its other folders that contain a video at any depth."""
  videos, folders = [], []
  entries = folder.iterdir() if folder.is_dir() else ()
  for entry in sorted(entries, key=lambda entry: sort_key(entry.name)):
    if entry.name.startswith('.'):
      continue
    if is_video(entry):
      videos.append(entry)
    elif entry.is_dir() and any(_videos_in_folder(entry, is_video, sort_key)):
      folders.append(entry)
  return videos, folders


def _video_ids(places: Sequence[tuple[pathlib.Path, str]]) -> list[str]:
  """Names with only as much of the path as makes them unique."""
  root = pathlib.Path(os.path.commonpath([file.parent for file, _ in places]))
  bare = [part or _name(file) for file, part in places]
  longer = [
    file.parent.relative_to(root) / _name(file) / (part if part != _name(file) else '')
    for file, part in places
  ]
  whole = [(file.relative_to(root) / part).as_posix() for file, part in places]
  for names in (bare, [name.as_posix() for name in longer]):
    if len(set(names)) == len(names):
      return names
  return whole


def _name(video: pathlib.Path) -> str:
  return video.name if video.is_dir() else stem_of(video)
