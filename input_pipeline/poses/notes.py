"""Notes: what a reader says about poses that it read, but perhaps not as meant."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Note:
  """One doubtful thing in a file, and how it was read.

  Attributes:
    kind: stable identifier; notes of a kind are shown together.
    message: what was found, how it was read, and what to do if that is wrong.
  """

  kind: str
  message: str


class PoseWarning(UserWarning):
  """Poses were read, but perhaps not as meant; the message is that of a `Note`."""
