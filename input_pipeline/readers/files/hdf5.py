"""Opens HDF5 files, the container of netCDF-4, SLEAP's and DeepLabCut's files."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
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
    PoseDataError: if it is not HDF5, or holds far more numbers than its size allows. A
      fault in reading a part of the file inside the block is raised as PoseDataError too.
    MissingExtraError: if h5py is not installed.
  """
  with naming_the_extra():
    import h5py
  try:
    with h5py.File(path) as file:
      _check_content(file, path)
      yield file
  except PoseDataError:
    raise
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'{path} is not a readable HDF5 file: {type(error).__name__}: {error}'
    ) from error


def _check_content(file: Any, path: pathlib.Path):
  """Checks the size of all arrays before one is read: 1 kB may declare terabytes."""
  sizes = []

  def add(name: str, item: Any):
    sizes.append(getattr(item, 'nbytes', 0))

  file.visititems(add)
  limit = text_files.largest_content(path)
  if sum(sizes) > limit:
    raise PoseDataError(
      f'{path} declares arrays of {sum(sizes):,} bytes, but may hold at most {limit:,},'
      f' because the file has {path.stat().st_size:,}'
    )
