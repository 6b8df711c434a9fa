"""Paths as users type them: with `~`, and several in one text."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Sequence


def user_path(path: str | os.PathLike[str]) -> pathlib.Path:
  """Makes a path, with `~` and `~USER` replaced by the home folder.

  Raises:
    FileNotFoundError: if there is no such user.
  """
  if not os.fspath(path).startswith('~'):  # Path('./~') would forget its dot.
    return pathlib.Path(path)
  try:
    return pathlib.Path(path).expanduser()
  except RuntimeError as error:
    raise FileNotFoundError(
      f'{os.fspath(path)}: {pathlib.Path(path).parts[0]} is no home folder on this'
      ' machine; for a file whose name begins with ~, write ./~NAME'
    ) from error


def user_paths(text: str | os.PathLike[str]) -> tuple[pathlib.Path, ...]:
  """Makes one or several paths, separated by commas; an existing path is taken whole.

  Raises:
    FileNotFoundError: same as `user_path`.
  """
  parts = existing_whole(
    os.fspath(text).split(','), lambda p: user_path(p.strip()).exists()
  )
  paths = [part.strip() for part in parts]
  return tuple(user_path(path) for path in paths if path) or (user_path(text),)


def existing_whole(
  parts: Sequence[str], exists: Callable[[str], bool]
) -> tuple[str, ...]:
  """Joins parts again, with commas, where they are the name of an existing file.

  Args:
    parts: a text that was split at its commas.
    exists: whether a joined text names a file.
  """
  joined, start = [], 0
  while start < len(parts):
    ends = range(len(parts), start + 1, -1)
    end = next((e for e in ends if exists(','.join(parts[start:e]))), start + 1)
    joined.append(','.join(parts[start:end]))
    start = end
  return tuple(joined)
