"""Progress of long work: a bar on a terminal, otherwise about a line per second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tqdm import tqdm

Report = Callable[[str], object]


def say(line: str):
  """Prints a line to standard output, above a progress bar if one is shown."""
  tqdm.write(line, file=sys.stdout)
  sys.stdout.flush()


class Progress:
  """Counts finished units of work, and shows the time left.

  If `report` is `say` and standard error is a terminal, it shows a bar there. Otherwise
  it reports a line about once per second.

  Args:
    total: the expected number of units.
    unit: the name of the units, in the plural: 'clips'.
    report: receives each line.
    clock: monotonic seconds.

  Attributes:
    done: units counted so far.
    total: may be corrected at any time.
  """

  def __init__(
    self,
    total: int,
    unit: str,
    report: Report,
    *,
    clock: Callable[[], float] = time.monotonic,
  ):
    self.total = total
    self.done = 0
    self._unit = unit
    self._report = report
    self._clock = clock
    self._started = self._last_line = clock()
    self._bar = None
    if report is say and sys.stderr.isatty():
      self._bar = tqdm(total=total, unit=f' {unit}', leave=False, dynamic_ncols=True)

  def add(self, count: int = 1, *, label: str = ''):
    """Counts more units, and shows a line if one is due.

    Args:
      label: the current work, shown before the line.
    """
    self.done += count
    if self._bar is not None:
      self._bar.total = max(self.total, self.done)
      self._bar.set_description_str(label, refresh=False)
      self._bar.update(count)
      return
    now = self._clock()
    if now - self._last_line >= 1:
      self._last_line = now
      self._report(f'{label}: {self._line(now)}' if label else self._line(now))

  def close(self):
    """Removes the bar."""
    if self._bar is not None:
      self._bar.close()

  def _line(self, now: float) -> str:
    rate = self.done / (now - self._started)
    total = max(self.total, self.done)
    left = in_words((total - self.done) / rate)
    return f'{self.done}/{total} {self._unit}, {rate:.1f} per second, {left} left'


def in_words(seconds: float) -> str:
  """A duration in two units: 45 s, 2 min 10 s, 3 h 05 min, 2 d 4 h."""
  seconds = round(seconds)
  minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
  if days:
    return f'{days} d {hours % 24} h'
  if hours:
    return f'{hours} h {minutes % 60:02} min'
  if minutes:
    return f'{minutes} min {seconds % 60} s'
  return f'{seconds} s'
