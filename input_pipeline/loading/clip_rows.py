"""One row of a batch from one record: the frames that a clip or a view is made of.

In numpy alone, so that a prediction needs no data loading library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from input_pipeline.loading import sampling
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


def training_row(
  record: dict[str, Any], index: int, settings: ClipSettings, rng: np.random.Generator
) -> Batch:
  """Returns one row of `loader.training_batches`, with frames that `rng` draws.

  Args:
    index: the record's index in its split.
  """
  clip = _clip_fields(record, settings, index)
  place = rng.random(2) if settings.random_crop else None
  if 'potion' in record:
    return clip | {'potion': _potion(record['potion'], settings, place)}
  frames = sampling.training_frames(
    rng, _video_length(record), settings.num_frames, settings.rule
  )
  return clip | _poses(record, frames, settings, place)


def evaluation_row(
  record: dict[str, Any], index: int, settings: ClipSettings, num_views: int
) -> Batch:
  """Returns one row of `loader.evaluation_batches`, with `num_views` views.

  Raises:
    ValueError: for several views, if one view has the whole video.
  """
  clip = _clip_fields(record, settings, index)
  if 'potion' in record:
    sampling.check_one_view(num_views, 'PoTion maps show the whole video')
    return clip | {'potion': _potion(record['potion'], settings)[None]}
  frames = sampling.test_frames(
    _video_length(record), settings.num_frames, num_views, settings.rule
  )
  return clip | _poses(record, frames, settings)


def as_padding(row: Batch) -> Batch:
  """Returns a row that only fills a batch: `mask` 0 and `index` -1."""
  return row | {'mask': np.zeros((), np.float32), 'index': np.array(-1, np.int32)}


def evaluation_batch(
  records: Sequence[dict[str, Any]],
  settings: ClipSettings,
  *,
  size: int,
  num_views: int,
) -> Batch:
  """Returns all records as one batch, padded to `size` rows.

  The same arrays as `loader.evaluation_batches` yields with one batch.

  Raises:
    ValueError: for several views, if one view has the whole video.
  """
  rows = [
    evaluation_row(record, index, settings, num_views)
    for index, record in enumerate(records)
  ]
  rows += [as_padding(rows[0])] * (size - len(rows))
  return stacked(rows)


def stacked(rows: Sequence[Batch]) -> Batch:
  """Returns rows as one batch."""
  return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


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
  if keypoints.shape[1] == count == 1:
    return keypoints  # The usual case, and there is nothing to choose.
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
