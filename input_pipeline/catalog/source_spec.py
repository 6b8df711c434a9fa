"""How a source of clips is opened: what is sent to a process that opens it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from input_pipeline.catalog import open_source
from input_pipeline.poses.sources import ClipSource


@dataclasses.dataclass(frozen=True)
class SourceSpec:
  """The arguments of `open_source.load_source`.

  A source itself is not sent: it holds whatever its reader made of the files.

  Attributes:
    dataset: its name.
    options: the keyword arguments.
  """

  dataset: str
  options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  def open(self) -> ClipSource:
    """The source, read anew."""
    return open_source.load_source(self.dataset, **self.options)


_opened: list[tuple[SourceSpec, ClipSource]] = []


def open_once(spec: SourceSpec) -> ClipSource:
  """The source of a spec, opened at the first call of a process, and then kept.

  Of another spec the one before is let go.
  """
  if not _opened or _opened[0][0] != spec:
    _opened[:] = [(spec, spec.open())]
  return _opened[0][1]
