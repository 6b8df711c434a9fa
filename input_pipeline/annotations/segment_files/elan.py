"""Segments in a file of ELAN (`.eaf`).

The file is checked before it is read: XML without entities and document types, of the
right root, and of bounded size and depth. Every annotation with a value is a segment. The
linked media file is the video; a tier's participant, if it states one, is the person.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from input_pipeline.annotations.segment_files.rows import (
  SegmentFile,
  SegmentRow,
  left_out,
)
from input_pipeline.errors import PoseDataError, as_pose_data_error, shortened
from pose_action.host.extras import naming_the_extra

# All ours: a day's annotation has a few megabytes and ten levels.
_MOST_BYTES = 64 << 20
_MOST_ELEMENTS = 2_000_000
_MOST_LEVELS = 32
_ROOT = 'ANNOTATION_DOCUMENT'
_MILLISECONDS = 1000
_LONGEST_LIST = 500  # Characters of a list of names in a message.


def read(path: pathlib.Path, tiers: Sequence[str] = ()) -> SegmentFile:
  """Reads the file with pympi, after `check`.

  Args:
    tiers: names of the tiers to read, in any order; none for all.

  Raises:
    PoseDataError: if the file is no ELAN file, is too large, uses entities, links no
      video, has no tier of a name, or has an annotation without a time.
    MissingExtraError: without the extra `elan`.
  """
  with naming_the_extra():
    import defusedxml.ElementTree  # noqa: F401
    from pympi.Elan import Eaf
  check(path)
  damaged = as_pose_data_error(f'{path} cannot be read as an ELAN file')
  with damaged, _naming_what_is_missing(path):
    eaf = _parsed(path, Eaf)
    _check_references(path, eaf)
    video = _video(path, eaf)
    rows, empty = [], 0
    for tier in _chosen(path, eaf, tiers):
      own, without = _tier(path, eaf, tier, video)
      rows += own
      empty += without
  notes = left_out(empty, f'annotations of {path}', 'they have no text')
  return SegmentFile(path, 'elan', tuple(rows), notes=notes)


@contextlib.contextmanager
def _naming_what_is_missing(path: pathlib.Path) -> Iterator[None]:
  """Turns the `KeyError` that pympi raises for what a file lacks into a PoseDataError."""
  try:
    yield
  except KeyError as error:
    missing = str(error.args[0]).rpartition('}')[2]  # Without its namespace.
    raise PoseDataError(
      f'{path} has no {shortened(missing, _LONGEST_LIST)}, or names one that is not'
      ' there; ELAN writes it: open the file in ELAN and save it again'
    ) from error


def _parsed(path: pathlib.Path, parser: Any) -> Any:
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # It knows versions of the format up to 3.0.
    return parser(os.fspath(path.absolute()), suppress_version_warning=True)


def _chosen(path: pathlib.Path, eaf: Any, tiers: Sequence[str]) -> list[str]:
  """The tiers to read, in the file's order.

  Raises:
    PoseDataError: for a name that is none of them.
  """
  there = list(eaf.tiers)
  if unknown := [name for name in tiers if name not in there]:
    raise PoseDataError(
      f'{path} has no tier {unknown[0][:80]!r}; its tiers are'
      f' {shortened(", ".join(there), _LONGEST_LIST)}'
    )
  return [name for name in there if not tiers or name in tiers]


def check(path: pathlib.Path):
  """Checks that the file is plain XML of bounded size, with ELAN's root.

  Raises:
    PoseDataError: if not.
  """
  import defusedxml.ElementTree as safe
  from defusedxml.common import DefusedXmlException

  try:
    size = path.stat().st_size
    if size > _MOST_BYTES:
      raise PoseDataError(
        f'{path} has {size:,} bytes, but an ELAN file may have {_MOST_BYTES:,}; divide it'
      )
    with path.open('rb') as file:
      events = safe.iterparse(file, ('start', 'end'), forbid_dtd=True)
      _count(path, events)
  except OSError as error:
    raise PoseDataError(f'{path} cannot be read: {error.strerror or error}') from error
  except DefusedXmlException as error:
    raise PoseDataError(
      f'{path} has a document type or entities, which ELAN does not write and which are'
      ' not read; save it again with ELAN'
    ) from error
  except (safe.ParseError, ValueError, LookupError) as error:
    if isinstance(error, PoseDataError):
      raise
    raise PoseDataError(f'{path} is not an XML file as ELAN writes: {error}') from error


def _count(path: pathlib.Path, events: Any):
  level = elements = 0
  for event, element in events:
    if event == 'end':
      level -= 1
      element.clear()
      continue
    level += 1
    elements += 1
    if elements == 1 and element.tag != _ROOT:
      raise PoseDataError(
        f'{path} begins with <{element.tag[:80]}>, but an ELAN file with <{_ROOT}>'
      )
    if level > _MOST_LEVELS or elements > _MOST_ELEMENTS:
      raise PoseDataError(
        f'{path} has more than {_MOST_LEVELS} levels or {_MOST_ELEMENTS:,} elements,'
        ' which no ELAN file needs'
      )


def _check_references(path: pathlib.Path, eaf: Any):
  """Checks that annotations that refer to others lead to one with a time.

  Raises:
    PoseDataError: for a circle, which pympi would follow without end.
  """
  refers = {
    name: reference[0]
    for _, references, *_ in eaf.tiers.values()
    for name, reference in references.items()
  }
  ends: set[str] = set()
  for name in refers:
    way: dict[str, None] = {}
    while name in refers and name not in ends:
      if name in way:
        raise PoseDataError(
          f'{path}: annotation {name[:80]!r} refers to itself through others'
        )
      way[name] = None
      name = refers[name]
    ends |= way.keys()


def _video(path: pathlib.Path, eaf: Any) -> str:
  """The linked video; the first of several."""
  for media in eaf.media_descriptors:
    name = media.get('MEDIA_URL') or media.get('RELATIVE_MEDIA_URL') or ''
    kind = media.get('MIME_TYPE', '')
    if name and not kind.startswith('audio'):
      return name
  raise PoseDataError(f'{path} names no video: it has no MEDIA_DESCRIPTOR with a file')


def _tier(
  path: pathlib.Path, eaf: Any, tier: str, video: str
) -> tuple[list[SegmentRow], int]:
  """The segments of a tier, and how many of its annotations have no text."""
  person = eaf.tiers[tier][2].get('PARTICIPANT', '').strip()
  rows, empty = [], 0
  for start, stop, text, *_ in eaf.get_annotation_data_for_tier(tier):
    where = f'{path}, tier {tier!r}'
    label = text.strip()
    if not label:
      empty += 1
      continue
    if start is None or stop is None:
      raise PoseDataError(
        f'{where}: annotation {label[:80]!r} has no time of its own; give it one in ELAN'
      )
    rows.append(
      SegmentRow(
        video, person, label, start / _MILLISECONDS, stop / _MILLISECONDS, where
      )
    )
  return rows, empty
