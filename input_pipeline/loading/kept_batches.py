"""Keeps the batches of small splits, which every evaluation of a run reads again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from input_pipeline.loading.clip_rows import Batch

# Ours: JHMDB's test clips as keypoints take 2 MB, in ten views 10 MB.
_MOST_BYTES = 2**28


class KeptBatches:
  """Reads a split's batches once, and keeps them while all of them fit into memory.

  Args:
    most_bytes: what all splits together may take.
  """

  def __init__(self, most_bytes: int = _MOST_BYTES):
    self._left = most_bytes
    self._kept: dict[str, list[Batch]] = {}

  def of(self, split: str, read: Callable[[], Iterable[Batch]]) -> Iterator[Batch]:
    """Yields the split's batches: those kept, or those that `read` yields.

    Kept are the batches of a split that was read to its end and fits.
    """
    if split in self._kept:
      yield from self._kept[split]
      return
    batches: list[Batch] | None = []
    size = 0
    for batch in read():
      size += sum(array.nbytes for array in batch.values())
      if size > self._left:
        batches = None
      if batches is not None:
        batches.append(batch)
      yield batch
    if batches is not None:
      self._left -= size
      self._kept[split] = batches
