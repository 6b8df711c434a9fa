"""Copies of sound pose files with random damage, and what reading them raises."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import pickle
import shutil
from typing import Any

import numpy as np
from sound_poses import SoundPoses, makers

_HUGE = 10**400
# What no field expects.
_VALUES: tuple[Any, ...] = (
  None,
  True,
  -1,
  0,
  1 << 31,
  1 << 70,
  _HUGE,
  -0.5,
  1e300,
  float('nan'),
  float('inf'),
  '',
  'wave',
  '\ud800',
  '\x00',
  '9' * 5000,
  [],
  {},
  [[]],
  [1, 'a', None],
  {'a': {}},
)
_TEXTS = (
  '',
  'nan',
  '-1',
  '1e999',
  '9' * 5000,
  '"',
  '\x00',
  'wave',
  '99999999',
  '0x1',
  'é',
)
_ATTRIBUTES = (-1, 0, float('nan'), '', 'wave', '{}', '[null]', [1.0, 2.0])


def read_damaged(folder: pathlib.Path, name: str, seed: int, count: int):
  """Reads `count` damaged copies; raises what is not an error for the user.

  Args:
    name: one of `makers`; the first copy of it is sound, and must be read.
  """
  rng = np.random.default_rng(seed)
  sound = makers()[name]()
  for number in range(count):
    shutil.rmtree(folder, ignore_errors=True)
    files = dict(sound.files)
    if number:
      chosen = list(files)[rng.integers(len(files))]
      files |= {chosen: damaged(chosen, files[chosen], rng)}
      if rng.random() < 0.1:
        files[_other_name(chosen, rng)] = files.pop(chosen)
    for file, content in files.items():
      path = folder / file
      path.parent.mkdir(parents=True, exist_ok=True)
      path.write_bytes(content)
    try:
      _read(folder / sound.opened, sound, must_work=not number)
    except Exception as error:
      raise AssertionError(f'{name}, seed {seed}, copy {number}') from error


def _read(path: pathlib.Path, sound: SoundPoses, *, must_work: bool):
  from input_pipeline.errors import PoseDataError
  from input_pipeline.readers.options import ReadOptions
  from input_pipeline.readers.registry import read_poses

  size = sound.frame_size
  options = ReadOptions(frame_size=size) if size else None
  try:
    source = read_poses(sound.format, path, skeleton=sound.skeleton, options=options)
    names = dict.fromkeys(v for ids in source.splits.values() for v in ids)
    assert names or not must_work
    for video_id in names:
      source.load(video_id)
  except PoseDataError as error:
    if must_work or '\n' in str(error):
      raise


def damaged(name: str, content: bytes, rng: np.random.Generator) -> bytes:
  """A file's content with a changed value if its format is known here, else bytes."""
  if rng.random() < 0.5:
    change = {'.json': _json, '.pkl': _pickle, '.csv': _table, '.h5': _hdf5}
    change |= {'.slp': _hdf5, '.nc': _hdf5, '.npy': _array}
    if (suffix := pathlib.PurePath(name).suffix) in change:
      return change[suffix](content, rng)
  return damaged_bytes(content, rng)


def damaged_bytes(content: bytes, rng: np.random.Generator) -> bytes:
  """The content with one to four bytes changed, or a part removed or repeated."""
  start, end = sorted(rng.integers(0, len(content), 2).tolist())
  kind = rng.integers(0, 4)
  if kind == 0:
    return content[:start] + content[end:]
  if kind == 1:
    return content[:end] + content[start:]
  changed = bytearray(content)
  for place in rng.integers(0, len(content), rng.integers(1, 5)):
    changed[place] = rng.integers(0, 256)
  return bytes(changed)


def _json(content: bytes, rng: np.random.Generator) -> bytes:
  return json.dumps(with_a_change(json.loads(content), rng)).encode()


def _pickle(content: bytes, rng: np.random.Generator) -> bytes:
  return pickle.dumps(with_a_change(pickle.loads(content), rng))


def _table(content: bytes, rng: np.random.Generator) -> bytes:
  rows = list(csv.reader(io.StringIO(content.decode())))
  row = rows[rng.integers(len(rows))]
  place = rng.integers(len(row))
  kind = rng.integers(3)
  if kind == 0:
    del row[place]
  elif kind == 1:
    row.insert(place, row[place])
  else:
    row[place] = _TEXTS[rng.integers(len(_TEXTS))]
  return '\n'.join(map(','.join, rows)).encode()


def _array(content: bytes, rng: np.random.Generator) -> bytes:
  written = io.BytesIO()
  np.save(written, _changed_array(np.load(io.BytesIO(content)), rng))
  return written.getvalue()


def _hdf5(content: bytes, rng: np.random.Generator) -> bytes:
  """With an array or an attribute removed, or of another type or shape."""
  if not content.startswith(b'\x89HDF'):  # A netCDF file of the older kind.
    return damaged_bytes(content, rng)
  import h5py

  written = io.BytesIO(content)
  with h5py.File(written, 'r+') as file:
    items: list[Any] = [file]
    file.visititems(lambda _, item: items.append(item))
    item = items[rng.integers(len(items))]
    if item.attrs and rng.random() < 0.5:
      name = list(item.attrs)[rng.integers(len(item.attrs))]
      del item.attrs[name]
      if rng.random() < 0.8:
        item.attrs[name] = _ATTRIBUTES[rng.integers(len(_ATTRIBUTES))]
    elif item != file:
      value, name = item[()] if hasattr(item, 'shape') else None, item.name
      del file[name]
      if value is not None and rng.random() < 0.8:
        file[name] = _changed_array(np.asarray(value), rng)
  return written.getvalue()


def with_a_change(value: Any, rng: np.random.Generator) -> Any:
  """The value with one of its parts replaced, removed or repeated."""
  if isinstance(value, np.ndarray):
    return _changed_array(value, rng)
  if not isinstance(value, dict | list) or not value or rng.random() < 0.15:
    return _VALUES[rng.integers(len(_VALUES))]
  changed = value.copy()
  keys = list(changed) if isinstance(changed, dict) else range(len(changed))
  key = keys[rng.integers(len(keys))]
  kind = rng.random()
  if kind < 0.1:
    del changed[key]
  elif kind < 0.2 and isinstance(changed, list):
    changed.append(changed[key])
  else:
    changed[key] = with_a_change(changed[key], rng)
  return changed


def _changed_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
  """The array with another type, number of axes, length or value."""
  kind = rng.integers(6)
  if kind == 0:
    return array[..., None]
  if kind == 1 and array.size and array.ndim:
    return array[..., 0]
  if kind == 2 and array.size and array.ndim:
    axis = rng.integers(array.ndim)
    return np.take(array, range(rng.integers(array.shape[axis])), axis)
  if kind == 3 and array.dtype.kind in 'iuf':
    types = ('?', 'i1', 'u8', 'f2', 'c16', 'S3', 'f8')
    return array.astype(types[rng.integers(len(types))])
  changed = array.copy()
  if changed.size and changed.dtype.kind in 'iuf':
    value = (-1, 0, 1 << 30)[rng.integers(3)]
    if changed.dtype.kind == 'f':
      value = (np.nan, np.inf, 1e30, -1.0)[rng.integers(4)]
    with np.errstate(over='ignore'):
      changed.flat[rng.integers(changed.size)] = np.asarray(value).astype(changed.dtype)
  return changed


def _other_name(name: str, rng: np.random.Generator) -> str:
  """A path with another file name, of the same suffix or none."""
  path = pathlib.PurePosixPath(name)
  stems = (
    '',
    '.',
    ' ',
    '-1',
    '9' * 30,
    '9' * 240,
    '٣',
    '1e9',
    f'{path.stem}_',
    'é',
    'a\nb',
  )
  stem = stems[rng.integers(len(stems))]
  return str(path.parent / f'{stem}{path.suffix}')
