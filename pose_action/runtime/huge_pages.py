"""Working memory in huge pages: a tenth to a quarter of a training step on Linux CPUs.

XLA gives a step's working memory back when the step ends, so that Linux hands out, and
clears, each page of 4 KiB again in the next one: 10,000 to 100,000 pages. With pages of
2 MiB almost nothing of that is left. The C library asks for them only if the variable
GLIBC_TUNABLES says so when a process starts; no call changes it later.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import sys

_VARIABLE = 'GLIBC_TUNABLES'
_TUNABLE = 'glibc.malloc.hugetlb'
_LEAST_VERSION = (2, 35)  # of the C library, the first with this tunable
_TOOLS = 6  # Python's numbers of debuggers and profilers: 0 to 5
# What Linux does without being asked, in brackets: always, madvise (nothing) or never.
_MODE = pathlib.Path('/sys/kernel/mm/transparent_hugepage/enabled')


def restart_with_huge_pages():
  """Starts the running command again, in the same process, with huge pages.

  Only for programs, before they have done anything. Returns without a restart where it
  would not help, where the tunable has a value (`GLIBC_TUNABLES=glibc.malloc.hugetlb=0`
  leaves huge pages out), and under a debugger or profiler. Child processes inherit the
  variable.
  """
  if not _would_help() or _is_watched():
    return
  asked = [os.environ.get(_VARIABLE), f'{_TUNABLE}=1']
  os.environ[_VARIABLE] = ':'.join(filter(None, asked))
  with contextlib.suppress(OSError):
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _is_watched() -> bool:
  """Whether a debugger or profiler runs, which a restart would leave behind."""
  if sys.gettrace() or sys.getprofile():
    return True
  monitoring = getattr(sys, 'monitoring', None)  # From Python 3.12 on.
  return monitoring is not None and any(map(monitoring.get_tool, range(_TOOLS)))


def _would_help() -> bool:
  if sys.platform != 'linux' or not sys.executable:
    return False
  if _TUNABLE in os.environ.get(_VARIABLE, ''):
    return False
  try:
    version = os.confstr('CS_GNU_LIBC_VERSION') or ''
    is_asked_for = '[madvise]' in _MODE.read_text()
  except (OSError, ValueError):  # No such file; another C library.
    return False
  found = re.fullmatch(r'glibc (\d+)\.(\d+).*', version)
  is_known = found is not None and tuple(map(int, found.groups())) >= _LEAST_VERSION
  return is_known and is_asked_for
