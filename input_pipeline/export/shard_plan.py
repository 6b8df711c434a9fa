"""Which clips go into which shard: made before anything is written, for any worker."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath

from input_pipeline.errors import PoseDataError
from input_pipeline.storage.files import write_shard

# A shard of this size is read at full speed from an object store, takes little to write
# again when a worker fails, and leaves few files. Ours.
SHARD_BYTES = 150_000_000
# Of small data: as many shards as give each some clips, and at most this many, so that
# several workers and hosts have something each. Ours.
_CLIPS_PER_SHARD = 256
_SHARDS_OF_SMALL_DATA = 64

_SAMPLED_CLIPS = 8
_COPIES = 16  # array_record fills files up to 64 KiB: many records, a small error.


@dataclasses.dataclass(frozen=True)
class Shard:
  """The clips of one file.

  Attributes:
    split: that they belong to.
    index: of the shard in its split, from 0.
    num_shards: that the split has.
    video_ids: in record order.
  """

  split: str
  index: int
  num_shards: int
  video_ids: tuple[str, ...]


def plan_shards(
  split: str,
  video_ids: Sequence[str],
  *,
  bytes_per_clip: float,
  min_shards: int = 1,
) -> list[Shard]:
  """Divides a split into shards whose numbers of clips differ by at most one.

  About `SHARD_BYTES` each, but no fewer shards than small data or the caller wants.

  Args:
    bytes_per_clip: on disk, see `sampled_bytes_per_clip`; 0 where it is not known.
    min_shards: at least so many, where there are as many clips.
  """
  clips = len(video_ids)
  count = max(
    math.ceil(clips * bytes_per_clip / SHARD_BYTES),
    min(math.ceil(clips / _CLIPS_PER_SHARD), _SHARDS_OF_SMALL_DATA),
    min_shards,
  )
  count = min(count, clips)
  ends = [clips * (index + 1) // count for index in range(count)]
  return [
    Shard(split, index, count, tuple(video_ids[start:end]))
    for index, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True))
  ]


def sampled_bytes_per_clip(
  video_ids: Sequence[str],
  make_example: Callable[[str], Mapping[str, Any]],
  features: tfds.features.FeaturesDict,
) -> float:
  """Bytes on disk of a clip, from a few at even distances, written and thrown away.

  0 of so few clips that they are written sooner than sampled, or where none of those
  chosen can be used.

  Args:
    make_example: gives the features of a clip.

  Raises:
    Exception: whatever `make_example` raises, but for PoseDataError.
  """
  if len(video_ids) <= 2 * _SAMPLED_CLIPS:
    return 0
  places = np.linspace(0, len(video_ids) - 1, _SAMPLED_CLIPS).round().astype(int)
  sizes = [
    size
    for place in places
    if (size := _bytes_on_disk(video_ids[int(place)], make_example, features))
  ]
  return float(np.mean(sizes)) if sizes else 0


def _bytes_on_disk(
  video_id: str,
  make_example: Callable[[str], Mapping[str, Any]],
  features: tfds.features.FeaturesDict,
) -> float:
  try:
    # Made once, and not for each copy.
    example = dict(make_example(video_id))
  except PoseDataError:
    return 0
  with tempfile.TemporaryDirectory() as folder:
    path = epath.Path(pathlib.Path(folder) / 'sample')
    copies: Iterable[Mapping[str, Any]] = (example for _ in range(_COPIES))
    return write_shard(path, copies, features) / _COPIES
