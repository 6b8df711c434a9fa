"""Reads a segment file of any known format."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from input_pipeline import text_files
from input_pipeline.annotations.segment_files import boris, elan, plain, via
from input_pipeline.annotations.segment_files.rows import SegmentFile
from input_pipeline.errors import PoseDataError
from pose_action.host.user_paths import user_path

ELAN_SUFFIX = '.eaf'


def read_segments(
  path: str | os.PathLike[str], tiers: Sequence[str] = ()
) -> SegmentFile:
  """Reads when actions begin and end, from the file of an annotation program.

  The format is recognised by the content: ELAN's `.eaf`, CSV that BORIS or VIA 3
  exported, or a plain CSV with the columns video, start, stop, label and perhaps person.

  Args:
    path: the file.
    tiers: names of an ELAN file's tiers to read; none for all.

  Raises:
    PoseDataError: if the file cannot be read, has no tier of a name, or has an invalid line; the message names
      the file and the line. Also for segments that overlap or end before they start.
    MissingExtraError: for an `.eaf` file without the extra `elan`.

  Example:
    >>> import pathlib
    >>> text = 'video,start,stop,label\\na.mp4,0.5,3,pour\\n'
    >>> _ = pathlib.Path('segments.csv').write_text(text)
    >>> [row[:5] for row in read_segments('segments.csv').rows]
    [('a.mp4', '', 'pour', 0.5, 3.0)]
  """
  file = user_path(path)
  if not file.is_file():
    is_there = 'is not a file' if file.exists() else 'does not exist'
    raise PoseDataError(
      f'{file} {is_there}; give a segment file: *.eaf of ELAN, or *.csv of BORIS, VIA 3,'
      f' or with the columns {", ".join(plain.NEEDS)}'
    )
  if file.suffix.lower() == ELAN_SUFFIX:
    return elan.read(file, tiers)
  if tiers:
    raise PoseDataError(
      f'{file} has no tiers, which only a file of ELAN (*{ELAN_SUFFIX}) has; leave tiers'
      f' ({", ".join(tiers)}) out'
    )
  return _read_text(file)


def _read_text(file: pathlib.Path) -> SegmentFile:
  text = text_files.read_text(file)
  if via.is_via(text):
    return via.read(file)
  if boris.is_boris(text):
    return boris.read(file)
  if text.lstrip().startswith('<'):
    raise PoseDataError(
      f'{file} is XML; an ELAN file must have a name that ends in {ELAN_SUFFIX}'
    )
  return plain.read(file)
