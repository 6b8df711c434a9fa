"""Ctrl-C and SIGTERM as requests to stop, on which all processes of a job agree."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from pose_action.host import workdir_lock
from pose_action.runtime import sharding

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SECONDS_BETWEEN_AGREEMENTS = 1.0
_MOST_POLLS_BETWEEN_AGREEMENTS = 1000
_NOTED = (
  b'stopping: the step in progress is finished and saved first (the first one also'
  b' compiles)\n'
)
_owns_process = False


@contextlib.contextmanager
def owning_process() -> Iterator[None]:
  """Lets `StopSignals.leaving` end the process while the block runs.

  Only a program of its own may do so: in a notebook, the process is the user's.
  """
  global _owns_process
  _owns_process = True
  try:
    yield
  finally:
    _owns_process = False


def stopped_at(step: int) -> str:
  """What a run says when it was stopped."""
  return f'stopped at step {step}; the same command resumes'


class StopSignals:
  """Notes the first Ctrl-C or SIGTERM while it is entered; a context manager.

  Work is divided into short parts, with a call of `poll` after each. A second signal
  acts as if this class did not exist, so that Ctrl-C twice ends a program at once.
  Process 0 says at once that it noted the signal.

  With several processes, all must call `poll` equally often. They exchange their
  signals about once per second, not at each call, so that the devices rarely wait.

  Args:
    clock: monotonic seconds.
  """

  def __init__(self, clock: Callable[[], float] = time.monotonic):
    self._received = 0
    self._agreed = 0
    self._previous: dict[int, Any] = {}
    self._announcement: _Announcement | None = None
    self._leaving = threading.Lock()
    self._leaves_at: int | None = None
    self._clock = clock
    self._polls = 0
    self._polls_to_agreement = 1
    self._last_agreement = clock()

  def __enter__(self) -> StopSignals:
    # Python runs handlers in the main thread only, and refuses to set them elsewhere.
    if threading.current_thread() is threading.main_thread():
      self._previous = {s: signal.signal(s, self._note) for s in _SIGNALS}
      if sharding.is_first():
        self._announcement = _Announcement(self._answer)
    return self

  def __exit__(self, *exception) -> None:
    self._restore()
    if self._announcement is not None:
      self._announcement.close()

  def poll(self) -> int:
    """The signal to stop for, the same in all processes of the job; 0 if there is none."""
    if self._agreed or sharding.is_alone():
      return self._agreed or self._received
    self._polls += 1
    if self._polls < self._polls_to_agreement:
      return 0
    # Process 0 says how many polls take about a second; the others follow.
    elapsed = max(self._clock() - self._last_agreement, 1e-6)
    polls = int(self._polls * _SECONDS_BETWEEN_AGREEMENTS / elapsed)
    polls = min(polls, 2 * self._polls, _MOST_POLLS_BETWEEN_AGREEMENTS)
    own = polls if sharding.is_first() else 0
    self._agreed, agreed_polls = sharding.largest_of_all([self._received, own])
    self._polls_to_agreement = max(agreed_polls, 1)
    self._polls, self._last_agreement = 0, self._clock()
    return self._agreed

  @contextlib.contextmanager
  def leaving(self, step: int) -> Iterator[None]:
    """Ends the process at a signal while the block runs, without waiting for the block.

    For a block with nothing to save, which may compile: Python cannot interrupt a
    compilation. The locks of workdirs are released, the exit status is 128 + signal.

    It has no effect unless the process is the program's own (`owning_process`), and in a
    job of several processes, which have to agree on a stop.

    Args:
      step: the step of the checkpoint that a resumed run starts from; 0 for none.
    """
    if not (_owns_process and self._announcement is not None and sharding.is_alone()):
      yield
      return
    with self._leaving:
      self._leaves_at = step
    if self._received:
      _leave(step, self._received)
    try:
      yield
    finally:
      with self._leaving:  # Not while the other thread ends the process.
        self._leaves_at = None

  def _answer(self, number: int) -> None:
    """Runs in another thread as soon as a signal arrives."""
    with self._leaving:
      if self._leaves_at is not None:
        _leave(self._leaves_at, number)
    os.write(2, _NOTED)

  def _note(self, number: int, frame: object) -> None:
    self._received = number
    self._restore()

  def _restore(self) -> None:
    for number, handler in self._previous.items():
      # A handler that was not set from Python, such as that of JAX, cannot be set again.
      signal.signal(number, signal.SIG_DFL if handler is None else handler)
    self._previous = {}


def _leave(step: int, signal_number: int) -> NoReturn:
  workdir_lock.release_all()
  with contextlib.suppress(ValueError, OSError):  # A closed or broken pipe.
    sys.stdout.flush()
  os.write(2, f'{stopped_at(step)}\n'.encode())
  os._exit(128 + signal_number)


class _Announcement:
  """Answers the first signal, also while the handler in Python has to wait.

  Python calls handlers between two operations of the main thread, and a compilation is
  one operation. The handler in C writes to a pipe at once, and a thread reads it.

  Args:
    answer: called with the signal's number, in that thread.
  """

  def __init__(self, answer: Callable[[int], object]):
    self._answer = answer
    self._reading, self._writing = os.pipe()
    os.set_blocking(self._writing, False)
    self._previous = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
    self._thread = threading.Thread(target=self._wait, daemon=True)
    self._thread.start()

  def _wait(self):
    while number := os.read(self._reading, 1):  # Until the other end is closed.
      if number[0] in _SIGNALS:
        self._answer(number[0])
        return

  def close(self):
    signal.set_wakeup_fd(self._previous)
    os.close(self._writing)
    self._thread.join()
    os.close(self._reading)
