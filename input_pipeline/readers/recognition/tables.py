"""Recognises which program wrote a table of joints."""

from __future__ import annotations

import pathlib

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import csv_tables
from input_pipeline.readers.joint_tables import reading
from input_pipeline.readers.options import AS_READ
from input_pipeline.skeletons.joint_names import skeletons_named
from input_pipeline.skeletons.registry import SKELETONS
from input_pipeline.text_files import read_text

_MEDIAPIPE = SKELETONS['mediapipe_33']
# Half of MediaPipe's fractions of the frame stay below this, pixels do not (our choice).
_LARGEST_FRACTION = 10.0
_DEEPLABCUT = ('scorer', 'bodyparts', 'coords')


def table_format(path: pathlib.Path) -> tuple[str, str] | None:
  """(format, what was seen) for a table; None if it has no columns of joints.

  MediaPipe's landmarks are recognised by their names or number, and by positions that
  are fractions of the frame.
  """
  try:
    heads = [line.split(',')[0].strip() for line in read_text(path).splitlines()[:4]]
    if set(heads) & set(_DEEPLABCUT):
      rows = ', '.join(_DEEPLABCUT)
      return 'deeplabcut', f'{path.name}, a table with the rows {rows}'
    names = csv_tables.joint_names(path)
  except PoseDataError:
    return None
  if _is_mediapipe(path):
    return 'mediapipe', f"{path.name}, a table of MediaPipe's 33 landmarks"
  if not names:
    return ('csv', f'{path.name}, a table of numbered joints') if _reads(path) else None
  fitting = skeletons_named(names)
  of = f' of {fitting[0]}' if fitting else ''
  return 'csv', f'{path.name}, a table of {len(names)} joints{of}'


def _is_mediapipe(path: pathlib.Path) -> bool:
  """Whether a table has MediaPipe's landmarks in fractions of the frame."""
  try:
    part = next(iter(reading.parts(path)))
    poses = reading.read_video(path, _MEDIAPIPE, part, AS_READ, 'shares')
  except PoseDataError:
    return False
  positions = np.concatenate([p[..., :2].ravel() for p in poses.people.values()])
  positions = np.abs(positions[np.isfinite(positions)])
  return not positions.size or bool(np.median(positions) <= _LARGEST_FRACTION)


def _reads(path: pathlib.Path) -> bool:
  """Whether some registered skeleton has as many joints as the table."""
  for skeleton in SKELETONS.values():
    try:
      part = next(iter(reading.parts(path)))
      reading.read_video(path, skeleton, part, AS_READ, 'pixels')
    except PoseDataError:
      continue
    return True
  return False
