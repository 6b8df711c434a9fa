"""A picklable description of a source, with which other processes open it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from input_pipeline.catalog import open_source
from input_pipeline.poses.sources import ClipSource


@dataclasses.dataclass(frozen=True)
class SourceSpec:
  """The arguments of `open_source.load_source`.

  A source itself is not sent to other processes, because its reader's data may be large.

  Attributes:
    dataset: the data set's name.
    options: the keyword arguments.
  """

  dataset: str
  options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  def open(self) -> ClipSource:
    """Opens the source anew."""
    return open_source.load_source(self.dataset, **self.options)


_opened: list[tuple[SourceSpec, ClipSource]] = []


def open_once(spec: SourceSpec) -> ClipSource:
  """Opens a spec's source once per process and keeps it until another spec is opened."""
  if not _opened or _opened[0][0] != spec:
    _opened[:] = [(spec, spec.open())]
  return _opened[0][1]
