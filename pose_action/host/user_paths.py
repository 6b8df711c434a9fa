"""Paths as users type them: with `~`, and several in one text."""

from __future__ import annotations

import os
import pathlib


def user_path(path: str | os.PathLike[str]) -> pathlib.Path:
  """Makes a path, with `~` and `~USER` replaced by the home folder.

  Raises:
    FileNotFoundError: if there is no such user.
  """
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
  whole = user_path(text)
  if whole.exists():
    return (whole,)
  parts = [part.strip() for part in os.fspath(text).split(',')]
  return tuple(user_path(part) for part in parts if part) or (whole,)
