"""Says in one line what is wrong with a disk: full, read-only, or no permission."""

from __future__ import annotations

import errno
import os

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REMEDIES = {
  **dict.fromkeys(_FULL, 'the disk is full: free some space, or choose another folder'),
  errno.EROFS: 'the disk is read-only: choose another folder',
  errno.EACCES: 'permission denied: change the permissions, or choose another folder',
  errno.EPERM: 'permission denied: change the permissions, or choose another folder',
}
# How libraries in C++ report a full disk.
_SIGNS_OF_FULL = ('No space left on device', 'Disk quota exceeded')


def in_one_line(error: BaseException, where: str | os.PathLike[str] = '') -> str:
  """The error's message; for a failed disk, the file, what failed, and what to do.

  Args:
    where: the folder that was written to, if the error does not name the file.
  """
  code = error.errno if isinstance(error, OSError) else None
  if code is None and any(sign in str(error) for sign in _SIGNS_OF_FULL):
    code = errno.ENOSPC
  if code not in _REMEDIES:
    return str(error)
  file = getattr(error, 'filename', None) or os.fspath(where)
  name = os.fsdecode(file) if isinstance(file, str | bytes) else str(file)
  return f'{name}: {_REMEDIES[code]}' if name else _REMEDIES[code]


def is_full(error: BaseException) -> bool:
  """Whether the error reports a full disk."""
  if isinstance(error, OSError) and error.errno in _FULL:
    return True
  return any(sign in str(error) for sign in _SIGNS_OF_FULL)
