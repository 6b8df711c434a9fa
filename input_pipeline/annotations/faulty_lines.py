"""What is wrong with single lines of an official file, without refusing the file.

A published file may have a few bad lines: 7 of Charades' 49,809 actions end before they
begin. Each is left out, or kept as far as it can be read, and named in a note.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note

KIND = 'faulty_annotations'
GUESSED_ENCODING = 'guessed_encoding'
# A file with more faults is another file, or broken (our choice): 5 lines or one in a
# hundred, whichever is more, and never more than half of all lines.
_FEW = 5
_LARGEST_SHARE = 0.01
_NAMED = 10  # Largest number of faults, or of files, in a note.


class Faults:
  """The faults in one file, and how much of the file could be read."""

  def __init__(self, file: pathlib.Path, of: str = 'lines', item: str = 'line'):
    """Starts without faults.

    Args:
      of: what is counted, in the plural.
      item: what has the numbers.
    """
    self._file = file
    self._of = of
    self._item = item
    self._found: list[str] = []
    self._number = 0

  def count(self, number: int = 1):
    """Counts what was looked at, faulty or not."""
    self._number += number

  def add(self, line: int, clip: str, why: str):
    """Notes a fault.

    Args:
      line: the line number, from 1, or the item's number.
      clip: name of the video or clip; '' if unknown.
      why: what is wrong, what was expected, and what is kept.
    """
    named = f', clip {clip!r}' if clip else ''
    self._found.append(f'{self._item} {line}{named}: {why}')

  def notes(self) -> tuple[Note, ...]:
    """One note that names the faults; none without faults.

    Raises:
      PoseDataError: if too little of the file can be read.
    """
    number = len(self._found)
    if not number:
      return ()
    total = max(self._number, number)
    if number > max(_FEW, _LARGEST_SHARE * total) or 2 * number > total:
      raise PoseDataError(
        f'{self._file}: {number} of {total} {self._of} cannot be used, so this is not the'
        f' published file or it is broken; the first: {self._found[0]}'
      )
    shown = '; '.join(self._found[:_NAMED])
    return (
      Note(
        KIND,
        f'{self._file}: {number} of {total} {self._of} are faulty: {shown}'
        + _and_more(number - _NAMED),
      ),
    )


def encoding_notes(file: pathlib.Path, encoding: str) -> tuple[Note, ...]:
  """A note if the file's encoding is a guess."""
  if encoding != 'cp1252':
    return ()
  return (
    Note(
      GUESSED_ENCODING,
      f'{file} is not UTF-8 and was read as cp1252; if names with accents or other'
      ' letters are wrong, save it as UTF-8',
    ),
  )


def joined(notes: Iterable[Note]) -> tuple[Note, ...]:
  """One note per kind with all its messages, as only the first of a kind is shown."""
  messages: dict[str, list[str]] = {}
  for note in notes:
    messages.setdefault(note.kind, []).append(note.message)
  return tuple(
    Note(kind, '; '.join(of_kind[:_NAMED]) + _and_more(len(of_kind) - _NAMED))
    for kind, of_kind in messages.items()
  )


def _and_more(number: int) -> str:
  return f'; and {number} more' if number > 0 else ''
