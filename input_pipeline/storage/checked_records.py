"""Records whose errors name the damaged file."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from etils import epath

from input_pipeline.loading.records import Records
from input_pipeline.storage.digests import damage


class CheckedRecords:
  """A split's records; a record that cannot be read raises PoseDatasetError.

  Args:
    records: the records.
    shards: the split's files, in record order.
    shard_lengths: number of records per file.
  """

  def __init__(
    self, records: Records, shards: Sequence[epath.Path], shard_lengths: Sequence[int]
  ):
    self._records = records
    self._shards = tuple(shards)
    self._ends = tuple(itertools.accumulate(shard_lengths))

  def __len__(self) -> int:
    return len(self._records)

  def __getitem__(self, index: int, /) -> dict[str, Any]:
    if not -len(self) <= index < len(self):
      raise IndexError(f'record {index} of {len(self)}')
    try:
      return self._records[index]
    except Exception as error:  # The library for records raises many types.
      place = bisect.bisect_right(self._ends, index % len(self))
      reason = ' '.join(str(error).split())[:200]
      raise damage(
        self._shards[place],
        f'record {index} cannot be read ({type(error).__name__}: {reason})',
      ) from error

  def __iter__(self) -> Iterator[dict[str, Any]]:
    return (self[index] for index in range(len(self)))
