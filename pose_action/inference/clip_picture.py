"""The picture of what a model makes of a clip (PA3D Fig. 4), and the file it goes to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8

from input_pipeline.maps.modalities import stored_modality
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.examples import AnyClip
from pose_action import plots
from pose_action.inference.activations import Activations
from pose_action.inference.predictor import Predictor

_LONGEST_NAME = 100  # Ours: characters of a video id that a file name keeps.


def clip_picture(predictor: Predictor, clip: AnyClip) -> UInt8[np.ndarray, 'h w 3']:
  """Maps, motion maps, filters and features of the middle view, under the prediction.

  The prediction is that of an evaluation, over all views. A background channel, which
  is nearly 1 nearly everywhere, is left out.

  Raises:
    PredictorError: for a clip of another joint layout.
  """
  activations = predictor.activations(clip)
  potion = predictor.config.data.encoding == 'potion'
  return plots.activations_image(
    clip.video_id,
    '    '.join(_what_it_is(predictor, clip) + _what_is_missing(activations)),
    _without_background(activations.maps, predictor.skeleton, axis=-1),
    _without_background(activations.motion_maps, predictor.skeleton, axis=-2),
    layer=activations.layer,
    filters=activations.filters,
    features=activations.features,
    map_name='colour' if potion else 'frame',
  )


def picture_name(video_id: str) -> str:
  """A file name without folders; two video ids never have the same.

  Letters, digits and `._-` stay; an id that has others, a leading dot or more than 100
  characters gets some digits of its hash.
  """
  safe = re.sub(r'[^\w.-]+', '_', video_id).lstrip('.')[:_LONGEST_NAME]
  if safe == video_id:
    return f'{safe}.png'
  return f'{safe}_{hashlib.sha256(video_id.encode()).hexdigest()[:8]}.png'


def _what_it_is(predictor: Predictor, clip: AnyClip) -> list[str]:
  """The likeliest class, and what the clip is labelled as where that is known."""
  names = predictor.class_names
  ((likeliest, share),) = predictor(clip).top(1)
  predicted = [f'predicted: {likeliest} ({share:.1%})']
  labelled = [names[label] for label in clip.labels if 0 <= label < len(names)]
  return predicted + ([f'labelled: {", ".join(labelled)}'] if labelled else [])


def _what_is_missing(activations: Activations) -> list[str]:
  missing = activations.missing
  return [f'(this model has no {" and no ".join(missing)})'] if missing else []


def _without_background(
  by_modality: Mapping[str, np.ndarray], skeleton: Skeleton, axis: int
) -> dict[str, np.ndarray]:
  """Of joint maps with a channel a map, the joints'; `axis` is that of channels."""

  def of_joints(modality: str, maps: np.ndarray) -> np.ndarray:
    if stored_modality(modality) != 'joints':
      return maps
    return np.take(maps, range(min(skeleton.num_joints, maps.shape[axis])), axis)

  return {name: of_joints(name, maps) for name, maps in by_modality.items()}
