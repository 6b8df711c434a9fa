"""Reads .npy and .npz files; the sizes in their headers are checked before allocation."""

from __future__ import annotations

import math
import os
import pathlib
import zipfile
from typing import Any, BinaryIO

import numpy as np

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError

# An array without elements may still have long axes (our choice).
_LONGEST_EMPTY = 1_000_000
_ZIP_MAGIC = b'PK'


class ObjectArrayError(ValueError):
  """An array of Python objects, which only running a pickle can read."""


def read_arrays(
  path: pathlib.Path,
) -> np.ndarray | dict[str, np.ndarray | None]:
  """Reads a .npy file, or all arrays of a .npz file; both may be compressed with gzip.

  Returns:
    The array, or arrays by name, with None for an array of Python objects.

  Raises:
    PoseDataError: if the file is damaged, is one array of objects, names an array
      twice, or declares more numbers than it holds, or far more than its size allows.
  """
  try:
    with text_files.open_binary(path) as file:
      if file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC:
        return _read_zip(file, text_files.largest_content(path))
      size = file.seek(0, os.SEEK_END)
      file.seek(0)
      return read_array(file, size)
  except PoseDataError:
    raise
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(f'{path} is not a readable file of arrays: {error}') from error


def read_array(file: Any, size: int) -> np.ndarray:
  """Reads an array in .npy format, after a look at its header.

  Args:
    file: a binary file at its beginning, which can seek.
    size: the file's number of bytes.

  Raises:
    ObjectArrayError: if it holds Python objects.
    ValueError: if it is damaged, or declares more than the file holds.
  """
  version = np.lib.format.read_magic(file)
  if version not in ((1, 0), (2, 0)):
    raise ValueError(f'version {version} of the format is not for arrays of numbers')
  read_header = {
    1: np.lib.format.read_array_header_1_0,
    2: np.lib.format.read_array_header_2_0,
  }[version[0]]
  shape, _, dtype = read_header(file)
  if dtype.hasobject:
    raise ObjectArrayError(
      'it holds Python objects (a pickle); save a plain array: np.save(file,'
      ' np.asarray(poses, np.float32))'
    )
  needed, left = math.prod(shape) * dtype.itemsize, size - file.tell()
  if min(shape, default=1) < 0 or needed > left:
    raise ValueError(
      f'its header declares shape {shape} of {dtype}, {needed:,} bytes, but {left:,}'
      ' follow'
    )
  if not needed and math.prod(side or 1 for side in shape) > _LONGEST_EMPTY:
    raise ValueError(f'its header declares shape {shape}, which has no numbers')
  file.seek(0)
  return np.lib.format.read_array(file, allow_pickle=False)


def _read_zip(file: BinaryIO, largest: int) -> dict[str, np.ndarray | None]:
  arrays: dict[str, np.ndarray | None] = {}
  with zipfile.ZipFile(file) as archive:
    members = archive.infolist()
    total = sum(info.file_size for info in members)
    if total > largest:
      raise ValueError(
        f'its arrays have {total:,} bytes when decompressed, but may have at most'
        f' {largest:,}'
      )
    for info in members:
      name = info.filename.removesuffix('.npy')
      if name in arrays:
        raise ValueError(f'it holds two arrays named {name!r}')
      with archive.open(info) as member:
        try:
          arrays[name] = read_array(member, info.file_size)
        except ObjectArrayError:
          arrays[name] = None
  return arrays
