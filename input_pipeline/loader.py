"""The grain pipeline: shuffle, pick frames, this host's rows, batch, pad.

The host picks clips and frames and nothing else; what it yields are numpy batches of
this process's rows. The rows of all processes, in process order, make the same global
batch however many processes there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import grain
import numpy as np

from input_pipeline import sampling
from input_pipeline.clip_maps import frame_offset

Batch = dict[str, np.ndarray]


class Records(Protocol):
  """Random access to the examples of a data set (see `datasets.pose_dataset`)."""

  def __len__(self) -> int: ...

  def __getitem__(self, index: int) -> dict[str, Any]: ...


@dataclasses.dataclass(frozen=True)
class ClipSettings:
  """What a clip is made of.

  Attributes:
    num_frames: T.
    rule: see `sampling`.
    max_persons: `m` of a batch of keypoints: those with the most confident joints are
      kept, fewer are padded with missing joints.
    canvas: (h, w) that stored maps are cut or padded to.
    background: whether the last channel of stored maps is the background.
  """

  num_frames: int
  rule: str
  max_persons: int
  canvas: tuple[int, int]
  background: bool = False

  def __post_init__(self):
    sampling.check_rule(self.rule)


@dataclasses.dataclass(frozen=True)
class HostShare:
  """Which rows of a global batch this process reads: block `index` of `count`."""

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
  host: HostShare = HostShare(),
  read_threads: int = 2,
) -> grain.DatasetIterator[Batch]:
  """Endless shuffled batches of this process's rows.

  Each clip comes once an epoch, with fresh frames; order and frames depend on `seed`
  alone, not on threads or processes. The iterator's state can be saved and restored.

  Args:
    records: the examples of a split.
    indices: those of them to train on.
    batch_size: rows of the global batch.
    read_threads: that read ahead; 0 reads in the caller's thread.

  Returns:
    An iterator of `keypoints` float32 `[b, t, m, j, 3]` or `maps` uint8
    `[b, t, h, w, c]`, with `frame_size` int32 `[b, 2]`, `label` int32 `[b]`, `mask`
    float32 `[b]` (all 1) and `index` int32 `[b]`, the record's own.
  """
  if not len(indices):
    raise ValueError('there is no clip to train on')

  def training_clip(index: int, rng: np.random.Generator) -> Batch:
    record = records[index]
    frames = sampling.training_frames(
      rng, _video_length(record), settings.num_frames, settings.rule
    )
    return _clip(record, frames, settings, index)

  rows = host.rows(batch_size)
  dataset = (
    grain.MapDataset.source(list(indices))
    .seed(seed)
    .shuffle()
    .repeat()
    .random_map(training_clip)
  )
  dataset = _HostBlocks(dataset, host, batch_size).batch(rows)
  options = grain.ReadOptions(num_threads=read_threads, prefetch_buffer_size=4 * rows)
  return iter(dataset.to_iter_dataset(options))


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
  """Every clip once, in order; batches as in training, but for what a view has alone.

  `keypoints` or `maps` hold `num_views` views, `[b, v, …]`. The last batch is filled
  with rows of `mask` 0 and `index` -1, so that every process yields as many batches of
  one shape. No clips give no batch.
  """
  rows = host.rows(batch_size)
  num_batches = -(-len(indices) // batch_size)

  def evaluation_clip(position: int) -> Batch:
    padding = position >= len(indices)
    index = int(indices[0 if padding else position])
    record = records[index]
    frames = sampling.test_frames(
      _video_length(record), settings.num_frames, num_views, settings.rule
    )
    clip = _clip(record, frames, settings, index)
    if padding:
      clip |= {'mask': np.zeros((), np.float32), 'index': np.array(-1, np.int32)}
    return clip

  dataset = grain.MapDataset.range(num_batches * batch_size).map(evaluation_clip)
  dataset = _HostBlocks(dataset, host, batch_size).batch(rows)
  options = grain.ReadOptions(num_threads=read_threads, prefetch_buffer_size=4 * rows)
  yield from dataset.to_iter_dataset(options)


class _HostBlocks(grain.MapDataset):
  """Of every global batch, the block of rows that belongs to this process."""

  def __init__(self, parent: grain.MapDataset, host: HostShare, batch_size: int):
    super().__init__(parent)
    self._host = host
    self._batch_size = batch_size

  def __len__(self) -> int:
    return len(self._parent) // self._host.count

  def __getitem__(self, index):
    if isinstance(index, slice):
      return self.slice(index)
    rows = self._host.rows(self._batch_size)
    batch, row = divmod(index, rows)
    return self._parent[batch * self._batch_size + self._host.index * rows + row]


def _video_length(record: dict[str, Any]) -> int:
  return len(record['maps'] if 'maps' in record else record['keypoints'])


def _clip(
  record: dict[str, Any], frames: np.ndarray, settings: ClipSettings, index: int
) -> Batch:
  """One row of a batch; `frames` `[t]` or `[v, t]` go first in its pixels' shape."""
  clip = {
    'frame_size': np.asarray(record['frame_size'], np.int32),
    'label': np.int32(record['label']),
    'mask': np.float32(1),
    'index': np.int32(index),
  }
  if 'maps' in record:
    clip['maps'] = _on_canvas(record['maps'][frames], settings)
  else:
    clip['keypoints'] = _people(record['keypoints'], settings.max_persons)[frames]
  return clip


def _people(keypoints: np.ndarray, count: int) -> np.ndarray:
  """The `count` people with the highest summed scores, `[t, count, j, 3]`."""
  scores = keypoints[..., 2].sum(axis=(0, 2))
  kept = np.argsort(-scores, kind='stable')[:count]
  missing = np.zeros((1, max(count - len(scores), 0), 1, 1), np.float32)
  shape = (len(keypoints), missing.shape[1], *keypoints.shape[2:])
  return np.concatenate([keypoints[:, kept], np.broadcast_to(missing, shape)], axis=1)


def _on_canvas(maps: np.ndarray, settings: ClipSettings) -> np.ndarray:
  """Cuts or pads `[…, h, w, c]` to the canvas, centred as rendered maps are."""
  canvas = np.zeros((*maps.shape[:-3], *settings.canvas, maps.shape[-1]), maps.dtype)
  if settings.background:
    canvas[..., -1] = 255
  source, target = [], []
  for side, canvas_side in zip(maps.shape[-3:-1], settings.canvas, strict=True):
    offset = frame_offset(side, canvas_side)
    start, stop = max(offset, 0), min(offset + side, canvas_side)
    target.append(slice(start, stop))
    source.append(slice(start - offset, stop - offset))
  canvas[..., *target, :] = maps[..., *source, :]
  return canvas
