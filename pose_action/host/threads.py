"""Work shared by several threads, with the results in order."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Generator, Iterable
from concurrent import futures
from typing import Any, TypeVar

T = TypeVar('T')


def usable_cores() -> int:
  """How many cores this process may use, as os.process_cpu_count() of Python 3.13."""
  if hasattr(os, 'sched_getaffinity'):  # Linux.
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def read_ahead(items: Iterable[T], count: int) -> Generator[T, None, None]:
  """Yields the items, of which a thread fetches up to `count` before they are asked for.

  Raises:
    Exception: whatever `items` raises, after the items before it.
  """
  end = object()
  iterator = iter(items)
  pool = futures.ThreadPoolExecutor(1)
  waiting: collections.deque[futures.Future[Any]] = collections.deque()
  try:
    for _ in range(count):
      waiting.append(pool.submit(next, iterator, end))
    while (item := waiting.popleft().result()) is not end:
      waiting.append(pool.submit(next, iterator, end))
      yield item
  finally:
    pool.shutdown(cancel_futures=True)


def in_order(
  calls: Iterable[Callable[[], T]], threads: int
) -> Generator[T, None, None]:
  """Yields what the calls return, in order; several threads call ahead of the reader.

  Calls are taken from `calls` in the reader's thread, one at a time, so that making them
  need not be safe for threads. At most `threads` + 1 results wait for the reader.

  Args:
    threads: with 0 or 1, each call is made when its result is asked for, in the reader's
      thread.

  Raises:
    Exception: whatever a call raises, in the place of its result; later calls are not
      made.
  """
  if threads < 2:
    for call in calls:
      yield call()
    return
  pool = futures.ThreadPoolExecutor(threads)
  waiting: collections.deque[futures.Future[T]] = collections.deque()
  try:
    for call in calls:
      waiting.append(pool.submit(call))
      if len(waiting) > threads:
        yield waiting.popleft().result()
    while waiting:
      yield waiting.popleft().result()
  finally:
    pool.shutdown(cancel_futures=True)
