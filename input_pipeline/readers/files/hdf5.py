"""Opens HDF5 files, the container of netCDF-4, SLEAP's and DeepLabCut's files."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.hdf5_trial import (
  TrialError,
  check_sizes,
  read_on_trial,
)
from pose_action.host.extras import naming_the_extra

_MAGIC = b'\x89HDF\r\n\x1a\n'


def is_hdf5(path: pathlib.Path) -> bool:
  """Whether a file begins as HDF5 files do."""
  with path.open('rb') as file:
    return file.read(len(_MAGIC)) == _MAGIC


@contextlib.contextmanager
def open_hdf5(path: pathlib.Path) -> Iterator[Any]:
  """Opens a file for reading; gives a `h5py.File`, whose items have no static type.

  Raises:
    PoseDataError: if it is not HDF5, holds far more numbers than its size allows, or
      is damaged so that reading it ends a process (see `hdf5_trial`). A fault in reading
      a part of the file inside the block is raised as PoseDataError too.
    MissingExtraError: if h5py is not installed.
  """
  with naming_the_extra():
    import h5py
  try:
    if not is_hdf5(path):
      raise ValueError('it does not begin as HDF5 files do')
    largest = text_files.largest_content(path)
    read_on_trial(path, largest)
    with h5py.File(path) as file:
      check_sizes(file, largest, path.stat().st_size)
      yield file
  except PoseDataError:
    raise
  except TrialError as error:
    raise PoseDataError(f'{path} {error}') from error
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'{path} is not a readable HDF5 file: {type(error).__name__}: {error}'
    ) from error
