"""A place to build a data set in, so that it appears complete or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
from collections.abc import Iterator

from input_pipeline.datasets.protocols import PoseDatasetError


@contextlib.contextmanager
def staging_dir(target: pathlib.Path, data_dir: pathlib.Path) -> Iterator[pathlib.Path]:
  """An empty directory on the target's disk, for one process at a time, then removed.

  The lock dies with its process, so what lies here when it is free was left by one that
  was killed.
  """
  representation, dataset = target.parent.name, target.parent.parent.name
  staging = data_dir / f'.export-{dataset}-{representation}'
  lock_path = staging.with_suffix('.lock')
  data_dir.mkdir(parents=True, exist_ok=True)
  with open(lock_path, 'w') as lock:
    if not _locked(lock, lock_path):
      raise PoseDatasetError(
        f'another process is writing {target}; wait until it is done'
      )
    try:
      if staging.exists():
        shutil.rmtree(staging)
      staging.mkdir()
      yield staging
    finally:
      shutil.rmtree(staging)
      lock_path.unlink()


def _locked(lock, lock_path: pathlib.Path) -> bool:
  try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # The owner before us may have removed the file after we opened it.
    return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock_path))
  except (BlockingIOError, FileNotFoundError):
    return False
