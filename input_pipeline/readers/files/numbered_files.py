"""Files in a folder, keyed by the frame number in their names."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import stem_of, suffix_of


def frame_number(name: str) -> int | None:
  """The last number in a name without suffix: 12 for 'cam02_000000000012_keypoints'."""
  numbers = re.findall(r'\d+', name)
  return int(numbers[-1]) if numbers else None


def has_numbered_files(path: pathlib.Path, suffixes: Sequence[str]) -> bool:
  """Whether `path` is a folder with numbered files of these suffixes."""
  return path.is_dir() and any(
    frame_number(stem_of(file)) is not None for file in _files(path, suffixes)
  )


def numbered_files(
  folder: pathlib.Path, suffixes: Sequence[str]
) -> dict[int, pathlib.Path]:
  """Files with these suffixes by the last number in their names, ascending.

  Raises:
    PoseDataError: if there is no such file, one has no number, or two have the same.
  """
  if not folder.is_dir():
    raise PoseDataError(
      f'{folder} is not a folder, but in this format a video is a folder of files'
    )
  files: dict[int, pathlib.Path] = {}
  for file in _files(folder, suffixes):
    number = frame_number(stem_of(file))
    if number is None:
      raise PoseDataError(
        f'{file} has no number in its name, but needs its frame number there'
      )
    if number in files:
      raise PoseDataError(
        f'{folder} has two files for frame {number}, {files[number].name} and'
        f' {file.name}; give each video its own folder'
      )
    files[number] = file
  if not files:
    raise PoseDataError(f'{folder} holds no {" or ".join(suffixes)} files')
  return dict(sorted(files.items()))


def _files(folder: pathlib.Path, suffixes: Sequence[str]) -> list[pathlib.Path]:
  return sorted(
    file
    for file in folder.iterdir()
    if suffix_of(file) in suffixes and not file.name.startswith('.')
  )
