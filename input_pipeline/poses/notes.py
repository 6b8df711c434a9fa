"""Notes: what a reader says about poses that it read, but perhaps not as meant."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator

CLIPS_SHOWN = 8  # Names in one line.


@dataclasses.dataclass(frozen=True)
class Note:
  """One doubtful thing in a file, and how it was read.

  Attributes:
    kind: stable identifier; notes of a kind are shown together.
    message: what was found, how it was read, and what to do if that is wrong.
    is_warning: whether the poses may be read wrongly; otherwise, the note only says how
      they are read.
  """

  kind: str
  message: str
  is_warning: bool = True

  @property
  def severity(self) -> str:
    """The word that begins the note's line."""
    return 'warning' if self.is_warning else 'note'


class PoseWarning(UserWarning):
  """Poses were read, but perhaps not as meant; the message is that of a `Note`."""


def grouped(notes: Iterable[tuple[str, Note]]) -> list[tuple[Note, tuple[str, ...]]]:
  """Joins notes of a kind: the first note of each kind, and all clips with that kind.

  Args:
    notes: (clip, note); the clip is '' for a note about several clips.
  """
  first: dict[str, Note] = {}
  clips: dict[str, dict[str, None]] = {}
  for video_id, note in notes:
    first.setdefault(note.kind, note)
    clips.setdefault(note.kind, {}).setdefault(video_id)
  return [(first[kind], tuple(filter(None, clips[kind]))) for kind in first]


def as_lines(notes: Iterable[tuple[str, Note]]) -> list[str]:
  """One line per kind of note: `warning: MESSAGE (2 clips: a, b)`, or `note: MESSAGE`."""
  lines = []
  for note, clips in grouped(notes):
    shown = ', '.join(clips[:CLIPS_SHOWN])
    more = f' and {len(clips) - CLIPS_SHOWN} more' if len(clips) > CLIPS_SHOWN else ''
    count = '1 clip' if len(clips) == 1 else f'{len(clips)} clips'
    named = f' ({count}: {shown}{more})' if clips else ''
    lines.append(f'{note.severity}: {note.message}{named}')
  return lines


@contextlib.contextmanager
def gathering_warnings(found: dict[str, None]) -> Iterator[None]:
  """Adds the text of each PoseWarning in the block to `found`; others pass."""
  with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always', PoseWarning)
    yield
  for one in caught:
    if one.category is PoseWarning:
      found[str(one.message)] = None
    else:
      warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


@contextlib.contextmanager
def warnings_as_lines(say: Callable[[str], object]) -> Iterator[None]:
  """Says each PoseWarning in the block once, when the block ends."""
  found: dict[str, None] = {}
  try:
    with gathering_warnings(found):
      yield
  finally:
    for text in found:
      say(f'warning: {text}')
