"""Digests of the clips that a run is trained and selected on.

A run is resumed only on the same clips, with the same labels and the same joints or maps.
The form on the disk does not matter, such as the number of shards, unless there are too
many clips to read them all: then the stored digests of the data set's files count too.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from input_pipeline.loading.records import Records
from pose_action.training.run_data import RunData

# Records whose content is compared, evenly spaced if there are more. Keypoints of a clip
# have about 10 kB, its maps about 1 MB (ours: reading them takes about a second).
_MOST_RECORDS = {'keypoints': 1000, 'maps': 100}
_NOT_CONTENT = ('label', 'labels', 'video_id')


def data_digests(data: RunData) -> dict[str, str]:
  """SHA-256 of `names`, `labels` and `content` of the clips for training and validation.

  If `content` is that of a sample, there is one of `shards` too, the digests that were
  stored with the data set's files; a data set of an earlier version has none. The test
  split does not count unless config.data.validate_on is 'test'.
  """
  splits = [split for split in (data.train, data.validation) if split is not None]
  clips = sorted(
    (
      _Clip(video_id, split.labels[row], split.records, int(split.indices[row]))
      for split in splits
      for row, video_id in enumerate(split.video_ids)
    ),
    key=lambda clip: clip.video_id,
  )
  chosen = _compared(clips)
  digests = {
    'names': _digest(clip.video_id.encode() for clip in clips),
    'labels': _digest(str(np.asarray(clip.label).tolist()).encode() for clip in clips),
    'content': _digest(_content_parts(chosen)),
  }
  stored = {split.shard_digests for split in splits}
  if len(chosen) < len(clips) and None not in stored:
    shards = sorted(digest for known in stored for digest in known or ())
    digests['shards'] = _digest(digest.encode() for digest in shards)
  return digests


@dataclasses.dataclass(frozen=True)
class _Clip:
  video_id: str
  label: np.ndarray
  records: Records
  index: int


def _compared(clips: list[_Clip]) -> list[_Clip]:
  """The clips whose content is compared: all of them, or a sample."""
  if not clips:
    return []
  first = clips[0].records[clips[0].index]
  most = _MOST_RECORDS['keypoints' if 'keypoints' in first else 'maps']
  chosen = np.linspace(0, len(clips) - 1, min(len(clips), most)).round().astype(int)
  return [clips[place] for place in chosen]


def _content_parts(clips: list[_Clip]) -> Iterator[bytes]:
  for clip in clips:
    record = clip.records[clip.index]
    for name in sorted(record.keys() - set(_NOT_CONTENT)):
      array = np.asarray(record[name])
      yield f'{name} {array.dtype} {array.shape}'.encode()
      yield array.tobytes()


def _digest(parts: Iterable[bytes]) -> str:
  digest = hashlib.sha256()
  for part in parts:
    digest.update(part)
    digest.update(b'\n')
  return digest.hexdigest()
