"""The clips of a source that a model can use; the others are named with the reason."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import Note, as_lines
from input_pipeline.poses.reasons import (
  LINES_PER_REASON,
  FewLines,
  grouped_reasons,
  named_clips,
)
from input_pipeline.poses.sources import ClipSource, PoseSource
from input_pipeline.storage.examples import AnyClip, shows_a_joint
from pose_action.inference.errors import PredictorError
from pose_action.video.clip_poses import clip_poses

if TYPE_CHECKING:
  from pose_action.inference.ensemble_predictor import EnsemblePredictor
  from pose_action.inference.predictor import Predictor


def offered_clips(source: ClipSource, asked: Sequence[str] | None) -> tuple[str, ...]:
  """Returns the requested video ids, or all ids of all splits without repetition.

  Raises:
    PredictorError: for a clip that the source does not contain.
  """
  offered = tuple(dict.fromkeys(v for ids in source.splits.values() for v in ids))
  unknown = [video_id for video_id in asked or () if video_id not in offered]
  if unknown:
    raise PredictorError(
      f'there is no clip {unknown[0]!r} in these poses; the first of their'
      f' {len(offered)} clips are {", ".join(offered[:3])}'
    )
  return offered if asked is None else tuple(asked)


class UsableClips:
  """Loads clips one after another, and says which of them cannot be used.

  After the last clip, also if the work is interrupted, each kind of note is said once
  with the names of its clips, and so is each reason that many clips share.

  Attributes:
    video_ids: the clips to load.
    say: receives lines for the user.
    refused: (clip, reason) for each clip that cannot be used.

  Args:
    is_temporary: whether clips cannot be loaded any more when the work is done.
  """

  def __init__(
    self,
    source: ClipSource,
    video_ids: Sequence[str],
    predictor: Predictor | EnsemblePredictor,
    say: Callable[[str], object],
    *,
    is_temporary: bool = False,
  ):
    self.refused: list[tuple[str, str]] = []
    self._source = source
    self.video_ids = video_ids
    self._predictor = predictor
    self.say = say
    self._few = FewLines()
    self._is_temporary = is_temporary

  def __len__(self) -> int:
    """How many clips are offered, usable or not."""
    return len(self.video_ids)

  @property
  def are_maps(self) -> bool:
    """Whether the clips are maps rather than poses."""
    return not isinstance(self._source, PoseSource)

  def __iter__(self) -> Iterator[AnyClip]:
    notes: list[tuple[str, Note]] = []
    try:
      for video_id in self.video_ids:
        try:
          clip = load_clip(self._source, video_id, self._predictor)
          if not shows_a_joint(self._source, clip):
            raise PoseDataError('no joint is visible in any frame')
        except PoseDataError as error:
          reason = str(error).removeprefix(f'clip {video_id!r}: ')
          self.refuse(video_id, reason)
          continue
        if isinstance(clip, PoseClip):
          notes += [(video_id, note) for note in clip.notes]
        yield clip
    finally:
      for line in as_lines(notes):
        self.say(line)
      for reason, ids in grouped_reasons(self.refused):
        if len(ids) > LINES_PER_REASON:
          self.say(f'cannot be used: {reason} ({named_clips(ids)})')

  def again(self, clip: AnyClip) -> Callable[[], AnyClip]:
    """A function that loads a clip again, later.

    It keeps nothing in memory, except the poses of a clip that goes away.
    """
    if not self._is_temporary:
      return functools.partial(self._source.load, clip.video_id)
    poses = clip_poses(clip)
    return lambda: poses

  def refuse(self, video_id: str, reason: str):
    """Counts a clip as unusable, and says so; also one that the model refused."""
    self.refused.append((video_id, reason))
    line = self._few.line(video_id, reason, f'{video_id}: cannot be used: {reason}')
    if line is not None:
      self.say(line)


def load_clip(
  source: ClipSource, video_id: str, predictor: Predictor | EnsemblePredictor
) -> AnyClip:
  """Loads a clip and translates its labels to the model's class indices.

  Labels are matched by class name, because data sets number classes differently. Classes
  unknown to the model are dropped. If the source's class names are only numbers, they are
  taken for the model's indices.

  Raises:
    PoseDataError: if the clip cannot be loaded.
  """
  clip = source.load(video_id)
  own = source.class_names
  if own == tuple(map(str, range(len(own)))):
    return clip
  names = [own[label] for label in clip.labels if 0 <= label < len(own)]
  known = predictor.class_names
  labels = tuple(known.index(name) for name in names if name in known)
  return dataclasses.replace(clip, labels=labels)
