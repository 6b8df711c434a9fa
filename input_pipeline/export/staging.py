"""Builds a data set in a staging folder, so that it appears complete or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
import time
from collections.abc import Iterator
from typing import NamedTuple

from etils import epath

from input_pipeline.errors import DatasetInUseError, PoseDatasetError
from input_pipeline.storage.dataset import is_there
from input_pipeline.storage.files import INFO_FILE
from input_pipeline.storage.paths import is_remote

# The old data set while a new one takes its place.
_REPLACED = 'replaced'


class BuildPlace(NamedTuple):
  """Two empty folders for one export.

  Attributes:
    directory: for the data set's files; its metadata are written last.
    notes: for messages from workers to the exporter; removed at the end.
  """

  directory: epath.Path
  notes: epath.Path


@contextlib.contextmanager
def build_place(
  target: epath.Path, data_dir: epath.Path, *, overwrite: bool = False
) -> Iterator[BuildPlace]:
  """Gives folders in which to write the data set; it is at `target` after the block.

  On a local disk, the data set is built in a staging folder and renamed at the end: an
  old data set stays until then, and a lock admits only one process. An object store has
  neither renaming nor locks. There a first data set is built in place, and does not exist
  for readers until its metadata are written. One that replaces another is built beside
  it, and copied over it at the end: a kill in that copy leaves neither in place, but the
  new files beside it. An error in the block removes the unfinished data set.

  Args:
    target: the data set's directory, from `dataset.dataset_dir`.
    data_dir: the folder for data sets, which holds the staging folder meanwhile.
    overwrite: whether to replace an existing data set.

  Raises:
    PoseDatasetError: if the data set exists and `overwrite` is not set, or another
      process is writing it.
  """
  place = _place_in_store if is_remote(target) else _place_in_folder
  with place(target, data_dir, overwrite) as built:
    yield built


@contextlib.contextmanager
def staging_dir(target: epath.Path, data_dir: epath.Path) -> Iterator[pathlib.Path]:
  """An empty directory on the target's disk, for one process at a time; removed after.

  The lock ends with its process, so files in an unlocked directory are left over from a
  process that was killed, and are removed; an old data set among them that was being
  replaced returns to its place.

  Raises:
    DatasetInUseError: if another process is writing the data set.
  """
  staging = pathlib.Path(_work_folder(target, data_dir))
  lock_path = _lock_path(target, data_dir)
  staging.parent.mkdir(parents=True, exist_ok=True)
  with open(lock_path, 'w') as lock:
    if not _locked(lock, lock_path):
      raise DatasetInUseError(
        f'another process is writing {target}; wait until that export is done'
      )
    try:
      if staging.exists():
        _restore(staging, target)
        shutil.rmtree(staging)
      staging.mkdir()
      yield staging
    finally:
      if _restore(staging, target):
        shutil.rmtree(staging, ignore_errors=True)
      lock_path.unlink()


def wait_for_writer(target: epath.Path, data_dir: epath.Path, *, seconds: float = 1.0):
  """Returns when no process holds the lock of `staging_dir` any more.

  Args:
    seconds: between two looks.
  """
  while True:
    try:
      with open(_lock_path(target, data_dir)) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
      return  # Its process was killed.
    except FileNotFoundError:
      return
    except BlockingIOError:
      time.sleep(seconds)


def _lock_path(target: epath.Path, data_dir: epath.Path) -> pathlib.Path:
  return pathlib.Path(_work_folder(target, data_dir)).with_suffix('.lock')


def _restore(staging: pathlib.Path, target: epath.Path) -> bool:
  """Moves an old data set back if no new one took its place.

  Returns False if that fails; then the old data set stays in the staging folder.
  """
  replaced = staging / _REPLACED
  if replaced.exists() and not target.exists():
    try:
      replaced.rename(target)
    except OSError:
      return False
  return True


@contextlib.contextmanager
def _place_in_folder(
  target: epath.Path, data_dir: epath.Path, overwrite: bool
) -> Iterator[BuildPlace]:
  with staging_dir(target, data_dir) as staging:
    _check_free(target, target.exists(), overwrite)
    place = BuildPlace(epath.Path(staging / 'built'), epath.Path(staging / 'notes'))
    for folder in place:
      folder.mkdir()
    yield place
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
      target.rename(staging / _REPLACED)
    place.directory.rename(target)  # If this fails, `staging_dir` restores the old one.


@contextlib.contextmanager
def _place_in_store(
  target: epath.Path, data_dir: epath.Path, overwrite: bool
) -> Iterator[BuildPlace]:
  replaces = is_there(target)
  _check_free(target, replaces, overwrite)
  work = _work_folder(target, data_dir)
  _remove(work)
  if not replaces:
    _remove(target)
  place = BuildPlace(work / 'built' if replaces else target, work / 'notes')
  for folder in place:
    folder.mkdir(parents=True, exist_ok=True)
  try:
    yield place
  except BaseException:
    _remove(place.directory)
    _remove(work)
    raise
  if replaces:
    _copy_over(place.directory, target)
  _remove(work)


def _copy_over(built: epath.Path, target: epath.Path):
  """Replaces a data set by another; at no moment is a mixture of both complete."""
  (target / INFO_FILE).unlink()
  _remove(target)
  target.mkdir(parents=True, exist_ok=True)
  for file in sorted(built.iterdir(), key=lambda file: file.name == INFO_FILE):
    file.copy(target / file.name)


def _work_folder(target: epath.Path, data_dir: epath.Path) -> epath.Path:
  representation, dataset = target.parent.name, target.parent.parent.name
  return data_dir / f'.export-{dataset}-{representation}'


def _check_free(target: epath.Path, taken: bool, overwrite: bool):
  if taken and not overwrite:
    raise PoseDatasetError(
      f'data set {target.parts[-3]!r} is already there as {target.parts[-2]}, at'
      f' {target}; to replace the data set, set --overwrite (overwrite=True)'
    )


def _remove(folder: epath.Path):
  if folder.exists():
    folder.rmtree()


def _locked(lock, lock_path: pathlib.Path) -> bool:
  try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # The previous owner may have removed the file after we opened it.
    return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock_path))
  except (BlockingIOError, FileNotFoundError):
    return False
