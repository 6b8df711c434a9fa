"""Writes files atomically: neither a reader nor a kill ever leaves half a file."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

from pose_action.host.user_paths import user_path

PathLike = str | os.PathLike[str]


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[pathlib.Path]:
  """Yields a temporary path beside `path`, and renames it when the block ends.

  Missing parent folders are created. If the block raises, `path` stays unchanged.

    with replacing('results.csv') as unfinished:
      unfinished.write_text('a,b')
  """
  target = user_path(path)
  target.parent.mkdir(parents=True, exist_ok=True)
  # A random name keeps two writers of one file apart, on different hosts too.
  unfinished = target.with_name(f'.{target.name}.{uuid.uuid4().hex}.tmp')
  with naming(target, unfinished):
    try:
      yield unfinished
      os.replace(unfinished, target)
    except BaseException:
      unfinished.unlink(missing_ok=True)
      raise


@contextlib.contextmanager
def naming(target: pathlib.Path, unfinished: pathlib.Path) -> Iterator[None]:
  """Gives an error about the temporary file the name that the user knows."""
  try:
    yield
  except OSError as error:
    if error.filename == os.fspath(unfinished):
      error.filename = os.fspath(target)
    raise


def write_bytes(path: PathLike, content: bytes):
  """Writes a whole file, or leaves it unchanged."""
  with replacing(path) as unfinished:
    unfinished.write_bytes(content)


def write_text(path: PathLike, content: str):
  """Writes a whole file as UTF-8, or leaves it unchanged."""
  write_bytes(path, content.encode('utf-8'))


def write_json(path: PathLike, content: Any):
  """Writes indented JSON that ends with a line break, or leaves the file unchanged."""
  write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + '\n')
