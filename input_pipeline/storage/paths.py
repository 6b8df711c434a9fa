"""Paths of data sets: local folders and object stores, both accessed through etils."""

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
from pose_action.host.user_paths import user_path

# Stores that etils reads through fsspec; each needs its own package: gcsfs, s3fs, adlfs,
# huggingface_hub.
_STORES = ('gs', 's3', 'az', 'hf')
# Stores for which array_record has its own client (0.8.6).
_READ_IN_PLACE = ('gs',)
# If TensorFlow is installed, etils reads every store through it by default; TensorFlow
# itself knows only these.
_READ_BY_TENSORFLOW = ('gs',)
_COPIES_AT_ONCE = 8
CACHE_VARIABLE = 'POSE_ACTION_CACHE'


def data_path(path: PathLike) -> epath.Path:
  """Makes a path from a folder (`~` is expanded), a `file://` URL or a store's `gs://…`.

  Raises:
    PoseDatasetError: on another scheme, which would otherwise name a local folder, or a
      scheme that etils cannot read because TensorFlow is installed.
  """
  text = os.fspath(path)
  scheme, separator, rest = text.partition('://')
  if not separator:
    return epath.Path(user_path(text))
  if scheme == 'file':
    return epath.Path(rest)
  if scheme not in _STORES:
    raise PoseDatasetError(
      f'{text} has scheme {scheme}://, but data sets must be in a folder or at one of'
      f' file://, {", ".join(f"{store}://" for store in _STORES)}; mount another store'
      ' as a folder'
    )
  if scheme not in _READ_BY_TENSORFLOW and _etils_uses_tensorflow():
    raise PoseDatasetError(
      f'{text} would be read through TensorFlow, which is installed and does not support'
      f' {scheme}://; set EPATH_USE_TF=false in the environment'
    )
  return epath.Path(text)


def _etils_uses_tensorflow() -> bool:
  choice = os.environ.get('EPATH_USE_TF', '').lower()
  return choice not in ('false', 'no', 'f', '0') and bool(find_spec('tensorflow'))


def is_remote(path: PathLike) -> bool:
  """Whether the path is in an object store: no renaming, no locks, no partial writes."""
  scheme, separator, _ = os.fspath(path).partition('://')
  return bool(separator) and scheme != 'file'


def is_read_in_place(path: PathLike) -> bool:
  """Whether array_record itself can open files at the path."""
  scheme = os.fspath(path).partition('://')[0]
  return not is_remote(path) or scheme in _READ_IN_PLACE


def cache_of(directory: epath.Path) -> epath.Path:
  """The local folder for copies of a remote data set's files.

  The folder's name depends on the data set's path and metadata, so that old copies are
  not used for a data set that was replaced.
  """
  home = os.environ.get(CACHE_VARIABLE) or '~/.cache/pose-action-jax'
  digest = hashlib.sha256(os.fspath(directory).encode())
  for file in sorted(directory.glob('*.json')):
    digest.update(file.read_bytes())
  return (
    epath.Path(user_path(home)) / f'{directory.parts[-3]}-{digest.hexdigest()[:16]}'
  )


def copy_missing(files: Iterable[epath.Path], folder: epath.Path):
  """Copies files that a folder does not have yet, each atomically.

  Processes may copy the same files at the same time.
  """
  folder.mkdir(parents=True, exist_ok=True)
  missing = [file for file in files if not (folder / file.name).exists()]
  with futures.ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
    for _ in pool.map(lambda file: _copy(file, folder / file.name), missing):
      pass


def _copy(file: epath.Path, target: epath.Path):
  # Not with `atomic_files`: hosts of a job may share the folder (a network home), and
  # their process ids, which that puts into the unfinished file's name, may be equal.
  partial = pathlib.Path(f'{os.fspath(target)}.{uuid.uuid4().hex}.partial')
  try:
    file.copy(partial)
    partial.replace(target)
  finally:
    partial.unlink(missing_ok=True)
