"""Plans which clips go into which shard, before anything is written."""

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

# Shards of this size are read at full speed from an object store, are cheap to write
# again after a worker fails, and make few files (our choice).
SHARD_BYTES = 150_000_000
# Small data sets get one shard per so many clips, up to a limit, so that several workers
# and hosts each have work (our choice).
_CLIPS_PER_SHARD = 256
_SHARDS_OF_SMALL_DATA = 64

_SAMPLED_CLIPS = 8
_COPIES = 16  # array_record pads files to 64 KiB; many records make the error small.


@dataclasses.dataclass(frozen=True)
class Shard:
  """The clips in one file.

  Attributes:
    split: the clips' split.
    index: the shard's index in its split, from 0.
    num_shards: number of shards in the split.
    video_ids: names of the clips, in record order.
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

  Shards have about `SHARD_BYTES`, or less if small data or `min_shards` call for more
  shards.

  Args:
    bytes_per_clip: a clip's bytes on disk, see `sampled_bytes_per_clip`; 0 if unknown.
    min_shards: least number of shards, if the split has as many clips.
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
  """Estimates a clip's bytes on disk from a few evenly spaced clips in a scratch file.

  Returns 0 if there are so few clips that sampling would take longer than writing, or if
  no sampled clip can be used.

  Args:
    make_example: returns a clip's features.

  Raises:
    Exception: whatever `make_example` raises, except PoseDataError.
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
    # A dict computes each feature once instead of once per copy.
    example = dict(make_example(video_id))
  except PoseDataError:
    return 0
  with tempfile.TemporaryDirectory() as folder:
    path = epath.Path(pathlib.Path(folder) / 'sample')
    copies: Iterable[Mapping[str, Any]] = (example for _ in range(_COPIES))
    return write_shard(path, copies, features).num_bytes / _COPIES
