"""Reasons why clips cannot be used, grouped if only names and numbers differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from input_pipeline.poses.notes import CLIPS_SHOWN

LINES_PER_REASON = 3  # Printed while clips are read. Our choice.

_FILE = re.compile(r'\S*[/\\]\S*|\S+\.[A-Za-z]\w*')  # A path, or a name such as a.json.
_NUMBER = re.compile(r'[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?', re.IGNORECASE)


def kind_of_reason(video_id: str, reason: str) -> str:
  """The reason without names and numbers that differ from clip to clip."""
  # The folder's or the file's name, which begins the names of its persons and parts.
  names = {video_id, video_id.partition('#')[0], video_id.rpartition('/')[2]}
  for name in sorted(filter(None, names), key=len, reverse=True):
    reason = re.sub(rf'(?<!\w){re.escape(name)}(?!\w)', '…', reason)
  return _NUMBER.sub('0', _FILE.sub('…', reason))


def grouped_reasons(
  reasons: Iterable[tuple[str, str]],
) -> list[tuple[str, tuple[str, ...]]]:
  """Joins equal reasons: the first clip's reason, and all clips with such a reason.

  Args:
    reasons: (clip, reason).
  """
  groups: dict[str, tuple[str, list[str]]] = {}
  for video_id, reason in reasons:
    kind = kind_of_reason(video_id, reason)
    groups.setdefault(kind, (reason, []))[1].append(video_id)
  return [(reason, tuple(video_ids)) for reason, video_ids in groups.values()]


def named_clips(video_ids: Sequence[str]) -> str:
  """The clips in words: '2 clips: a, b', with a limited number of names."""
  shown = ', '.join(video_ids[:CLIPS_SHOWN])
  more = len(video_ids) - CLIPS_SHOWN
  count = '1 clip' if len(video_ids) == 1 else f'{len(video_ids)} clips'
  return f'{count}: {shown}' + (f' and {more} more' if more > 0 else '')


class FewLines:
  """Decides which reasons are printed, so that equal reasons do not fill the screen."""

  def __init__(self):
    self._counts: Counter[str] = Counter()

  def line(self, video_id: str, reason: str, line: str) -> str | None:
    """The line to print for a clip; None if its reason was printed often enough.

    Args:
      line: names the clip and its reason.
    """
    kind = kind_of_reason(video_id, reason)
    self._counts[kind] += 1
    if self._counts[kind] < LINES_PER_REASON:
      return line
    if self._counts[kind] == LINES_PER_REASON:
      return f'{line} (further clips with this reason are only counted)'
    return None
