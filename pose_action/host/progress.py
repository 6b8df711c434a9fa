"""How far long work is: a bar on a terminal, a line about once a second elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tqdm import tqdm

Report = Callable[[str], object]


def say(line: str):
  """Prints a line to standard output, above a progress bar where there is one."""
  tqdm.write(line, file=sys.stdout)
  sys.stdout.flush()


class Progress:
  """Counts what is done of some long work, and shows how long the rest will take.

  Where `report` is `say` and standard error is a terminal, it is a bar there. Everywhere
  else it is a line about once a second, given to `report`.

  Args:
    total: how much there is to do, as far as is known.
    unit: what is counted, in the plural: 'clips'.
    report: is given each line.
    clock: seconds, monotonic.

  Attributes:
    done: counted so far.
    total: may be corrected on the way.
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
    """Counts some more; shows it where a line is due.

    Args:
      label: what is under way, in front of the line.
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
    """Takes the bar away."""
    if self._bar is not None:
      self._bar.close()

  def _line(self, now: float) -> str:
    rate = self.done / (now - self._started)
    total = max(self.total, self.done)
    left = in_words((total - self.done) / rate)
    return f'{self.done}/{total} {self._unit}, {rate:.1f} a second, {left} left'


def in_words(seconds: float) -> str:
  """45 s, 2 min 10 s, 3 h 05 min, 2 d 4 h."""
  seconds = round(seconds)
  minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
  if days:
    return f'{days} d {hours % 24} h'
  if hours:
    return f'{hours} h {minutes % 60:02} min'
  if minutes:
    return f'{minutes} min {seconds % 60} s'
  return f'{seconds} s'
