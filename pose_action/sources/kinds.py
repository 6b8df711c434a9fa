"""Tells what a user named: a camera, a data set on disk, videos, or pose files."""

from __future__ import annotations

import difflib
import os
import pathlib
from typing import Literal

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.registry import AUTO, resolved_format
from pose_action.extraction.videos import is_image, is_video
from pose_action.host.user_paths import user_path

Kind = Literal['camera', 'dataset', 'video', 'poses']
_INFO = 'dataset_info.json'  # In each folder of a data set in TFDS layout.


def kind_of(name: str, *, data_dir: str | None, format: str | None = None) -> Kind:
  """The kind of a source.

  An existing file or folder is taken before a data set or a camera of the same name.

  Args:
    name: a path, the name of a data set in `data_dir`, or a camera's number.
    data_dir: the folder for data sets.
    format: the pose format that the user states; with one, a path holds poses.

  Raises:
    PoseDataError: if there is nothing of this name.
  """
  if format not in (None, AUTO):
    resolved_format(format, name)  # Refuses an unknown one first.
  if '://' in name:
    return 'dataset'
  path = user_path(name)
  if not path.exists():
    if name.isdecimal():
      return 'camera'
    if data_dir and '/' not in name and holds_dataset(user_path(data_dir) / name):
      return 'dataset'
    raise PoseDataError(_nothing(name, data_dir))
  if holds_dataset(path):
    return 'dataset'
  if format in (None, AUTO) and _holds_videos(path):
    return 'video'
  return 'poses'


def holds_dataset(folder: pathlib.Path) -> bool:
  """Whether a folder holds exported data sets, perhaps some levels below."""
  if not folder.is_dir():
    return False
  levels = ('', '*/', '*/*/', '*/*/*/')
  return any(next(folder.glob(level + _INFO), None) for level in levels)


def dataset_names(data_dir: str) -> list[str]:
  """The names of the data sets in a folder."""
  root = user_path(data_dir)
  if not root.is_dir():
    return []
  return sorted(folder.name for folder in root.iterdir() if holds_dataset(folder))


def _holds_videos(path: pathlib.Path) -> bool:
  """Whether a path is a video or holds videos or frames, and no poses."""
  if path.is_file():
    return is_video(path) or is_image(path)
  if not any(is_video(file) or is_image(file) for file in _files(path)):
    return False
  try:
    resolved_format(AUTO, path)
  except PoseDataError:
    return True
  return False


def _files(folder: pathlib.Path):
  """Files in a folder and in the two levels below, as deep as videos are looked for."""
  for place, folders, files in os.walk(folder):
    if len(pathlib.Path(place).relative_to(folder).parts) >= 2:
      folders.clear()
    yield from (pathlib.Path(place, file) for file in files)


def _nothing(name: str, data_dir: str | None) -> str:
  names = dataset_names(data_dir) if data_dir else []
  nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
  hint = f' (did you mean {nearest[0]!r}?)' if nearest else ''
  place = f' and no data set of this name in {data_dir}' if data_dir else ''
  has = f', which has {", ".join(names) or "none"}{hint}' if place else ''
  return f'{name} does not exist: there is no such file or folder{place}{has}'
