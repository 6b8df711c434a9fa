"""Signals are noted, then left to their usual handlers; processes agree on them."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from places import PYTHON_PATH

from pose_action.runtime import sharding, stop_signals
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
  # A program in the background of a shell ignores Ctrl-C from the start.
  previous = signal.signal(signal.SIGINT, signal.default_int_handler)
  with pytest.raises(KeyboardInterrupt), StopSignals() as stop:
    os.kill(os.getpid(), signal.SIGINT)
    assert stop.poll() == signal.SIGINT
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)  # Another thread may receive the signal first.
  signal.signal(signal.SIGINT, previous)


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


_BUSY = """
import hashlib, os
from pose_action.runtime.stop_signals import StopSignals

class Signals(StopSignals):
  def _note(self, number, frame):
    os.write(2, b'noted\\n')
    super()._note(number, frame)

with Signals() as stop:
  print('busy', flush=True)
  # One operation in C, as a compilation is.
  hashlib.pbkdf2_hmac('sha256', b'', b'', 6_000_000)
  print(stop.poll())
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_while_python_cannot_run_handlers(number):
  with subprocess.Popen(
    [sys.executable, '-c', _BUSY],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'JAX_PLATFORMS': 'cpu'},
  ) as child:
    assert child.stdout is not None and child.stderr is not None
    assert child.stdout.readline() == 'busy\n'
    time.sleep(0.2)
    child.send_signal(number)
    said = child.stderr.read().splitlines()
    assert child.stdout.read() == f'{int(number)}\n'
  assert said == [
    'stopping: the step in progress is finished and saved first (the first one also'
    ' compiles)',
    'noted',
  ]


_COMPILING = """
import hashlib, sys
from pose_action.host.workdir_lock import sole_run
from pose_action.runtime.stop_signals import StopSignals, owning_process

with owning_process(), sole_run(sys.argv[1]), StopSignals() as stop:
  with stop.leaving(7):
    pass
  print('busy', flush=True)
  print('buffered', end='')
  with stop.leaving(8):
    hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)  # Minutes, in C.
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_block_with_nothing_to_save_is_left_at_once(number, tmp_path):
  with subprocess.Popen(
    [sys.executable, '-c', _COMPILING, str(tmp_path)],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'JAX_PLATFORMS': 'cpu'},
  ) as child:
    assert child.stdout is not None and child.stderr is not None
    assert child.stdout.readline() == 'busy\n'
    assert [path.name for path in tmp_path.iterdir()] == ['run.lock']
    time.sleep(0.2)
    child.send_signal(number)
    started = time.monotonic()
    # What `readline` read too far ahead is lost to `communicate`.
    printed, said = child.stdout.read(), child.stderr.read()
    child.wait(timeout=60)
    assert time.monotonic() - started < 5
  assert child.returncode == 128 + number
  assert said == 'stopped at step 8; the same command resumes\n'
  assert printed == 'buffered'
  assert not list(tmp_path.iterdir())  # The lock is released.


def _leaves(monkeypatch):
  """Collects (step, signal) where the process would end."""
  left = []
  monkeypatch.setattr(stop_signals, '_leave', lambda *where: left.append(where))
  return left


def test_a_signal_just_before_the_block_counts(monkeypatch):
  left = _leaves(monkeypatch)
  with stop_signals.owning_process(), StopSignals() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.poll() == signal.SIGTERM
    with stop.leaving(3):
      pass
  assert left == [(3, signal.SIGTERM)]


@pytest.mark.parametrize('case', ['a notebook', 'several processes', 'after the block'])
def test_a_process_is_not_left_where_it_must_not_be(case, monkeypatch):
  left = _leaves(monkeypatch)
  if case == 'several processes':
    monkeypatch.setattr(sharding, 'is_alone', lambda: False)
  owning = stop_signals.owning_process()
  if case == 'a notebook':
    owning = contextlib.nullcontext()
  with owning, StopSignals() as stop:
    with stop.leaving(3):
      if case != 'after the block':
        os.kill(os.getpid(), signal.SIGTERM)
    if case == 'after the block':
      os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
  assert left == []


def test_nothing_stays_open():
  before = os.listdir('/dev/fd')
  for _ in range(3):
    with StopSignals():
      pass
  assert os.listdir('/dev/fd') == before
  assert signal.set_wakeup_fd(-1) == -1
