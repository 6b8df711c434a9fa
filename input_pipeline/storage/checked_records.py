"""Records whose errors name the damaged file."""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from etils import epath

from input_pipeline.loading.records import Records
from input_pipeline.storage.digests import damage
from input_pipeline.storage.frame_chunks import unpacked_record


class CheckedRecords:
  """A split's records; a record that cannot be read raises PoseDatasetError.

  Args:
    records: the records.
    shards: the split's files, in record order.
    shard_lengths: number of records per file.
    frames_per_chunk: frames per chunk of maps in each record; 0 for whole maps.
  """

  def __init__(
    self,
    records: Records,
    shards: Sequence[epath.Path],
    shard_lengths: Sequence[int],
    frames_per_chunk: int = 0,
  ):
    self._records = records
    self._shards = tuple(shards)
    self._ends = tuple(itertools.accumulate(shard_lengths))
    self._frames_per_chunk = frames_per_chunk

  def __len__(self) -> int:
    return len(self._records)

  def __getitem__(self, index: int, /) -> dict[str, Any]:
    if not -len(self) <= index < len(self):
      raise IndexError(f'record {index} of {len(self)}')
    try:
      record = self._records[index]
    except Exception as error:  # The library for records raises many types.
      reason = ' '.join(str(error).split())[:200]
      raise self._fault(index, f'{type(error).__name__}: {reason}') from error
    if not self._frames_per_chunk:
      return record
    fault = functools.partial(self._fault, index)
    return unpacked_record(record, self._frames_per_chunk, fault)

  def _fault(self, index: int, reason: str) -> Exception:
    place = bisect.bisect_right(self._ends, index % len(self))
    return damage(self._shards[place], f'record {index} cannot be read ({reason})')

  def __iter__(self) -> Iterator[dict[str, Any]]:
    return (self[index] for index in range(len(self)))
