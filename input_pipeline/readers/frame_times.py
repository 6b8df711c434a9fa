"""Frame numbers from names that state the time of each frame.

A time of day is several numbers, the last of which begins again and again, so no single
number orders the frames. Where the times follow each other in regular steps, the steps
count the frames.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

# All numbers are ours. Times of real cameras differ from a whole number of intervals by
# less than this share of an interval; across a long gap the error adds up.
_JITTER = 0.35
_LONG_GAP = 10
# At least this share of the frames between the first and the last time has a name;
# otherwise the interval is not known well enough.
_LEAST_DENSE = 0.5
_LEAST_NAMES = 3
_MILLISECONDS, _MICROSECONDS = 3, 6  # Digits of a fraction.
_TIME = 6  # Digits of 081559.
_SECONDS_PER_DAY = 86_400

# The pieces of one name: text, digits, text, digits, ..., text.
Pieces = Sequence[str]


def numbers_by_time(
  names: Sequence[Pieces], varying: Sequence[int]
) -> list[int] | None:
  """Numbers names by their times, from 0; None if these are no regular times.

  Args:
    names: pieces of each name, with the same text in each.
    varying: which of the pieces differ between the names.
  """
  for times in _readings(names, varying):
    numbers = _count_steps(times)
    if numbers is not None:
      return numbers
  return _whole_minutes(names, varying)


def are_times(names: Sequence[Pieces], varying: Sequence[int]) -> bool:
  """Whether names state a time, in regular steps or not."""
  return next(_readings(names, varying), None) is not None


def _whole_minutes(names: Sequence[Pieces], varying: Sequence[int]) -> list[int] | None:
  """Numbers names by minutes and seconds; None if a second is missing.

  Two numbers are more often a video and its frame; but not if the second goes from 59 to
  0 just where the first changes.
  """
  last = varying[-1]
  if list(varying) != [last - 2, last]:
    return None
  fields = [(name[last - 2], name[last]) for name in names]
  if any(len(text) != 2 or int(text) >= 60 for field in fields for text in field):
    return None
  seconds = [60 * int(minute) + int(second) for minute, second in fields]
  first = min(seconds)
  gapless = sorted(seconds) == list(range(first, first + len(seconds)))
  return [second - first for second in seconds] if gapless else None


def _count_steps(times: Sequence[Fraction]) -> list[int] | None:
  order = sorted(range(len(times)), key=times.__getitem__)
  gaps = [times[b] - times[a] for a, b in itertools.pairwise(order)]
  if len(times) < _LEAST_NAMES or min(gaps) <= 0:
    return None
  interval = sorted(gaps)[len(gaps) // 2]
  numbers = [0] * len(times)
  number = 0
  for index, gap in zip(order[1:], gaps, strict=True):
    steps = float(gap / interval)
    count = max(1, round(steps))
    if abs(steps - count) > _JITTER and steps < _LONG_GAP:
      return None
    number += count
    numbers[index] = number
  return numbers if len(times) >= _LEAST_DENSE * (number + 1) else None


def _readings(
  names: Sequence[Pieces], varying: Sequence[int]
) -> Iterator[list[Fraction]]:
  """The times that the names can state, in seconds."""
  last = varying[-1]
  kinds = (_with_fraction, _compact, _decimal, _of_day)
  # A single number that counts seconds is a frame number just as well.
  for read in kinds if len(varying) > 1 else kinds[:-1]:
    readings = [read(name, last) for name in names]
    if any(reading is None for reading in readings):
      continue
    known = [reading for reading in readings if reading is not None]
    dates = [
      _date_before(name, first) for name, (_, first) in zip(names, known, strict=True)
    ]
    if all(first <= varying[0] for _, first in dates):
      yield [
        seconds + days * _SECONDS_PER_DAY
        for (seconds, _), (days, _) in zip(known, dates, strict=True)
      ]


_Reading = tuple[Fraction, int] | None  # Seconds, and the first piece that states them.


def _with_fraction(name: Pieces, last: int) -> _Reading:
  """Hours, minutes, seconds and a fraction."""
  day = _of_day(name, last - 2)
  digits = name[last]
  if day is None or len(digits) not in (_MILLISECONDS, _MICROSECONDS):
    return None
  return day[0] + Fraction(int(digits), 10 ** len(digits)), day[1]


def _of_day(name: Pieces, last: int) -> _Reading:
  """Hours, minutes and seconds."""
  if last < 5:
    return None
  texts = name[last - 4], name[last - 2], name[last]
  hours, minutes, seconds = map(int, texts)
  digits = [len(text) for text in texts]
  if (
    digits[0] > 2 or digits[1:] != [2, 2] or max(minutes, seconds) >= 60 or hours >= 24
  ):
    return None
  return Fraction(hours * 3600 + minutes * 60 + seconds), last - 4


def _compact(name: Pieces, last: int) -> _Reading:
  """Hours, minutes and seconds as 6 digits after a date, perhaps with a fraction."""
  for place, digits in ((last, ''), (last - 2, name[last])):
    if place < 3 or len(name[place]) != _TIME or _ordinal(name[place - 2]) is None:
      continue
    if digits and len(digits) not in (_MILLISECONDS, _MICROSECONDS):
      continue
    text = name[place]
    day = _of_day(['', text[:2], '', text[2:4], '', text[4:]], 5)
    if day is not None:
      return day[0] + Fraction(int(digits or 0), 10 ** len(digits)), place
  return None


def _decimal(name: Pieces, last: int) -> _Reading:
  """Seconds with a decimal point, such as 12.033."""
  if last < 3 or name[last - 1] != '.':
    return None
  return Fraction(f'{name[last - 2]}.{name[last]}'), last - 2


def _date_before(name: Pieces, first: int) -> tuple[int, int]:
  """Days since a fixed day, 0 without a date; and the first piece that states them."""
  if first >= 3 and (day := _ordinal(name[first - 2])) is not None:
    return day, first - 2
  if first >= 7:
    parts = name[first - 6], name[first - 4], name[first - 2]
    if [len(part) for part in parts] == [4, 2, 2]:
      day = _ordinal(''.join(parts))
      if day is not None:
        return day, first - 6
  return 0, first


def _ordinal(digits: str) -> int | None:
  """The day that 8 digits such as 20410312 name; None if they name none."""
  try:
    if len(digits) != 8:
      return None
    return datetime.datetime.strptime(digits, '%Y%m%d').toordinal()
  except ValueError:
    return None
