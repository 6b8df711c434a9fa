"""Clips to predict on, and predictions as lines for the terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import ClipSource
from input_pipeline.storage.examples import AnyClip
from pose_action.inference.prediction import Prediction
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


def usable_clips(
  source: ClipSource,
  video_ids: Sequence[str],
  predictor: Predictor,
  refuse: Callable[[str], object],
  warn: Callable[[str], object],
) -> Iterator[AnyClip]:
  """Yields the clips that can be loaded.

  Args:
    refuse: called with a line for each other clip.
    warn: called with a line for each of a clip's notes.
  """
  for video_id in video_ids:
    try:
      clip = load_clip(source, video_id, predictor)
    except PoseDataError as error:
      refuse(f'{video_id}: cannot be used: {error}')
      continue
    for note in clip.notes if isinstance(clip, PoseClip) else ():
      warn(f'{note.severity}: {video_id}: {note.message}')
    yield clip


def load_clip(source: ClipSource, video_id: str, predictor: Predictor) -> AnyClip:
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
  """Returns lines with the clip's name, its `top` classes and its joint weights, if any.

  Args:
    labels: the clip's labels as the model's class indices, shown beside its name.
  """
  lines = [prediction.video_id + _labelled(prediction.class_names, labels)]
  lines += [f'  {share:6.1%}  {name}' for name, share in prediction.top(top)]
  if joints := prediction.top_joints():
    lines.append('  joints: ' + ', '.join(f'{name} {w:.2f}' for name, w in joints))
  return '\n'.join(lines)


def _labelled(names: Sequence[str], labels: Sequence[int]) -> str:
  known = [names[label] for label in labels if 0 <= label < len(names)]
  return f' (labelled {", ".join(known)})' if known else ''
