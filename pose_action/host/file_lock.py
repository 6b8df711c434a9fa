"""Lets one process at a time do something to a file; others wait."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator

from pose_action.host.user_paths import user_path


@contextlib.contextmanager
def alone_with(path: str | os.PathLike[str]) -> Iterator[None]:
  """Waits until no other process on the disk's hosts is in such a block for the path.

  The lock is `<path>.lock`, which is removed at the end; it ends with its process. A disk
  without locks admits everyone.
  """
  lock_path = user_path(f'{os.fspath(path)}.lock')
  lock_path.parent.mkdir(parents=True, exist_ok=True)
  while True:
    with open(lock_path, 'w') as lock:
      with contextlib.suppress(OSError):  # Some network disks have no locks.
        fcntl.flock(lock, fcntl.LOCK_EX)
      if not _is_at(lock, lock_path):
        continue  # The previous owner removed the file after we opened it.
      try:
        yield
      finally:
        lock_path.unlink(missing_ok=True)
      return


def _is_at(lock, lock_path: pathlib.Path) -> bool:
  try:
    return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock_path))
  except FileNotFoundError:
    return False
