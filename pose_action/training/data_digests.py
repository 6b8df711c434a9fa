"""Digests of the clips that a run is trained and selected on.

A run is resumed only on the same clips, with the same labels and the same joints or maps.
The form on the disk does not matter, such as the number of shards.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from input_pipeline.loading.records import Records
from pose_action.training.run_data import RunData

# Records whose content is compared, evenly spaced if a split has more. Keypoints of a
# clip have about 10 kB, its maps about 1 MB (ours: reading them takes about a second).
_MOST_RECORDS = {'keypoints': 1000, 'maps': 100}
_NOT_CONTENT = ('label', 'labels', 'video_id')


def data_digests(data: RunData) -> dict[str, str]:
  """SHA-256 of `names`, `labels` and `content` of the clips for training and validation.

  The test split is not among them unless config.data.validate_on is 'test'.
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
  return {
    'names': _digest(clip.video_id.encode() for clip in clips),
    'labels': _digest(str(np.asarray(clip.label).tolist()).encode() for clip in clips),
    'content': _digest(_content_parts(clips)),
  }


@dataclasses.dataclass(frozen=True)
class _Clip:
  video_id: str
  label: np.ndarray
  records: Records
  index: int


def _content_parts(clips: list[_Clip]) -> Iterator[bytes]:
  if not clips:
    return
  first = clips[0].records[clips[0].index]
  most = _MOST_RECORDS['keypoints' if 'keypoints' in first else 'maps']
  chosen = np.linspace(0, len(clips) - 1, min(len(clips), most)).round().astype(int)
  for clip in (clips[place] for place in chosen):
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
