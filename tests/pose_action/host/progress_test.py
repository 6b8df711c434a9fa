"""Progress lines with a clock that the test sets; a bar on a terminal."""

import io
import sys

import pytest

from pose_action.host import progress
from pose_action.host.progress import Progress, in_words


class Clock:
  def __init__(self):
    self.now = 0.0

  def __call__(self):
    return self.now


@pytest.fixture
def clock():
  return Clock()


def test_count_rate_and_time_left_once_a_second(clock):
  lines = []
  work = Progress(10, 'clips', lines.append, clock=clock)
  for clock.now in (0.5, 1.0, 1.5, 2.0):
    work.add()
  assert lines == [
    '2/10 clips, 2.0 per second, 4 s left',
    '4/10 clips, 2.0 per second, 3 s left',
  ]


def test_several_at_once_with_what_is_under_way(clock):
  lines = []
  work = Progress(10, 'frames', lines.append, clock=clock)
  clock.now = 2.0
  work.add(4, label='walk.mp4')
  assert lines == ['walk.mp4: 4/10 frames, 2.0 per second, 3 s left']


def test_a_corrected_total_and_more_than_promised(clock):
  lines = []
  work = Progress(100, 'frames', lines.append, clock=clock)
  work.add(20)
  work.total -= 30
  clock.now = 2.5
  work.add(5)
  clock.now = 5
  work.add(75)
  assert lines[0] == '25/70 frames, 10.0 per second, 4 s left'
  assert lines[1] == '100/100 frames, 20.0 per second, 0 s left'


class Terminal(io.StringIO):
  def isatty(self):
    return True


def test_a_bar_on_a_terminal_and_lines_above_it(clock, monkeypatch, capsys):
  terminal = Terminal()
  monkeypatch.setattr(sys, 'stderr', terminal)
  work = Progress(4, 'clips', progress.say, clock=clock)
  clock.now = 2.0
  work.add(2, label='train')
  progress.say('left out x')
  work.close()
  assert capsys.readouterr().out == 'left out x\n'
  assert 'train:  50%' in terminal.getvalue()
  assert '2/4 [' in terminal.getvalue()


def test_no_bar_where_lines_go_elsewhere(clock, monkeypatch):
  terminal = Terminal()
  monkeypatch.setattr(sys, 'stderr', terminal)
  Progress(4, 'clips', print, clock=clock).add(2)
  assert terminal.getvalue() == ''


def test_time_in_words():
  assert in_words(44.6) == '45 s'
  assert in_words(130) == '2 min 10 s'
  assert in_words(3 * 3600 + 300) == '3 h 05 min'
  assert in_words(2 * 86400 + 4 * 3600) == '2 d 4 h'
