"""Signals are noted, then left to their usual handlers; processes agree on them."""

import os
import signal
import threading
import time

import pytest

from pose_action.runtime import sharding
from pose_action.runtime.stop_signals import StopSignals


def _handlers():
  return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted(number):
  before = _handlers()
  with StopSignals() as stop:
    assert stop.poll() == 0
    os.kill(os.getpid(), number)
    assert stop.poll() == number
    assert stop.poll() == number
    assert _handlers() == before  # A second one acts at once.
  assert _handlers() == before


def test_a_second_ctrl_c_interrupts():
  with pytest.raises(KeyboardInterrupt), StopSignals() as stop:
    os.kill(os.getpid(), signal.SIGINT)
    assert stop.poll() == signal.SIGINT
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)  # Another thread may receive the signal first.


def test_outside_the_main_thread_nothing_is_noted():
  before, seen = _handlers(), []

  def work():
    with StopSignals() as stop:
      seen.append((stop.poll(), _handlers()))

  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert seen == [(0, before)]


def test_processes_agree_once_per_second(monkeypatch):
  """A poll per 1/8 s; the other process is signalled at poll 27."""
  now, agreements, poll = [0.0], [], [0]

  def largest(values):
    agreements.append(poll[0])
    return [max(values[0], 15 if poll[0] >= 27 else 0), values[1]]

  monkeypatch.setattr(sharding, 'is_alone', lambda: False)
  monkeypatch.setattr(sharding, 'largest_of_all', largest)
  stop = StopSignals(lambda: now[0])
  answers = []
  for number in range(1, 41):
    now[0] += 0.125
    poll[0] = number
    answers.append(stop.poll())
  assert agreements == [1, 3, 7, 15, 23, 31]
  assert answers == [0] * 30 + [15] * 10
