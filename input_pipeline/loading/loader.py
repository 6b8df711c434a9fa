"""The grain pipeline: shuffles, samples frames, batches this process's rows, pads.

The host only picks clips and frames, and places stored maps on the canvas. It yields
numpy batches with this process's rows. The rows of all processes, concatenated in process
order, form the same global batch for any number of processes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import grain
import numpy as np

from input_pipeline.loading.class_balance import BalancedOrder
from input_pipeline.loading.clip_rows import (
  Batch,
  ClipSettings,
  as_padding,
  evaluation_row,
  stacked,
  training_row,
)
from input_pipeline.loading.records import Records
from input_pipeline.loading.shuffled_order import ShuffledOrder

_BATCHES_AHEAD = 4  # At least; ours: enough for uneven clips, and little memory.
_DRAWS = 2**32 - 1  # Tells the seeds of frames from those of orders.


@dataclasses.dataclass(frozen=True)
class HostShare:
  """The rows of a global batch that this process reads: block `index` of `count`."""

  index: int = 0
  count: int = 1

  def rows(self, batch_size: int) -> int:
    if batch_size % self.count:
      raise ValueError(
        f'a batch of {batch_size} cannot be divided among {self.count} processes; take'
        f' a multiple of {self.count}'
      )
    return batch_size // self.count


def training_batches(
  records: Records,
  indices: Sequence[int] | np.ndarray,
  settings: ClipSettings,
  *,
  batch_size: int,
  seed: int,
  classes: Sequence[int] | np.ndarray | None = None,
  host: HostShare = HostShare(),
  read_threads: int = 2,
) -> grain.DatasetIterator[Batch]:
  """Yields endless shuffled batches with this process's rows.

  Each epoch has every clip once, with newly sampled frames. Order and frames depend only
  on `seed`, not on threads or processes. The iterator's state can be saved and restored.

  Args:
    records: the clips of a split.
    indices: indices of the records to train on.
    classes: class per index. If given, classes are sampled uniformly instead of clips
      (see `class_balance`).
    batch_size: rows in the global batch.
    read_threads: number of prefetching threads; 0 reads in the caller's thread.

  Returns:
    An iterator over dicts with `keypoints` float32 `[b, t, m, j, 3]`, stored modalities
    (`maps`, `parts`, `features`) uint8 `[b, t, h, w, c]`, or `potion` float16
    `[b, j, h, w, c]`; with `features_scale` float32 `[b]` if there are features,
    `num_frames` int32 `[b]` (frames before the padding, see `sampling.real_frames`; for
    `potion`, frames in the video), `frame_size` int32 `[b, 2]`, `label` int32 `[b]` or
    multi-hot float32 `[b, k]`, `mask` float32 `[b]` (all 1) and `index` int32 `[b]`, the
    record's index.

  Raises:
    ValueError: if `indices` is empty, or processes cannot share `batch_size` equally.
  """
  if not len(indices):
    raise ValueError('there is no clip to train on')

  order = (
    ShuffledOrder(indices, seed)
    if classes is None
    else BalancedOrder(indices, classes, seed)
  )

  def training_clip(position: int) -> Batch:
    index = order[position]
    rng = np.random.default_rng((seed, _DRAWS, position))
    return training_row(records[index], index, settings, rng)

  batches = _Batches(training_clip, host, batch_size, len(order) // batch_size)
  return iter(_read_ahead(batches, read_threads))


def evaluation_batches(
  records: Records,
  indices: Sequence[int] | np.ndarray,
  settings: ClipSettings,
  *,
  batch_size: int,
  num_views: int,
  host: HostShare = HostShare(),
  read_threads: int = 2,
) -> Iterator[Batch]:
  """Yields every clip once, in order, in batches with the same fields as in training.

  Keypoints and maps have `num_views` views, `[b, v, …]`. The last batch is padded with
  rows with `mask` 0 and `index` -1, so that every process yields the same number of
  batches, all with one shape. Without clips there is no batch.

  Raises:
    ValueError: for several views, if one view has the whole video; or if processes
      cannot share `batch_size` equally.
  """
  num_batches = -(-len(indices) // batch_size)

  def evaluation_clip(position: int) -> Batch:
    padding = position >= len(indices)
    index = int(indices[0 if padding else position])
    row = evaluation_row(records[index], index, settings, num_views)
    return as_padding(row) if padding else row

  batches = _Batches(evaluation_clip, host, batch_size, num_batches)
  yield from _read_ahead(batches, read_threads)


class _Batches:
  """This process's part of each global batch, by the batch's number; for grain.

  A whole batch is one element, because grain's own work for an element takes as long as
  reading a clip of joints.
  """

  def __init__(
    self, row_at: Callable[[int], Batch], host: HostShare, batch_size: int, count: int
  ):
    """Makes `count` batches of the rows that `row_at` reads by position."""
    rows = host.rows(batch_size)
    self._row_at = row_at
    self._rows = range(host.index * rows, (host.index + 1) * rows)
    self._batch_size = batch_size
    self._count = count

  def __len__(self) -> int:
    return self._count

  def __getitem__(self, index: int) -> Batch:
    start = index * self._batch_size
    return stacked([self._row_at(start + row) for row in self._rows])


def _read_ahead(batches: _Batches, read_threads: int) -> grain.IterDataset[Batch]:
  """Reads a few batches ahead, each in one thread; no thread is idle until they wait.

  The buffer counts batches: more of them would only take memory, and cores from the
  training while they are filled.
  """
  options = grain.ReadOptions(
    num_threads=read_threads, prefetch_buffer_size=max(_BATCHES_AHEAD, read_threads)
  )
  return grain.MapDataset.source(batches).to_iter_dataset(options)
