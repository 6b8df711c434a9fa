"""Results of several threads come in order, a few ahead of the reader."""

import functools
import threading

import pytest

from pose_action.host.threads import in_order, read_ahead, usable_cores


@pytest.mark.parametrize('threads', [0, 1, 2, 5])
def test_results_are_in_order(threads):
  """Even numbers wait for the next odd one, which another thread must have begun."""
  begun = [threading.Event() for _ in range(6)]

  def call(number):
    begun[number].set()
    if threads > 1 and number % 2 == 0:
      assert begun[number + 1].wait(timeout=60)
    return number

  calls = (functools.partial(call, number) for number in range(6))
  assert list(in_order(calls, threads)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(('threads', 'taken'), [(1, 1), (2, 3), (3, 4)])
def test_calls_are_taken_in_the_reader_s_thread_and_a_few_ahead(threads, taken):
  made = []

  def calls():
    for number in range(9):
      made.append((number, threading.current_thread()))
      yield lambda: None

  results = in_order(calls(), threads)
  next(results)
  results.close()
  assert made == [(number, threading.current_thread()) for number in range(taken)]


@pytest.mark.parametrize('threads', [1, 3])
def test_an_error_is_in_the_place_of_its_result(threads):
  results = in_order((functools.partial(divmod, 1, n) for n in (2, 1, 0, 3)), threads)
  assert (next(results), next(results)) == ((0, 1), (1, 0))
  with pytest.raises(ZeroDivisionError):
    next(results)


def test_closing_leaves_no_thread():
  before = threading.active_count()
  results = in_order([lambda: 1] * 5, 3)
  next(results)
  assert threading.active_count() > before
  results.close()
  assert threading.active_count() == before


def test_at_least_one_core():
  assert usable_cores() >= 1


def test_items_are_fetched_ahead_and_in_order():
  fetched, third = [], threading.Event()

  def items():
    for number in range(6):
      fetched.append(number)
      if number == 2:
        third.set()
      yield number

  ahead = read_ahead(items(), 2)
  assert next(ahead) == 0
  assert third.wait(timeout=60)  # Before the second is asked for.
  assert list(ahead) == [1, 2, 3, 4, 5]
  fetched.clear()
  ahead = read_ahead(items(), 2)
  next(ahead)
  ahead.close()  # Waits for the thread.
  assert 1 <= len(fetched) <= 3


def test_what_items_raise_comes_after_the_items_before_it():
  def items():
    yield 1
    raise ZeroDivisionError

  before = threading.active_count()
  ahead = read_ahead(items(), 3)
  assert next(ahead) == 1
  with pytest.raises(ZeroDivisionError):
    next(ahead)
  assert threading.active_count() == before
