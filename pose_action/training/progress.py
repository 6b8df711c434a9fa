"""A training run's progress, speed and remaining time, as lines for the terminal."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping

from pose_action.host.progress import in_words

_WINDOW = 5  # Lines; long enough to be steady, short enough to be recent (ours).


@dataclasses.dataclass(frozen=True)
class Pace:
  """Measurements over the recent window; speed and share leave evaluations out.

  Attributes:
    clips_per_second: training clips.
    data_share: 0..1, the share of the time that the devices waited for data.
    seconds_left: until the last step, including the evaluations still to come.
  """

  clips_per_second: float
  data_share: float
  seconds_left: float


@dataclasses.dataclass(frozen=True)
class _Mark:
  """A moment between two steps, and the seconds spent until then."""

  step: int
  time: float
  data: float
  evaluation: float


class TrainingProgress:
  """Measures where a training loop spends its time.

  The loop wraps its work in `waiting_for_data()`, `stepping()` (one step each) and
  `evaluating()`. It calls `log(step, metrics)` after it has fetched the metrics from the
  device: only then have the steps really finished.

  Args:
    total_steps: the run's last step.
    start_step: the step that the run starts or resumes from.
    steps_per_epoch: global batches per pass over the training clips.
    clips_per_step: the global batch size.
    report: receives each line.
    clock: monotonic seconds.
  """

  def __init__(
    self,
    total_steps: int,
    start_step: int,
    steps_per_epoch: int,
    *,
    clips_per_step: int,
    report: Callable[[str], object] = print,
    clock: Callable[[], float] = time.monotonic,
  ):
    self._total_steps = total_steps
    self._steps_per_epoch = steps_per_epoch
    self._clips_per_step = clips_per_step
    self._report = report
    self._clock = clock
    self._start = clock()
    self._step = start_step
    self.seconds = {'data': 0.0, 'step': 0.0, 'evaluation': 0.0}
    # It starts after the first step, which compiles.
    self._window: collections.deque[_Mark] = collections.deque(maxlen=_WINDOW)
    self._evaluated_at = start_step
    self._evaluation_interval = 0
    self._evaluation_seconds = 0.0  # Of the latest evaluation, with all its parts.

  @contextlib.contextmanager
  def waiting_for_data(self, computing: Callable[[], bool]) -> Iterator[None]:
    """Wraps the reading of a batch.

    Steps run beside the loop, so it is a wait only where they have ended before the batch
    is there; then all of it counts.

    Args:
      computing: whether a step still runs, on this process's devices.
    """
    start = self._clock()
    yield
    if not computing():
      self.seconds['data'] += self._clock() - start

  @contextlib.contextmanager
  def stepping(self) -> Iterator[None]:
    """Wraps one training step."""
    with self._timed('step'):
      yield
    self._step += 1
    if not self._window:
      self._window.append(self._mark())

  @contextlib.contextmanager
  def evaluating(self) -> Iterator[None]:
    """Wraps an evaluation; several at the same step count as one."""
    before = self.seconds['evaluation']
    with self._timed('evaluation'):
      yield
    if self._step > self._evaluated_at:
      self._evaluation_interval = self._step - self._evaluated_at
      self._evaluated_at = self._step
      self._evaluation_seconds = 0.0
    self._evaluation_seconds += self.seconds['evaluation'] - before

  def log(self, step: int, metrics: Mapping[str, float]) -> None:
    """Reports `line(step, metrics)` and moves the window."""
    self._report(self.line(step, metrics))
    if self._window:
      self._window.append(self._mark())

  def line(self, step: int, metrics: Mapping[str, float]) -> str:
    """For example `epoch 3/40  step 120/1600  loss 1.234  152 clips/s  …  45 s left`.

    The first step compiles, so that the speed is left out until the second is done.
    """
    epochs = math.ceil(self._total_steps / self._steps_per_epoch)
    epoch = math.ceil(max(step, 1) / self._steps_per_epoch)
    parts = [f'epoch {epoch}/{epochs}', f'step {step}/{self._total_steps}']
    parts += [f'{name.replace("_", " ")} {v:.4g}' for name, v in metrics.items()]
    pace = self.pace()
    if pace:
      parts += [
        f'{_rounded(pace.clips_per_second)} clips/s',
        f'data {100 * pace.data_share:.1f} %',
      ]
    if step >= self._total_steps:
      parts.append(f'{in_words(self._clock() - self._start)} in all')
    elif pace:
      parts.append(f'{in_words(pace.seconds_left)} left')
    return '  '.join(parts)

  def pace(self) -> Pace | None:
    """The pace since the window's first mark; None before the window holds a step."""
    if not self._window or self._step == self._window[0].step:
      return None
    since, now = self._window[0], self._mark()
    steps = now.step - since.step
    seconds = (now.time - since.time) - (now.evaluation - since.evaluation)
    seconds_per_step = max(seconds, 1e-9) / steps  # The clock may be coarse.
    steps_left = self._total_steps - self._step
    return Pace(
      clips_per_second=self._clips_per_step / seconds_per_step,
      data_share=(now.data - since.data) / max(seconds, 1e-9),
      seconds_left=steps_left * seconds_per_step + self._evaluation_left(),
    )

  def _evaluation_left(self) -> float:
    """Seconds for the evaluations to come, if as frequent and as long as the latest."""
    if not self._evaluation_interval:
      return 0.0
    to_come = (self._total_steps - self._evaluated_at) // self._evaluation_interval
    return to_come * self._evaluation_seconds

  def _mark(self) -> _Mark:
    return _Mark(
      step=self._step,
      time=self._clock(),
      data=self.seconds['data'],
      evaluation=self.seconds['evaluation'],
    )

  @contextlib.contextmanager
  def _timed(self, what: str) -> Iterator[None]:
    start = self._clock()
    yield
    self.seconds[what] += self._clock() - start


def _rounded(rate: float) -> str:
  return f'{rate:.0f}' if rate >= 10 else f'{rate:.1f}'
