"""PoseSource, what every reader returns: named clips, loaded one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from input_pipeline.pose_clip import PoseClip, PoseDataError
from input_pipeline.skeletons import Skeleton


@dataclasses.dataclass(frozen=True)
class PoseSource:
  """The clips of one data set in a foreign format, not yet loaded.

  A clip is loaded only when asked for, so that one broken clip raises alone and the
  rest can go on.

  Attributes:
    skeleton: the joint layout of every clip.
    class_names: the label's meaning, by index.
    splits: video ids by split name, as the source names its splits.
    load: returns the clip of a video id.

  Raises:
    PoseDataError: where a split names a clip twice.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  load: Callable[[str], PoseClip]

  def __post_init__(self):
    for split, video_ids in self.splits.items():
      if len(set(video_ids)) < len(video_ids):
        seen: set[str] = set()
        twice = next(v for v in video_ids if v in seen or seen.add(v))
        raise PoseDataError(f'split {split!r} names clip {twice!r} more than once')
