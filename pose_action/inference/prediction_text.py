"""Predictions as lines for the terminal, and the clips that a program predicts on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.sources import ClipSource
from input_pipeline.storage.examples import AnyClip
from pose_action.inference.prediction import Prediction
from pose_action.inference.predictor import Predictor, PredictorError


def offered_clips(source: ClipSource, asked: Sequence[str] | None) -> tuple[str, ...]:
  """Video ids of all splits, each once, or those asked for.

  Raises:
    PredictorError: for a clip that the source does not have.
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
) -> Iterator[AnyClip]:
  """The clips that can be loaded; `refuse` is given a line for each of the others."""
  for video_id in video_ids:
    try:
      yield load_clip(source, video_id, predictor)
    except PoseDataError as error:
      refuse(f'{video_id}: cannot be used: {error}')


def load_clip(source: ClipSource, video_id: str, predictor: Predictor) -> AnyClip:
  """A source's clip, with its labels numbered as the model numbers them.

  Labels are matched by class name, because the same number is another class in another
  data set. A class that the model does not know is left out. Where the source has only
  numbers for names, they are taken for the model's.

  Raises:
    PoseDataError: where the clip cannot be loaded.
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
  """The clip's name, its `top` classes, and its joint weights where there are any.

  Args:
    labels: of the clip, as class indices of the model; shown behind its name.
  """
  lines = [prediction.video_id + _labelled(prediction.class_names, labels)]
  lines += [f'  {share:6.1%}  {name}' for name, share in prediction.top(top)]
  if joints := prediction.top_joints():
    lines.append('  joints: ' + ', '.join(f'{name} {w:.2f}' for name, w in joints))
  return '\n'.join(lines)


def _labelled(names: Sequence[str], labels: Sequence[int]) -> str:
  known = [names[label] for label in labels if 0 <= label < len(names)]
  return f' (labelled {", ".join(known)})' if known else ''
