"""Keeps the poses of a small data set in memory: reading one again takes longest."""

from __future__ import annotations

from typing import Any

import numpy as np

from input_pipeline.loading.records import Records

# Ours: JHMDB's 660 training clips take 5 MB.
_MOST_BYTES = 2**27


class KeptRecords:
  """A split's records, of which those with keypoints are kept once they have been read.

  Kept arrays are read-only. Records of maps are read again every time.

  Args:
    records: the records.
    most_bytes: what all kept arrays may take; what does not fit is read again.
  """

  def __init__(self, records: Records, most_bytes: int = _MOST_BYTES):
    self._records = records
    self._left = most_bytes
    self._kept: dict[int, dict[str, Any]] = {}

  def __len__(self) -> int:
    return len(self._records)

  def __getitem__(self, index: int, /) -> dict[str, Any]:
    if index in self._kept:
      return dict(self._kept[index])
    record = self._records[index]
    if 'keypoints' in record:
      self._keep(index, record)
    return record

  def _keep(self, index: int, record: dict[str, Any]):
    arrays = [value for value in record.values() if isinstance(value, np.ndarray)]
    size = sum(array.nbytes for array in arrays)
    # Several threads may read: the bound then holds up to a record of each.
    if size > self._left:
      return
    self._left -= size
    for array in arrays:
      array.flags.writeable = False
    self._kept[index] = dict(record)
