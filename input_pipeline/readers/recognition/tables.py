"""Recognises which program wrote a table of joints."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import suffix_of
from input_pipeline.readers.formats import csv_tables
from input_pipeline.readers.joint_tables import layout, reading
from input_pipeline.readers.joint_tables.cells import read_cells
from input_pipeline.readers.joint_tables.columns import read_columns
from input_pipeline.readers.options import AS_READ
from input_pipeline.skeletons.joint_names import plain, skeletons_named
from input_pipeline.skeletons.registry import SKELETONS, Skeleton
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
    heads = [
      re.split(r'[,;\t]', line)[0].strip().strip('"')
      for line in read_text(path).splitlines()[:4]
    ]
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


def unreadable_table(path: pathlib.Path) -> str | None:
  """Why a file is not a table of joints; None if it is not a table at all."""
  if suffix_of(path) in ('.txt', ''):
    try:
      names = read_columns(read_cells(path).columns).points
    except PoseDataError:
      return None
    return (
      f'{path.name} is a table of joints; rename it to *.csv, or to *.tsv'
      if names
      else None
    )
  if suffix_of(path) not in csv_tables.SUFFIXES:
    return None
  try:
    table = reading.joint_table(read_cells(path))
    points = tuple(table.rows.columns.points)
    if not points:
      layout.check_units(table.cells)
      return None
    nearest = _nearest_skeleton(layout.joint_names(table.cells) or points)
    part = next(iter(table.videos))
    reading.read_part(table, nearest, part, AS_READ, 'pixels')
  except PoseDataError as error:
    return str(error)
  return None


def _nearest_skeleton(points: Sequence[str]) -> Skeleton:
  """The registered skeleton that shares most joints, or has the nearest number."""
  names = {plain(name) for name in points}

  def likeness(skeleton: Skeleton) -> tuple[int, int]:
    shared = len(names & {plain(joint) for joint in skeleton.joints})
    return shared, -abs(skeleton.num_joints - len(points))

  return max(SKELETONS.values(), key=likeness)


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
