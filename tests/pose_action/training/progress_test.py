"""A loop with a clock that the test sets; every number worked by hand."""

import pytest

from pose_action.host.progress import in_words
from pose_action.training.progress import TrainingProgress


class Clock:
  """A clock that advances only by `wait`."""

  def __init__(self):
    self.now = 1000.0

  def __call__(self):
    return self.now

  def wait(self, seconds):
    self.now += seconds


@pytest.fixture
def clock():
  return Clock()


def _progress(clock, lines=None, **changes):
  fields = {
    'total_steps': 100,
    'start_step': 0,
    'steps_per_epoch': 10,
    'clips_per_step': 32,
    'report': print if lines is None else lines.append,
    'clock': clock,
  }
  return TrainingProgress(**(fields | changes))


def _steps(progress, clock, count, step=0.2, data=0.0, *, computing=False):
  for _ in range(count):
    with progress.waiting_for_data(lambda: computing):
      clock.wait(data)
    with progress.stepping():
      clock.wait(step)


def _evaluate(progress, clock, seconds):
  with progress.evaluating():
    clock.wait(seconds)


def test_line_without_the_first_compiling_step(clock):
  progress = _progress(clock, total_steps=1600, steps_per_epoch=40)
  _steps(progress, clock, 1, step=60.0)
  _steps(progress, clock, 119, step=0.19, data=0.01)
  # 0.2 s per step: 160 clips/s and 1480 · 0.2 = 296 s; with compilation 46 clips/s.
  assert progress.line(120, {'loss': 1.23402, 'accuracy': 0.61}) == (
    'epoch 3/40  step 120/1600  loss 1.234  accuracy 0.61  160 clips/s  data 5.0 %'
    '  4 min 56 s left'
  )


def test_there_is_no_pace_before_it_can_be_known(clock):
  progress = _progress(clock)
  assert progress.pace() is None
  _steps(progress, clock, 1, step=60.0)
  assert progress.pace() is None
  assert progress.line(1, {'loss': 2.5}) == 'epoch 1/10  step 1/100  loss 2.5'


def test_pace_is_of_the_recent_window(clock):
  lines = []
  progress = _progress(clock, lines, total_steps=1000)
  for _ in range(5):
    _steps(progress, clock, 10, step=1.0)
    progress.log(0, {})
  slow = progress.pace()
  for _ in range(5):
    _steps(progress, clock, 10, step=0.1)
    progress.log(0, {})
  fast = progress.pace()
  assert len(lines) == 10
  assert slow is not None
  assert fast is not None
  assert slow.clips_per_second == pytest.approx(32.0)
  assert fast.clips_per_second == pytest.approx(320.0)  # Over the whole run it is 58.
  assert fast.seconds_left == pytest.approx(90.0)


def test_evaluation_is_left_out_of_the_rate_and_counted_into_time_left(clock):
  progress = _progress(clock)
  _steps(progress, clock, 10)
  _evaluate(progress, clock, 3.0)
  _evaluate(progress, clock, 4.0)  # Another split at the same step: 7 s together.
  _steps(progress, clock, 5)
  pace = progress.pace()
  assert pace is not None
  assert pace.clips_per_second == pytest.approx(160.0)
  # 85 steps of 0.2 s, and nine evaluations at 20, 30, … 100.
  assert pace.seconds_left == pytest.approx(85 * 0.2 + 9 * 7.0)


def test_the_latest_evaluation_foretells_the_rest(clock):
  progress = _progress(clock)
  _evaluate(progress, clock, 50.0)  # Before the first step: it will not recur.
  _steps(progress, clock, 20)
  pace = progress.pace()
  assert pace is not None
  assert pace.seconds_left == pytest.approx(80 * 0.2)
  _evaluate(progress, clock, 30.0)  # Compiles.
  _steps(progress, clock, 20)
  _evaluate(progress, clock, 5.0)
  pace = progress.pace()
  assert pace is not None
  assert pace.seconds_left == pytest.approx(60 * 0.2 + 3 * 5.0)


def test_time_is_accounted_by_what_it_was_spent_on(clock):
  progress = _progress(clock)
  _steps(progress, clock, 4, step=0.5, data=0.25)
  _evaluate(progress, clock, 3.0)
  clock.wait(9.0)  # Other work in the loop.
  assert progress.seconds == {'data': 1.0, 'step': 2.0, 'evaluation': 3.0}


def test_a_batch_that_comes_while_a_step_runs_is_not_waited_for(clock):
  progress = _progress(clock)
  _steps(progress, clock, 4, step=0.5, data=0.25, computing=True)
  assert progress.seconds == {'data': 0.0, 'step': 2.0, 'evaluation': 0.0}
  assert progress.pace().data_share == 0


def test_a_resumed_run_counts_its_own_steps(clock):
  progress = _progress(clock, start_step=90)
  _steps(progress, clock, 1, step=60.0)
  _steps(progress, clock, 4)
  line = progress.line(95, {})
  assert line == 'epoch 10/10  step 95/100  160 clips/s  data 0.0 %  1 s left'


def test_the_last_line_says_how_long_it_took(clock):
  progress = _progress(clock, total_steps=15)
  _steps(progress, clock, 15, step=10.0)
  line = progress.line(15, {})
  assert line == 'epoch 2/2  step 15/15  3.2 clips/s  data 0.0 %  2 min 30 s in all'


def test_log_reports_the_line(clock, capsys):
  progress = _progress(clock)
  _steps(progress, clock, 1)
  progress.log(1, {'learning_rate': 0.001})
  assert capsys.readouterr().out == 'epoch 1/10  step 1/100  learning rate 0.001\n'


@pytest.mark.parametrize(
  ('seconds', 'words'),
  [
    (0.4, '0 s'),
    (59.6, '1 min 0 s'),
    (130, '2 min 10 s'),
    (3 * 3600 + 5 * 60 + 59, '3 h 05 min'),
    (2 * 86400 + 4 * 3600, '2 d 4 h'),
  ],
)
def test_seconds_in_words(seconds, words):
  assert in_words(seconds) == words
