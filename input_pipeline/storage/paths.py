"""Where data sets lie: a folder, or a place in an object store, read through etils."""

from __future__ import annotations

import hashlib
import os
import pathlib
import uuid
from collections.abc import Iterable
from concurrent import futures
from importlib.util import find_spec

from etils import epath

from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDatasetError

# What etils reads through fsspec, each with a package of its own: gcsfs, s3fs, adlfs,
# huggingface_hub.
_STORES = ('gs', 's3', 'az', 'hf')
# array_record has a client of its own for these (0.8.6).
_READ_IN_PLACE = ('gs',)
# Where TensorFlow is installed, etils reads everything through it, if not told otherwise.
_READ_BY_TENSORFLOW = ('gs',)
_COPIES_AT_ONCE = 8
CACHE_VARIABLE = 'POSE_ACTION_CACHE'


def data_path(path: PathLike) -> epath.Path:
  """The path of a folder (`~` is the home), of `file://`, or of a store's `gs://…`.

  Raises:
    PoseDatasetError: for another scheme, which would otherwise name a local folder, or
      one that etils would not read as it is set up.
  """
  text = os.fspath(path)
  scheme, separator, rest = text.partition('://')
  if not separator:
    return epath.Path(text).expanduser()
  if scheme == 'file':
    return epath.Path(rest)
  if scheme not in _STORES:
    raise PoseDatasetError(
      f'{text} is of scheme {scheme}://, but data sets lie in a folder or at one of'
      f' file://, {", ".join(f"{store}://" for store in _STORES)}; mount another store'
      ' as a folder'
    )
  if scheme not in _READ_BY_TENSORFLOW and _etils_uses_tensorflow():
    raise PoseDatasetError(
      f'{text} would be read through TensorFlow, which is installed and knows no'
      f' {scheme}://; set EPATH_USE_TF=false in the environment'
    )
  return epath.Path(text)


def _etils_uses_tensorflow() -> bool:
  told = os.environ.get('EPATH_USE_TF', '').lower()
  return told not in ('false', 'no', 'f', '0') and bool(find_spec('tensorflow'))


def is_remote(path: PathLike) -> bool:
  """Whether it lies in an object store: no renaming, no locks, no partial writes."""
  scheme, separator, _ = os.fspath(path).partition('://')
  return bool(separator) and scheme != 'file'


def is_read_in_place(path: PathLike) -> bool:
  """Whether array_record opens files there by itself."""
  scheme = os.fspath(path).partition('://')[0]
  return not is_remote(path) or scheme in _READ_IN_PLACE


def cache_of(directory: epath.Path) -> epath.Path:
  """The folder on this host for copies out of a remote data set's directory.

  Its name depends on where the data set lies and on its metadata, so that one that was
  replaced is not mistaken for what was copied before.
  """
  home = os.environ.get(CACHE_VARIABLE) or '~/.cache/pose-action-jax'
  digest = hashlib.sha256(os.fspath(directory).encode())
  for file in sorted(directory.glob('*.json')):
    digest.update(file.read_bytes())
  return (
    epath.Path(home).expanduser() / f'{directory.parts[-3]}-{digest.hexdigest()[:16]}'
  )


def copy_missing(files: Iterable[epath.Path], folder: epath.Path):
  """Brings files into a folder that does not have them; each appears whole.

  Processes that do it at the same time do not disturb each other.
  """
  folder.mkdir(parents=True, exist_ok=True)
  missing = [file for file in files if not (folder / file.name).exists()]
  with futures.ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
    for _ in pool.map(lambda file: _copy(file, folder / file.name), missing):
      pass


def _copy(file: epath.Path, target: epath.Path):
  partial = pathlib.Path(f'{os.fspath(target)}.{uuid.uuid4().hex}.partial')
  try:
    file.copy(partial)
    partial.replace(target)
  finally:
    partial.unlink(missing_ok=True)
