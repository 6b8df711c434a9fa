"""Fingerprints of the files that a data set was made from."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

from pose_action.host.progress import Progress

_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class SourceFiles:
  """The files of a source, found but not read.

  Two sets of files have one `stamp` if they have the same names (within their folders),
  sizes and times of change, and one `digest` if they have the same names and content. So
  both stay the same when a folder is moved, and the digest also when files are copied or
  touched.

  Attributes:
    paths: the given files and folders.
    files: (name within its path, file) of each file, sorted.
    num_bytes: bytes of all files.
    stamp: SHA-256 of names, sizes and times of change; needs no reading.
  """

  paths: tuple[str, ...]
  files: tuple[tuple[str, str], ...]
  num_bytes: int
  stamp: str

  def digest(self, progress: Callable[[str], object] = lambda line: None) -> str:
    """SHA-256 of names and content; reads every file."""
    digest = hashlib.sha256()
    pace = Progress(len(self.files), 'files', progress)
    for name, path in self.files:
      content = _content_digest(path)
      digest.update(
        f'{len(name)} {name} {content}\n'.encode('utf-8', 'surrogateescape')
      )
      pace.add(label='checking poses')
    pace.close()
    return digest.hexdigest()

  def __str__(self) -> str:
    count = '1 file' if len(self.files) == 1 else f'{len(self.files)} files'
    return f'{", ".join(self.paths)} ({count}, {self.num_bytes} bytes)'


def find_files(
  paths: Sequence[str | os.PathLike[str]],
  *,
  without: str | os.PathLike[str] | None = None,
) -> SourceFiles:
  """Finds all files at the paths, without hidden ones.

  Args:
    without: a folder to skip, such as the folder for data sets.
  """
  skipped = None if without is None else os.path.realpath(without)
  found, num_bytes = [], 0
  stamp = hashlib.sha256()
  for path in paths:
    for name, file in sorted(_walk(pathlib.Path(path), skipped)):
      try:
        status = os.stat(file)
        size, changed = status.st_size, status.st_mtime_ns
      except (
        OSError
      ):  # Such as a broken link; the reader reports it if it needs the file.
        size = changed = 0
      stamp.update(f'{name} {size} {changed}\n'.encode('utf-8', 'surrogateescape'))
      found.append((name, file))
      num_bytes += size
  texts = tuple(os.fspath(path) for path in paths)
  return SourceFiles(texts, tuple(found), num_bytes, stamp.hexdigest())


def _walk(path: pathlib.Path, skipped: str | None) -> Iterator[tuple[str, str]]:
  if not path.is_dir():
    yield path.name, os.fspath(path)
    return
  seen: set[str] = set()  # A link may lead back to a folder above.
  for folder, folders, files in os.walk(path, followlinks=True):
    real = os.path.realpath(folder)
    if real in seen or real == skipped:
      folders.clear()
      continue
    seen.add(real)
    folders[:] = sorted(name for name in folders if not name.startswith('.'))
    for name in files:
      if not name.startswith('.'):
        file = os.path.join(folder, name)
        yield os.path.relpath(file, path).replace(os.sep, '/'), file


def _content_digest(path: str) -> str:
  digest = hashlib.sha256()
  try:
    with open(path, 'rb') as file:
      while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
  except OSError as error:
    return f'unreadable: {error.errno}'
  return digest.hexdigest()
