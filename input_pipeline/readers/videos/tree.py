"""Where the videos of a user's own data lie: a list, a folder of classes, or just one."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.videos.table import TABLE, PoseVideo, read_table


def find_videos(
  path: pathlib.Path,
  is_video: Callable[[pathlib.Path], bool],
  parts: Callable[[pathlib.Path], Sequence[str]] | None = None,
) -> tuple[PoseVideo, ...]:
  """The videos at a path, which is one of

  - a folder with `videos.csv` (see `video_table`), or that file;
  - a folder of videos, or of classes that are folders of videos: ROOT/CLASS/VIDEO;
  - a video.

  Without the list they are of split 'all', and named by their files without suffix; by
  more of the path where two would have the same name. Videos that lie in no class have
  no label.

  Args:
    is_video: whether a path is what a video (or a file of several) is kept as.
    parts: names of the videos in a file that holds several.

  Raises:
    PoseDataError: where there is no video, or it is not clear which class one is of.
  """
  if path.name == TABLE or (path / TABLE).is_file():
    return read_table(path if path.is_file() else path / TABLE)
  labels = {path: ''} if is_video(path) else _labels_by_path(path, is_video)
  places = [
    (file, part) for file in labels for part in (parts(file) if parts else ('',))
  ]
  names = _video_ids(places)
  return tuple(
    PoseVideo(
      video_id=name,
      path=file,
      part=part,
      labels=(labels[file],) if labels[file] else (),
    )
    for name, (file, part) in zip(names, places, strict=True)
  )


def _labels_by_path(
  root: pathlib.Path, is_video: Callable[[pathlib.Path], bool]
) -> dict[pathlib.Path, str]:
  """The class of each video of a folder; '' where it lies in none."""
  here, classes = _videos_in(root, is_video)
  labels = dict.fromkeys(here, '')
  for folder in classes:
    inside, deeper = _videos_in(folder, is_video)
    if deeper:
      raise PoseDataError(
        f'{deeper[0]} lies too deep: a folder has videos, or classes of videos. Give the'
        f' folder of the classes, or list the videos in {TABLE}'
      )
    labels |= dict.fromkeys(inside, folder.name)
  if here and len(labels) > len(here):
    raise PoseDataError(
      f'{root} holds videos ({here[0].name}) and folders of videos ({classes[0].name}),'
      f' so it is not clear which class the former are of; move them into a folder, or'
      f' list the videos in {TABLE}'
    )
  if not labels:
    raise PoseDataError(
      f'there is no video of this format in {root}: neither there, nor in CLASS/VIDEO,'
      f' nor a list {TABLE}'
    )
  return labels


def _videos_in(
  folder: pathlib.Path, is_video: Callable[[pathlib.Path], bool]
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
  """Videos, and folders that are none but hold something that is."""
  videos, folders = [], []
  for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
    if entry.name.startswith('.'):
      continue
    if is_video(entry):
      videos.append(entry)
    elif entry.is_dir() and any(_videos_in(entry, is_video)):
      folders.append(entry)
  return videos, folders


def _video_ids(places: Sequence[tuple[pathlib.Path, str]]) -> list[str]:
  """As little of the path as tells all videos from each other."""
  root = pathlib.Path(os.path.commonpath([file.parent for file, _ in places]))
  bare = [part or (file.name if file.is_dir() else file.stem) for file, part in places]
  longer = [
    (file.parent.relative_to(root) / (file.name if file.is_dir() else file.stem) / part)
    for file, part in places
  ]
  whole = [(file.relative_to(root) / part).as_posix() for file, part in places]
  for names in (bare, [name.as_posix() for name in longer]):
    if len(set(names)) == len(names):
      return names
  return whole
