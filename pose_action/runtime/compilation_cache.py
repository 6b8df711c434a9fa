"""JAX's compilation cache in the user's cache folder: compile a program once per machine.

The settings are JAX's own environment variables, set before JAX is imported, so that
processes of a sweep or an ensemble share them. A variable that is already set stays.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import pathlib
import platform
import sys
from collections.abc import MutableMapping

import filelock

from pose_action.host.user_paths import user_path

FOLDER = 'JAX_COMPILATION_CACHE_DIR'
_ENABLED = 'JAX_ENABLE_COMPILATION_CACHE'
_LIMIT = 'JAX_COMPILATION_CACHE_MAX_SIZE'
_LEAST_SECONDS = 'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS'
_NO = ('0', 'f', 'false', 'n', 'no', 'off')  # What JAX reads as False.
_MAX_BYTES = 2**30  # Ours: thousands of programs for a CPU, hundreds for a GPU.
# Ours, instead of JAX's 1 s: a run's initial state and most predictions compile faster
# than that. Programs below are single operations, which only fill the folder.
_WORTH_SECONDS = 0.1
# The lines of Linux's /proc/cpuinfo that tell which instructions XLA may use, and how.
_CPU_LINES = (
  *('vendor_id', 'cpu family', 'model', 'model name', 'flags'),  # x86
  *('CPU implementer', 'CPU part', 'CPU variant', 'Features'),  # Arm
)


def use_compilation_cache(
  environment: MutableMapping[str, str] = os.environ,
) -> str | None:
  """Turns the cache on for this process and its children, before JAX is imported.

  Does nothing where JAX_ENABLE_COMPILATION_CACHE is false. A folder that the user names in
  JAX_COMPILATION_CACHE_DIR is used as it is, and nothing in it is ever deleted.

  Returns:
    Why there is no cache, as a line for the user; None if all is well.
  """
  if environment.get(_ENABLED, '').lower() in _NO:
    return None
  environment.setdefault(_LEAST_SECONDS, str(_WORTH_SECONDS))
  if FOLDER in environment:
    return None
  try:
    folder = user_cache_folder(environment) / 'compiled' / _cpu_kind()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_unfinished(folder)
  except (OSError, RuntimeError, NotImplementedError) as error:
    return (
      f'note: no compilation cache, so that each start compiles again: {error}. Name a'
      f' writable folder in {FOLDER}, or set {_ENABLED}=false'
    )
  environment[FOLDER] = str(folder)
  environment.setdefault(_LIMIT, str(_MAX_BYTES))
  return None


def user_cache_folder(environment: MutableMapping[str, str]) -> pathlib.Path:
  """This package's folder among the user's caches, by the platform's convention.

  POSE_ACTION_CACHE names another, as for copies of remote data sets.

  Raises:
    RuntimeError: if the user has no home folder.
  """
  if ours := environment.get('POSE_ACTION_CACHE'):
    return user_path(ours)
  named = environment.get('XDG_CACHE_HOME', '')
  if sys.platform == 'darwin':
    caches = pathlib.Path.home() / 'Library' / 'Caches'
  elif os.path.isabs(named):  # The convention ignores relative paths.
    caches = pathlib.Path(named)
  else:
    caches = pathlib.Path.home() / '.cache'
  return caches / 'pose-action-jax'


def _cpu_kind(processors: str = '/proc/cpuinfo') -> str:
  """A name for this machine's kind of CPU.

  JAX's key of a program lacks it, and XLA runs what was compiled for another CPU, up to
  an illegal instruction. A home folder may be shared by machines of several kinds.
  """
  kind = [platform.machine()]
  try:
    with open(processors, encoding='utf-8') as described:
      # An empty line ends the first processor's lines.
      lines = itertools.takewhile(str.strip, described)
      kind += [line for line in lines if line.partition(':')[0].strip() in _CPU_LINES]
  except (OSError, UnicodeDecodeError):  # Not Linux.
    kind.append(platform.processor())
  return hashlib.sha256('\n'.join(kind).encode()).hexdigest()[:12]


def _remove_unfinished(folder: pathlib.Path):
  """Removes what a kill or a full disk left half-written; checks that we may write.

  JAX writes a program, then the time of its use. A program without that time is
  unfinished, and JAX would warn of it at every start. JAX's own lock keeps programs away
  that another process writes just now.

  Raises:
    OSError: if the folder is not writable; a `TimeoutError` if the lock is not released.
  """
  with filelock.FileLock(folder / '.lockfile', timeout=10):
    names = {path.name for path in folder.iterdir()}
    for name in names:
      program = name.removesuffix('-cache')
      if program != name and f'{program}-atime' not in names:
        (folder / name).unlink()
