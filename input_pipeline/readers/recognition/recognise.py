"""Recognises the format of poses from the content of their files."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files.file_names import JSON
from input_pipeline.readers.files.keypoint_json import read_json
from input_pipeline.readers.formats import csv_tables
from input_pipeline.readers.recognition import json_forms
from input_pipeline.readers.recognition.sample import (
  IMAGES,
  VIDEOS,
  Sample,
  samples,
)
from input_pipeline.readers.recognition.tables import table_format, unreadable_table

# (format, what was seen) of a sample; None if the sign does not fit.
_Sign = Callable[[Sample], tuple[str, str] | None]

_NUMBER = r'(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan)'
_ARRAYS = ('.npy', '.npz')
_PICKLES = ('.pkl', '.pickle')


def recognise(path: pathlib.Path) -> tuple[str, Note]:
  """The format of the poses at a path, and a note that says how it was recognised.

  Raises:
    PoseDataError: if the files have no known format. Names what was found, and the
      nearest format.
  """
  if path.is_dir() and (found := _folder_format(path)):
    return found[0], _note(*found)
  seen = []
  for sample in samples(path):
    seen.append(sample)
    for sign in _SIGNS:
      if found := sign(sample):
        return found[0], _note(*found)
  raise PoseDataError(_unknown(path, seen))


def _note(format: str, what: str) -> Note:
  return Note(
    'recognised',
    f'poses are read in format {format!r}: {what}; if that is wrong, give --format',
    is_warning=False,
  )


def _folder_format(folder: pathlib.Path) -> tuple[str, str] | None:
  """Data sets that are folders with known names."""
  names = {entry.name for entry in folder.iterdir()}
  if {'joint_positions', 'splits'} <= names:
    return 'jhmdb_tree', 'a folder with joint_positions/ and splits/'
  if {'ava_train_v2.1.csv', 'ava_val_v2.1.csv'} <= names:
    return 'ava', "a folder with AVA's official files"
  if any(re.fullmatch(r'\w*train1\.pkl', name) for name in names) and any(
    name.endswith('.npy') for name in names
  ):
    return 'jmrn_official', 'a folder with *_train1.pkl and PoTion maps'
  if any(re.fullmatch(r'\d{4}\.mat', name) for name in names):
    return 'penn_action', 'a folder with 0001.mat, 0002.mat, ...'
  return None


def _json(sample: Sample) -> tuple[str, str] | None:
  content = sample.json()
  if content is None:
    return None
  return json_forms.json_format(content, sample.file.name)


def _table(sample: Sample) -> tuple[str, str] | None:
  return table_format(sample.file) if sample.suffix in csv_tables.SUFFIXES else None


def _binary(sample: Sample) -> tuple[str, str] | None:
  """Files whose suffix is enough."""
  suffix, name = sample.suffix, sample.file.name
  if suffix in _ARRAYS:
    return 'numpy', f'{name}, an array'
  if suffix in _PICKLES:
    return 'pyskl', f'{name}, a pickle'
  if suffix == '.nc':
    return 'movement', f'{name}, a netCDF file'
  if suffix == '.slp':
    return 'sleap', f'{name}, labels of SLEAP'
  if suffix in ('.h5', '.hdf5'):
    deeplabcut = 'DLC' in name or 'DeepCut' in name
    return ('deeplabcut' if deeplabcut else 'sleap'), f'{name}, an HDF5 file'
  return None


def _text(sample: Sample) -> tuple[str, str] | None:
  """Ultralytics' lines: a class, a box, and positions, all numbers."""
  if sample.suffix != '.txt':
    return None
  lines = sample.lines()
  numbers = [re.fullmatch(rf'\s*\d+(\s+{_NUMBER}){{8,}}\s*', line) for line in lines]
  if lines and all(numbers):
    return 'ultralytics', f'{sample.file.name}, lines of numbers'
  return None


def _maps(sample: Sample) -> tuple[str, str] | None:
  name = next(
    (file.name for file in sample.others if re.search(r'_heatmaps\.\w+$', file.name)),
    None,
  )
  return ('openpose_maps', f'{name}, maps of OpenPose') if name else None


_SIGNS: tuple[_Sign, ...] = (_maps, _binary, _json, _table, _text)


def _unknown(path: pathlib.Path, seen: list[Sample]) -> str:
  """Says what is at a path whose format is not known, and what to do."""
  first = seen[0]
  suffixes = {file.suffix.lower() for file in first.others}
  for kind, known in (('videos', VIDEOS), ('images', IMAGES)):
    if suffixes & {*known}:
      name = next(file.name for file in first.others if file.suffix.lower() in known)
      return (
        f'{path} holds {kind} ({name}), not poses; find the poses first:'
        ' pose-action extract --help says how (or run OpenPose, MMPose, MediaPipe, ...'
        ' on them)'
      )
  if first.suffix == '.mat':
    return (
      f'{path}: {first.file.name} has no known format. For Penn Action, give its folder'
      ' labels/; for JHMDB, the folder with joint_positions/ and splits/'
    )
  name = first.file.name
  if first.suffix in JSON:
    try:
      read_json(first.file)
    except PoseDataError as error:
      return str(error)
  if first.suffix in JSON and (content := first.json()) is not None:
    nearest = json_forms.nearest_format(content)
    hint = f'; the nearest format is {nearest!r}' if nearest else ''
    return (
      f'{path}: {name} holds {json_forms.described(content)}, which is the form of no'
      f' known format{hint}. Give --format'
    )
  if reason := unreadable_table(first.file):
    return reason if reason.startswith(str(path)) else f'{path}: {reason}'
  if lines := first.lines():
    return (
      f'{path}: {name} begins {lines[0][:120]!r}, which is the form of no known format.'
      ' Give --format'
    )
  return f'{path}: {name} has no known format. Give --format'
