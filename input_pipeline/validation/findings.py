"""Findings: errors, which make data unusable, and warnings, which need a look."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Finding:
  """One actual or possible problem.

  Attributes:
    severity: errors make the tool exit with status 1.
    check: stable identifier for this kind of problem.
    message: what was found and what to do, for people.
    clips: video ids of the affected clips; empty if the finding concerns all clips.
  """

  severity: Literal['error', 'warning']
  check: str
  message: str
  clips: tuple[str, ...] = ()


def error(check: str, message: str, clips: tuple[str, ...] = ()) -> Finding:
  return Finding('error', check, message, clips)


def warning(check: str, message: str, clips: tuple[str, ...] = ()) -> Finding:
  return Finding('warning', check, message, clips)
