"""The picture of what a model reads and computes for a clip, and its file name."""

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

_LONGEST_NAME = 100  # Characters of a video id in a file name (our choice).


def clip_picture(predictor: Predictor, clip: AnyClip) -> UInt8[np.ndarray, 'h w 3']:
  """Draws maps, motion maps, filters and features of the middle view (PA3D Fig. 4).

  For a model that reads trajectories, draws the joints at a few moments, and the weights
  of the joints if it has any. The heading shows the prediction over all views. The
  background channel, which is close to 1 almost everywhere, is left out.

  Raises:
    PredictorError: for a clip with another joint layout.
  """
  activations = predictor.activations(clip)
  if activations.trajectories is not None:
    return plots.trajectory_image(
      clip.video_id,
      '    '.join(_what_it_is(predictor, clip)),
      activations.trajectories,
      predictor.skeleton.limb_indices,
      predictor.skeleton.limb_sides,
      joint_names=predictor.skeleton.joints,
      joint_weights=activations.joint_weights,
    )
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
  """Returns a file name without folders, unique per video id.

  Letters, digits and `._-` are kept. An id with other characters, a leading dot or more
  than 100 characters gets a hash suffix.
  """
  safe = re.sub(r'[^\w.-]+', '_', video_id).lstrip('.')[:_LONGEST_NAME]
  if safe == video_id:
    return f'{safe}.png'
  return f'{safe}_{hashlib.sha256(video_id.encode()).hexdigest()[:8]}.png'


def _what_it_is(predictor: Predictor, clip: AnyClip) -> list[str]:
  """Returns the most probable class, and the clip's label if it is known."""
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
  """Drops the background from joint maps; `axis` is the channel axis."""

  def of_joints(modality: str, maps: np.ndarray) -> np.ndarray:
    if stored_modality(modality) != 'joints':
      return maps
    return np.take(maps, range(min(skeleton.num_joints, maps.shape[axis])), axis)

  return {name: of_joints(name, maps) for name, maps in by_modality.items()}
