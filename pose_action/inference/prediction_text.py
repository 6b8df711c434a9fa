"""Clips to predict on, and predictions as lines for the terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import Note, as_lines
from input_pipeline.poses.reasons import (
  LINES_PER_REASON,
  FewLines,
  grouped_reasons,
  named_clips,
)
from input_pipeline.poses.sources import ClipSource
from input_pipeline.storage.examples import AnyClip
from pose_action.inference.ensemble_predictor import EnsemblePredictor
from pose_action.inference.prediction import NONE_OF_THESE, Prediction
from pose_action.inference.predictor import Predictor, PredictorError


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
  return tuple(asked or offered)


class UsableClips:
  """Loads clips one after another, and says which of them cannot be used.

  After the last clip, also if the work is interrupted, each kind of note is said once
  with the names of its clips, and so is each reason that many clips share.

  Attributes:
    refused: (clip, reason) for each clip that cannot be used.
  """

  def __init__(
    self,
    source: ClipSource,
    video_ids: Sequence[str],
    predictor: Predictor | EnsemblePredictor,
    say: Callable[[str], object],
  ):
    self.refused: list[tuple[str, str]] = []
    self._source = source
    self._video_ids = video_ids
    self._predictor = predictor
    self._say = say

  def __iter__(self) -> Iterator[AnyClip]:
    notes: list[tuple[str, Note]] = []
    few = FewLines()
    try:
      for video_id in self._video_ids:
        try:
          clip = load_clip(self._source, video_id, self._predictor)
        except PoseDataError as error:
          reason = str(error).removeprefix(f'clip {video_id!r}: ')
          self._refuse(video_id, reason, few)
          continue
        if isinstance(clip, PoseClip):
          notes += [(video_id, note) for note in clip.notes]
        yield clip
    finally:
      for line in as_lines(notes):
        self._say(line)
      for reason, ids in grouped_reasons(self.refused):
        if len(ids) > LINES_PER_REASON:
          self._say(f'cannot be used: {reason} ({named_clips(ids)})')

  def _refuse(self, video_id: str, reason: str, few: FewLines):
    self.refused.append((video_id, reason))
    line = few.line(video_id, reason, f'{video_id}: cannot be used: {reason}')
    if line is not None:
      self._say(line)


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


def describe(prediction: Prediction, labels: Sequence[int], top: int) -> str:
  """Returns lines with the clip's name, its `top` classes, members and joint weights.

  An ensemble's members are shown with their own probabilities of the first class.

  Args:
    labels: the clip's labels as the model's class indices, shown beside its name.
  """
  lines = [prediction.video_id + _labelled(prediction.class_names, labels)]
  if prediction.label == NONE_OF_THESE:
    lines.append(f'  {NONE_OF_THESE} (all below {prediction.threshold:.1%})')
  lines += [f'  {share:6.1%}  {name}' for name, share in prediction.top(top)]
  if members := prediction.of_members():
    lines.append('  members: ' + ', '.join(f'{name} {p:.2f}' for name, p in members))
  if joints := prediction.top_joints():
    lines.append('  joints: ' + ', '.join(f'{name} {w:.2f}' for name, w in joints))
  return '\n'.join(lines)


def _labelled(names: Sequence[str], labels: Sequence[int]) -> str:
  known = [names[label] for label in labels if 0 <= label < len(names)]
  return f' (labelled {", ".join(known)})' if known else ''
