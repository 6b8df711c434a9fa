"""Suffixes and stems of files that may be compressed: x.json.gz is a .json file x."""

from __future__ import annotations

import pathlib

JSON = ('.json', '.jsonl', '.ndjson')
# Each line of such a file is a JSON value.
JSON_LINES = ('.jsonl', '.ndjson')

_COMPRESSED = '.gz'


def suffix_of(path: pathlib.PurePath) -> str:
  """The suffix in lower case; that of the uncompressed file if the name ends in .gz."""
  return pathlib.PurePath(_uncompressed(path)).suffix.lower()


def stem_of(path: pathlib.PurePath) -> str:
  """The name without its suffix, and without .gz: 'x' for x.json.gz."""
  return pathlib.PurePath(_uncompressed(path)).stem


def is_file_of(path: pathlib.Path, suffixes: tuple[str, ...]) -> bool:
  """Whether the path is a file with one of the suffixes, compressed or not."""
  return path.is_file() and suffix_of(path) in suffixes


def _uncompressed(path: pathlib.PurePath) -> str:
  return path.stem if path.suffix.lower() == _COMPRESSED else path.name
