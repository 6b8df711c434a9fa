"""Predictions as lines for the terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from input_pipeline.poses.sources import ClipSource
from input_pipeline.storage.examples import AnyClip
from model_lib.output import ModelOutput
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
      f'there is no clip {unknown[0]!r} in the poses given; the first of the'
      f' {len(offered)} there are {", ".join(offered[:3])}'
    )
  return tuple(asked or offered)


def load_clip(source: ClipSource, video_id: str, predictor: Predictor) -> AnyClip:
  """A source's clip, its labels by the model's numbers.

  Labels are matched by name: the same number is another class in another data set. A
  class that the model does not know is left out. Where the source has no names but
  numbers, those are taken for the model's.

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


def describe(predictor: Predictor, clip: AnyClip, output: ModelOutput, top: int) -> str:
  """The clip's name and its `top` classes; of a JMRN the joints by weight too."""
  shares = predictor.probabilities(output)[0]
  lines = [clip.video_id + _truth(predictor, clip)]
  for label in np.argsort(-shares, kind='stable')[:top]:
    lines.append(f'  {shares[label]:6.1%}  {predictor.class_names[label]}')
  if output.joint_weights is not None:
    weights = np.asarray(output.joint_weights)[0]
    joints = predictor.skeleton.joints
    heaviest = np.argsort(-weights, kind='stable')
    lines.append(
      '  joints: ' + ', '.join(f'{joints[j]} {weights[j]:.2f}' for j in heaviest)
    )
  return '\n'.join(lines)


def _truth(predictor: Predictor, clip: AnyClip) -> str:
  """What the clip is labelled as, where its labels are the model's."""
  names = predictor.class_names
  labelled = [names[label] for label in clip.labels if 0 <= label < len(names)]
  return f' (labelled {", ".join(labelled)})' if labelled else ''
