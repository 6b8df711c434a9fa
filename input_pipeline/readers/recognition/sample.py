"""One file out of a folder of poses, by which the format is recognised."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import JSON, suffix_of
from input_pipeline.readers.files.keypoint_json import read_json
from input_pipeline.readers.videos.table import TABLE, read_table
from input_pipeline.text_files import read_text

VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv')
IMAGES = ('.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.png')
# Kinds of files that hold poses, the more telling first: beside arrays there are JSON
# descriptions, and beside anything there are notes in text files.
_KINDS = (
  ('.npy', '.npz'),
  ('.slp', '.h5', '.hdf5', '.nc'),
  ('.pkl', '.pickle'),
  ('.mat',),
  JSON,
  ('.csv', '.tsv', '.tab'),
  ('.txt',),
)
# A folder is searched this deep and no further than this many files (our choice).
_DEPTH = 3
_TRIES = 3
_MOST_FILES = 2000


@dataclasses.dataclass(frozen=True)
class Sample:
  """A path and one of its files.

  Attributes:
    root: the path that the user gave, or the first that its videos.csv lists.
    file: a file there that may hold poses; `root` itself if it is a file.
    others: names of files around it, up to a limit.
  """

  root: pathlib.Path
  file: pathlib.Path
  others: tuple[pathlib.Path, ...]

  @property
  def suffix(self) -> str:
    return suffix_of(self.file)

  def json(self) -> Any:
    """The content of the file; None if it is not JSON."""
    if self.suffix not in JSON:
      return None
    try:
      return read_json(self.file)
    except PoseDataError:
      return None

  def lines(self) -> list[str]:
    """The first lines of the file; none if it is not text."""
    try:
      return [line for line in read_text(self.file).splitlines() if line.strip()][:5]
    except PoseDataError:
      return []


def samples(path: pathlib.Path) -> Iterator[Sample]:
  """Yields one file of each kind at a path, the most telling first.

  Raises:
    PoseDataError: if the path holds no file, or its videos.csv is invalid.
  """
  root = path
  if path.name == TABLE or (path / TABLE).is_file():
    table = path if path.is_file() else path / TABLE
    root = read_table(table)[0].path
  if root.is_file():
    yield Sample(root, root, (root,))
    return
  if not root.exists():
    raise PoseDataError(f'{root} does not exist')
  files = tuple(_files(root, _DEPTH))[:_MOST_FILES]
  if not files:
    raise PoseDataError(f'{root} holds no file')
  for kind in _KINDS:
    fitting = [file for file in files if suffix_of(file) in kind]
    full = itertools.islice(filter(_says_something, fitting), _TRIES)
    for file in list(full) or fitting[:1]:
      yield Sample(root, file, files)
  if not any(suffix_of(file) in kind for file in files for kind in _KINDS):
    yield Sample(root, files[0], files)


def _says_something(file: pathlib.Path) -> bool:
  """Whether a file is longer than '[]', which a frame without people often has."""
  return file.stat().st_size > len('[]\r\n')


def _files(folder: pathlib.Path, depth: int) -> Iterator[pathlib.Path]:
  """Files in a folder, then those in its folders, without hidden ones."""
  try:
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
  except OSError:
    return
  shown = [entry for entry in entries if not entry.name.startswith('.')]
  yield from (pathlib.Path(entry.path) for entry in shown if entry.is_file())
  if depth > 0:
    for entry in shown:
      if entry.is_dir():
        yield from _files(pathlib.Path(entry.path), depth - 1)
