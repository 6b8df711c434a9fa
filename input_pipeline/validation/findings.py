"""What validation finds: errors, which make data unusable, and warnings, to be looked at."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Finding:
  """One thing that is, or may be, wrong.

  Attributes:
    severity: an error ends the tool with status 1.
    check: a word for the kind of it, the same in every data set.
    message: what was found and what to do about it, for people.
    clips: the video ids it is about; none where it is about all of them.
  """

  severity: Literal['error', 'warning']
  check: str
  message: str
  clips: tuple[str, ...] = ()


def error(check: str, message: str, clips: tuple[str, ...] = ()) -> Finding:
  return Finding('error', check, message, clips)


def warning(check: str, message: str, clips: tuple[str, ...] = ()) -> Finding:
  return Finding('warning', check, message, clips)
