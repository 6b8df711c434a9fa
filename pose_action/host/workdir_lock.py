"""Keeps a second run out of a workdir, by a lock file that names the run's process.

A lock outlives a process that was killed. On the same host such a stale lock is
recognised, because no process with its id and start time is alive, and is replaced. A
process on another host cannot be checked: the error names the file to delete.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from typing import Any

from pose_action.host import atomic_files

LOCK_FILE = 'run.lock'
_held: dict[pathlib.Path, dict[str, Any]] = {}  # This process's locks.


class WorkdirLockedError(ValueError):
  """Another process uses the workdir."""


@contextlib.contextmanager
def sole_run(workdir: str | os.PathLike[str]) -> Iterator[None]:
  """Locks the workdir, which is created if missing, until the block ends.

  Raises:
    WorkdirLockedError: if another process holds the lock, or may hold it.
  """
  folder = pathlib.Path(workdir)
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / LOCK_FILE
  ours = _this_process()
  while not _created(path, ours):
    holder = _holder(path)
    if holder is None:  # Released in the meantime.
      continue
    _refuse_unless_stale(path, holder)
    _remove(path, holder)
  _held[path] = ours
  try:
    yield
  finally:
    _held.pop(path, None)
    _remove(path, ours)


def release_all():
  """Removes all locks of this process, which is about to end."""
  for path, ours in list(_held.items()):
    with contextlib.suppress(OSError):
      _remove(path, ours)


def _this_process() -> dict[str, Any]:
  pid = os.getpid()
  return {
    'host': socket.gethostname(),
    'pid': pid,
    'process_start': process_start(pid),
    'since': time.strftime('%Y-%m-%d %H:%M:%S'),
  }


def process_start(pid: int) -> str | None:
  """When a process started, in a form to compare; None if no such process is alive.

  A later process with the same id has another start.
  """
  stat = pathlib.Path(f'/proc/{pid}/stat')
  if pathlib.Path('/proc/self/stat').exists():
    try:
      # After the name in parentheses, which may contain spaces: state, …, start.
      fields = stat.read_text('utf-8', errors='replace').rpartition(')')[2].split()
    except OSError:
      return None
    if fields[0] in ('Z', 'X'):  # Dead, but its parent has not asked for its status.
      return None
    return f'{_boot()} {fields[19]}'
  listed = subprocess.run(
    ['ps', '-o', 'lstart=', '-p', str(pid)], capture_output=True, text=True, check=False
  )
  return listed.stdout.strip() or None


def _boot() -> str:
  """Identifies the boot: process starts are counted from there."""
  try:
    return pathlib.Path('/proc/sys/kernel/random/boot_id').read_text('utf-8').strip()
  except OSError:
    return ''


def _created(path: pathlib.Path, content: dict[str, Any]) -> bool:
  """Whether the lock was free; it appears with its whole content."""
  unfinished = path.with_name(f'.{path.name}.{uuid.uuid4().hex}.tmp')
  with atomic_files.naming(path, unfinished):
    unfinished.write_text(json.dumps(content) + '\n', 'utf-8')
  try:
    os.link(unfinished, path)
  except FileExistsError:
    return False
  except OSError:  # A file system without hard links.
    try:
      with path.open('x', encoding='utf-8') as lock:
        lock.write(json.dumps(content) + '\n')
    except FileExistsError:
      return False
  finally:
    unfinished.unlink()
  return True


def _holder(path: pathlib.Path) -> dict[str, Any] | None:
  """The lock's content, {} if it cannot be understood; None if there is no lock."""
  try:
    content = json.loads(path.read_text('utf-8', errors='replace'))
  except FileNotFoundError:
    return None
  except json.JSONDecodeError:
    return {}
  return content if isinstance(content, dict) else {}


def _refuse_unless_stale(path: pathlib.Path, holder: dict[str, Any]):
  host, pid, since = (holder.get(name) for name in ('host', 'pid', 'since'))
  if not isinstance(pid, int) or not isinstance(host, str):
    raise WorkdirLockedError(
      f'{path} locks the workdir, but does not say for which process; if no run uses'
      f' {path.parent}, delete {path} and start again'
    )
  if host != socket.gethostname():
    raise WorkdirLockedError(
      f'{path.parent} is in use by process {pid} on host {host} since {since}; wait'
      f' until it ends, or give another --workdir. If it no longer runs, delete {path}'
    )
  alive = process_start(pid)
  if alive is not None and alive == holder.get('process_start'):
    raise WorkdirLockedError(
      f'{path.parent} is in use by process {pid} on this host since {since}; wait until'
      ' it ends, or give another --workdir'
    )


def _remove(path: pathlib.Path, content: dict[str, Any]):
  """Removes the lock if it still has this content.

  Several processes may find one stale lock, and the slowest must not delete the new lock
  of the fastest. All are on this host, where they take turns.
  """
  folder = os.open(path.parent, os.O_RDONLY)
  try:
    with contextlib.suppress(OSError):  # A file system without it.
      fcntl.flock(folder, fcntl.LOCK_EX)
    if _holder(path) == content:
      path.unlink()
  finally:
    os.close(folder)
