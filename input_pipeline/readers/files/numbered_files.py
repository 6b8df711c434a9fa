"""Files in a folder, keyed by the frame number in their names, see `frame_order`."""

from __future__ import annotations

import functools
import pathlib
import re
import time
from collections.abc import Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import stem_of, suffix_of
from input_pipeline.readers.frame_order import Videos, one_video, videos_of

_CLOCK_STEP = 2_000_000_000  # Nanoseconds; no file system's clock is coarser.


def has_numbered_files(path: pathlib.Path, suffixes: Sequence[str]) -> bool:
  """Whether `path` is a folder with files of these suffixes that have a number."""
  return path.is_dir() and any(
    re.search('[0-9]', stem_of(file)) for file in _files(path, suffixes)
  )


def numbered_files(
  folder: pathlib.Path, suffixes: Sequence[str], video: str = ''
) -> dict[int, pathlib.Path]:
  """Files with these suffixes by frame number, ascending.

  Args:
    video: the video's name if the folder holds several, see `videos_of_files`; ignored
      otherwise.

  Raises:
    PoseDataError: if there is no such file or video, or the names show no frame order.
  """
  frames = one_video(videos_of_files(folder, suffixes), video, str(folder))
  return {number: folder / name for number, name in frames.items()}


def videos_of_files(folder: pathlib.Path, suffixes: Sequence[str]) -> Videos:
  """Names of the files with these suffixes, by video and frame number.

  Raises:
    PoseDataError: if there is no such file, or the names show no frame order.
  """
  if not folder.is_dir():
    raise PoseDataError(
      f'{folder} is not a folder, but in this format a video is a folder of files'
    )
  changed = folder.stat().st_mtime_ns
  # Its time does not tell two quick changes apart.
  settled = time.time_ns() - changed > _CLOCK_STEP
  listed = _listed if settled else _listed.__wrapped__
  return listed(folder, tuple(suffixes), changed)


@functools.lru_cache(maxsize=4)  # Each video in a folder asks again.
def _listed(folder: pathlib.Path, suffixes: tuple[str, ...], changed: int) -> Videos:
  del changed  # It is part of the cache's key.
  files = _files(folder, suffixes)
  if not files:
    raise PoseDataError(f'{folder} holds no {" or ".join(suffixes)} files')
  return videos_of([file.name for file in files], str(folder))


def _files(folder: pathlib.Path, suffixes: Sequence[str]) -> list[pathlib.Path]:
  return sorted(
    file
    for file in folder.iterdir()
    if suffix_of(file) in suffixes and not file.name.startswith('.')
  )
