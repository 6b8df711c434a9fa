"""Records: the interface between a stored data set and the loader."""

from __future__ import annotations

from typing import Any, Protocol


class Records(Protocol):
  """Random access to the clips of a split, each a dict of numpy arrays."""

  def __len__(self) -> int: ...

  def __getitem__(self, index: int, /) -> dict[str, Any]: ...
