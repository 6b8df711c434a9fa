"""The grain pipeline: shuffles, samples frames, batches this process's rows, pads.

The host only picks clips and frames, and places stored maps on the canvas. It yields
numpy batches with this process's rows. The rows of all processes, concatenated in process
order, form the same global batch for any number of processes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import grain
import numpy as np

from input_pipeline.loading import sampling
from input_pipeline.loading.class_balance import BalancedOrder
from input_pipeline.loading.records import Records
from input_pipeline.maps.canvas import frame_offset
from input_pipeline.maps.quantization import EMPTY
from input_pipeline.poses.sources import STORED

Batch = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class ClipSettings:
  """Settings for reading a clip.

  Attributes:
    num_frames: T.
    rule: how frames are sampled; see `sampling`.
    max_persons: `m` in keypoint batches. The people with the highest summed scores are
      kept; missing people are padded with missing joints.
    canvas: (h, w) in cells; stored maps are cut or padded to this size.
    background: whether the last stored joint map is the background.
    modalities: the stored modalities to read ('joints', 'parts', 'features').
    random_crop: stored maps only: if a map is larger than the canvas, training takes a
      random window each time (JMRN's official code); evaluation takes the centre.
    stretch: stored maps only: if a map is smaller than the canvas along an axis, that
      axis is resized to the canvas instead of padded (JMRN's official code).
  """

  num_frames: int
  rule: str
  max_persons: int
  canvas: tuple[int, int]
  background: bool = False
  modalities: tuple[str, ...] = ('joints',)
  random_crop: bool = False
  stretch: bool = False

  def __post_init__(self):
    sampling.check_rule(self.rule)


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

  def training_clip(index: int, rng: np.random.Generator) -> Batch:
    record = records[index]
    clip = _clip_fields(record, settings, index)
    place = rng.random(2) if settings.random_crop else None
    if 'potion' in record:
      return clip | {'potion': _potion(record['potion'], settings, place)}
    frames = sampling.training_frames(
      rng, _video_length(record), settings.num_frames, settings.rule
    )
    return clip | _poses(record, frames, settings, place)

  rows = host.rows(batch_size)
  if classes is None:
    dataset = grain.MapDataset.source(list(indices)).seed(seed).shuffle().repeat()
  else:
    dataset = grain.MapDataset.source(BalancedOrder(indices, classes, seed)).seed(seed)
  dataset = dataset.random_map(training_clip)
  # An endless data set has no remainder, but grain would round its length up, which
  # overflows when `rows` is 1.
  dataset = _HostBlocks(dataset, host, batch_size).batch(rows, drop_remainder=True)
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
  """Yields every clip once, in order, in batches with the same fields as in training.

  Keypoints and maps have `num_views` views, `[b, v, …]`. The last batch is padded with
  rows with `mask` 0 and `index` -1, so that every process yields the same number of
  batches, all with one shape. Without clips there is no batch.

  Raises:
    ValueError: for several views, if one view has the whole video; or if processes
      cannot share `batch_size` equally.
  """
  rows = host.rows(batch_size)
  num_batches = -(-len(indices) // batch_size)

  def evaluation_clip(position: int) -> Batch:
    padding = position >= len(indices)
    index = int(indices[0 if padding else position])
    record = records[index]
    clip = _clip_fields(record, settings, index)
    if 'potion' in record:
      sampling.check_one_view(num_views, 'PoTion maps show the whole video')
      clip['potion'] = _potion(record['potion'], settings)[None]
    else:
      frames = sampling.test_frames(
        _video_length(record), settings.num_frames, num_views, settings.rule
      )
      clip |= _poses(record, frames, settings)
    if padding:
      clip |= {'mask': np.zeros((), np.float32), 'index': np.array(-1, np.int32)}
    return clip

  dataset = grain.MapDataset.range(num_batches * batch_size).map(evaluation_clip)
  dataset = _HostBlocks(dataset, host, batch_size).batch(rows)
  options = grain.ReadOptions(num_threads=read_threads, prefetch_buffer_size=4 * rows)
  yield from dataset.to_iter_dataset(options)


class _HostBlocks(grain.MapDataset):
  """Selects this process's block of rows from every global batch."""

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
  return next(
    len(record[name]) for name in ('keypoints', *STORED.values()) if name in record
  )


def _clip_fields(record: dict[str, Any], settings: ClipSettings, index: int) -> Batch:
  """One row of a batch, without its keypoints or maps."""
  if 'potion' in record:
    num_frames = record['num_frames']
  else:
    length = _video_length(record)
    num_frames = sampling.real_frames(length, settings.num_frames, settings.rule)
  if 'labels' in record:
    label = np.asarray(record['labels'], np.float32)
  else:
    label = np.asarray(record['label'], np.int32)
  clip = {
    'num_frames': np.asarray(num_frames, np.int32),
    'frame_size': np.asarray(record['frame_size'], np.int32),
    'label': label,
    'mask': np.ones((), np.float32),
    'index': np.asarray(index, np.int32),
  }
  if 'features_scale' in record and 'features' in settings.modalities:
    clip['features_scale'] = np.asarray(record['features_scale'], np.float32)
  return clip


def _poses(
  record: dict[str, Any],
  frames: np.ndarray,
  settings: ClipSettings,
  place: np.ndarray | None = None,
) -> Batch:
  """Keypoints or maps at `frames` `[t]` or `[v, t]`, whose axes come first."""
  if 'keypoints' in record:
    return {'keypoints': _people(record['keypoints'], settings.max_persons)[frames]}
  poses = {}
  for modality in settings.modalities:
    maps = record[STORED[modality]]
    outside = np.full((1, 1, maps.shape[-1]), EMPTY[modality], np.uint8)
    if modality == 'joints' and settings.background:
      outside[..., -1] = 255
    poses[STORED[modality]] = _on_canvas(maps[frames], outside, settings, place)
  return poses


def _potion(
  maps: np.ndarray, settings: ClipSettings, place: np.ndarray | None = None
) -> np.ndarray:
  """PoTion maps float16 `[j, h, w, c]` on the canvas."""
  outside = np.zeros((len(maps), 1, 1, 1), maps.dtype)
  if settings.background:
    outside[-1] = 1
  return _on_canvas(maps, outside, settings, place)


def _people(keypoints: np.ndarray, count: int) -> np.ndarray:
  """The `count` people with the highest summed scores, `[t, count, j, 3]`."""
  scores = keypoints[..., 2].sum(axis=(0, 2))
  kept = np.argsort(-scores, kind='stable')[:count]
  missing = np.zeros((1, max(count - len(scores), 0), 1, 1), np.float32)
  shape = (len(keypoints), missing.shape[1], *keypoints.shape[2:])
  return np.concatenate([keypoints[:, kept], np.broadcast_to(missing, shape)], axis=1)


def _on_canvas(
  maps: np.ndarray,
  outside: np.ndarray,
  settings: ClipSettings,
  place: np.ndarray | None,
) -> np.ndarray:
  """Cuts or pads `[…, h, w, c]` to the canvas, centred same as rendered maps.

  Args:
    outside: values for padding, broadcast to the canvas.
    place: position of the window in a larger map, `[2]` (rows, columns) in 0..1; None
      takes the centre.
  """
  canvas = np.empty((*maps.shape[:-3], *settings.canvas, maps.shape[-1]), maps.dtype)
  canvas[:] = outside
  source, target = [], []
  for i, (axis, canvas_side) in enumerate(zip((-3, -2), settings.canvas, strict=True)):
    if settings.stretch and maps.shape[axis] < canvas_side:
      maps = _stretched(maps, axis, canvas_side)
    side = maps.shape[axis]
    offset = frame_offset(side, canvas_side)
    if place is not None and side > canvas_side:
      offset = -int(place[i] * (side - canvas_side + 1))
    start, stop = max(offset, 0), min(offset + side, canvas_side)
    target.append(slice(start, stop))
    source.append(slice(start - offset, stop - offset))
  canvas[..., *target, :] = maps[..., *source, :]
  return canvas


def _stretched(maps: np.ndarray, axis: int, side: int) -> np.ndarray:
  """Resizes one axis by linear interpolation; cells are areas, same as in `rendering`."""
  cells = maps.shape[axis]
  places = np.clip((np.arange(side) + 0.5) * cells / side - 0.5, 0, cells - 1)
  before = places.astype(np.int64)
  share = (places - before).astype(np.float32)
  share = share.reshape(-1, *(1,) * (-axis - 1))  # Weight of the following cell.
  lower = np.take(maps, before, axis).astype(np.float32)
  upper = np.take(maps, np.minimum(before + 1, cells - 1), axis).astype(np.float32)
  resized = lower + share * (upper - lower)
  if np.issubdtype(maps.dtype, np.integer):
    resized = resized.round()
  return resized.astype(maps.dtype)
