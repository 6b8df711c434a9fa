"""Keeps the content of the last file that a reader read, for its other videos."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import TypeVar

from input_pipeline.errors import PoseDataError

_Content = TypeVar('_Content')


def read_once(
  read: Callable[[pathlib.Path], _Content],
) -> Callable[[pathlib.Path], _Content]:
  """Makes a function read a file again only if another was read, or the file changed.

  Several videos in one file are read one after the other, so the last content suffices.
  A change shows in the file's time and size.

  Returns:
    The function. It raises PoseDataError if the file cannot be read.
  """

  @functools.lru_cache(maxsize=1)
  def read_version(path: pathlib.Path, *version: int) -> _Content:
    del version  # It is part of the cache's key.
    return read(path)

  @functools.wraps(read)
  def read_if_new(path: pathlib.Path) -> _Content:
    try:
      status = path.stat()
    except OSError as error:
      raise PoseDataError(f'{path} cannot be read: {error}') from error
    return read_version(path, status.st_mtime_ns, status.st_size)

  return read_if_new
