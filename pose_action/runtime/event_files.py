"""Removes events from TensorBoard's files, so that a resumed run shows each step once.

A file is a sequence of TFRecords, each with an `Event` message. Both are read here, so
that it works without TensorFlow.
"""

from __future__ import annotations

import pathlib
import struct
from collections.abc import Callable, Iterator

from pose_action.host import atomic_files

_LENGTH = struct.Struct('<Q')
_CHECKSUM = 4
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_STEP, _FILE_VERSION = 2, 3  # Field numbers of an `Event`.


def drop_events(folder: pathlib.Path, drops: Callable[[int, bytes], bool]) -> None:
  """Removes events from all event files directly in a folder, each atomically.

  It also removes the end of a file that a kill left incomplete.

  Args:
    drops: (step, event) → whether to remove it; the event contains its tags as UTF-8.
  """
  for path in sorted(folder.glob('events.out.tfevents.*')):
    content = path.read_bytes()
    kept = b''.join(
      record
      for record, event in _records(content)
      if _FILE_VERSION in (fields := _fields(event)) or not drops(fields[_STEP], event)
    )
    if kept != content:
      atomic_files.write_bytes(path, kept)


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
  """Whole records, and the event in each."""
  start = 0
  while start + _LENGTH.size <= len(content):
    (length,) = _LENGTH.unpack_from(content, start)
    first = start + _LENGTH.size + _CHECKSUM
    end = first + length + _CHECKSUM
    if end > len(content):
      return
    yield content[start:end], content[first : first + length]
    start = end


def _fields(event: bytes) -> dict[int, int]:
  """The fields of an event by number: a step as it is, 0 for all others.

  A message omits a field with its default value, such as step 0.
  """
  fields, place = {_STEP: 0}, 0
  while place < len(event):
    key, place = _varint(event, place)
    number, kind = key >> 3, key & 7
    value = 0
    if kind == _VARINT:
      value, place = _varint(event, place)
    elif kind == _BYTES:
      length, place = _varint(event, place)
      place += length
    elif kind in (_FIXED64, _FIXED32):
      place += 8 if kind == _FIXED64 else 4
    else:  # Not an event: it is kept, as if it were the first record of a file.
      return {_FILE_VERSION: 0, _STEP: 0}
    fields[number] = value
  return fields


def _varint(content: bytes, place: int) -> tuple[int, int]:
  """(number, place after it)"""
  number = shift = 0
  while place < len(content):
    byte = content[place]
    number |= (byte & 0x7F) << shift
    place, shift = place + 1, shift + 7
    if byte < 0x80:
      break
  return number, place
