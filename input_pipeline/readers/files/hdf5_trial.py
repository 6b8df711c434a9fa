"""Reads a HDF5 file completely in another process first.

Damaged files can end the process inside the HDF5 library, without an exception. A child
process reads every file once before this process does; if the child ends, or needs too
long or too much memory, the file is refused. The child stays for the next file.

This file is also the child's program: it reads one path per line, and answers each with a
line of JSON. It imports nothing of this library, so that it starts fast.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import threading
from typing import Any

# All limits are ours.
_SECONDS = 4.0  # Plus the time to read a large file slowly:
_BYTES_PER_SECOND = 20 << 20
_LEAST_MEMORY = 1 << 30  # Address space for the child, of which libraries need a half.
_START_SECONDS = 60.0  # A loaded machine may import h5py slowly.


class TrialError(ValueError):
  """A file that cannot be read safely; the message, after the file's name, says why."""


def read_on_trial(path: pathlib.Path, largest: int):
  """Reads a file in the child process, unless it was read before and has not changed.

  Args:
    path: the file.
    largest: the most bytes that its arrays may have.

  Raises:
    TrialError: if the file cannot be read there.
  """
  status = path.stat()
  fault = _fault(path.absolute(), largest, status.st_mtime_ns, status.st_size)
  if fault:
    raise TrialError(fault)


@functools.lru_cache(maxsize=1024)
def _fault(path: pathlib.Path, largest: int, time: int, size: int) -> str:
  """Why a file cannot be read; '' if it can."""
  del time  # Part of the cache's key.
  if not sys.executable or os.name != 'posix':
    return ''
  request = json.dumps([os.fspath(path), largest])
  return _CHILD.ask(request, _SECONDS + size / _BYTES_PER_SECOND)


class _Child:
  """The child process, started when a file is first read and after it ended."""

  def __init__(self):
    self._process: subprocess.Popen[str] | None = None
    self._owner = 0  # The process that started it.
    self._lock = threading.Lock()

  def ask(self, request: str, seconds: float) -> str:
    """The child's answer: why a file cannot be read, or ''."""
    with self._lock:
      process = self._started()
      with contextlib.suppress(BrokenPipeError):
        print(request, file=process.stdin, flush=True)
      answer = _line(process, seconds)
      if answer:
        return json.loads(answer)
      with contextlib.suppress(subprocess.TimeoutExpired):
        # A child that has ended by itself, or that is still reading.
        process.wait(0.2 if answer == '' else 0)
      code = process.poll()
      self.stop()
      if code is None:
        return f'cannot be read within {seconds:.0f} seconds, so it is probably damaged'
      ended = signal.Signals(-code).name if code < 0 else f'exit status {code}'
      return f'is damaged, so that reading it ends a process ({ended})'

  def stop(self):
    if self._process is not None and self._owner == os.getpid():
      self._process.kill()
      self._process.communicate()
    self._process = None

  def _started(self) -> subprocess.Popen[str]:
    # After a fork, the child belongs to the other process.
    if self._process is not None and (
      self._owner != os.getpid() or self._process.poll() is not None
    ):
      self.stop()
    if self._process is None:
      self._process = subprocess.Popen(
        [sys.executable, '-P', __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
      )
      self._owner = os.getpid()
      _line(self._process, _START_SECONDS)
    return self._process


_CHILD = _Child()
atexit.register(_CHILD.stop)


def _line(process: subprocess.Popen[str], seconds: float) -> str | None:
  """The child's next line; '' if it has ended, None if there is none in time."""
  assert process.stdout is not None
  ready, _, _ = select.select([process.stdout], [], [], seconds)
  return process.stdout.readline() if ready else None


def _serve():
  """The child's program."""
  import resource

  import h5py

  signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent is interrupted, too.
  resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
  print(json.dumps(''), flush=True)
  for line in sys.stdin:
    path, largest = json.loads(line)
    limits = (_LEAST_MEMORY + largest, resource.RLIM_INFINITY)
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit.
      resource.setrlimit(resource.RLIMIT_AS, limits)
    try:
      with h5py.File(path) as file:
        check_sizes(file, largest, os.path.getsize(path))
        _read(file)
        file.visititems(lambda name, item: _read(item))
      fault = ''
    except TrialError as error:
      fault = str(error)
    # A broken file can raise almost any exception.
    except Exception as error:
      fault = f'is not a readable HDF5 file: {type(error).__name__}: {error}'[:500]
    print(json.dumps(fault), flush=True)


def check_sizes(file: Any, largest: int, size: int):
  """Checks the size of all arrays before one is read: 1 kB may declare terabytes.

  Parts that are in other files have no size here, and are refused.

  Args:
    file: a `h5py.File`.
    largest: the most bytes that its arrays may have.
    size: the bytes of the file itself.

  Raises:
    TrialError: if the arrays are larger, or in another file.
  """
  import h5py

  sizes: list[int] = []
  elsewhere: list[str] = []  # Raising in a visit of links ends in another error.

  def visit_link(name: str, link: Any):
    if isinstance(link, h5py.ExternalLink):
      elsewhere.append(name)

  def visit(name: str, item: Any):
    if getattr(item, 'external', None) or getattr(item, 'is_virtual', False):
      elsewhere.append(name)
    sizes.append(getattr(item, 'nbytes', 0))

  file.visititems_links(visit_link)
  file.visititems(visit)
  if elsewhere:
    raise TrialError(f'takes {elsewhere[0]!r:.80} from another file, which is not read')
  if sum(sizes) > largest:
    raise TrialError(
      f'declares arrays of {sum(sizes):,} bytes, but may hold at most {largest:,},'
      f' because the file has {size:,}'
    )


def _read(item: Any):
  for name in item.attrs:
    item.attrs[name]
  if hasattr(item, 'dtype'):
    item[()]


if __name__ == '__main__':
  _serve()
