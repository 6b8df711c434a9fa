"""Makes the features that a data set stores for a clip; checks that a clip is usable."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import STORED, ClipSource, HeatmapClip, PotionClip
from input_pipeline.storage.labels import multi_hot
from input_pipeline.storage.rendered_maps import (
  potion_clip_maps,
  render_clip,
  render_clip_parts,
)

AnyClip = PoseClip | PotionClip | HeatmapClip


class Example(Mapping[str, Any]):
  """A clip's features, each computed on access and not cached."""

  def __init__(self, features: Mapping[str, Callable[[], Any]]):
    self._features = features

  def __getitem__(self, name: str) -> Any:
    return self._features[name]()

  def __iter__(self) -> Iterator[str]:
    return iter(self._features)

  def __len__(self) -> int:
    return len(self._features)


def make_example(
  source: ClipSource,
  clip: AnyClip,
  representation: str,
  settings: Mapping[str, Any],
) -> Example:
  """All features of a clip's record (see `features`).

  Args:
    settings: how maps are made, from `map_settings`.
  """
  features: dict[str, Callable[[], Any]] = {'video_id': lambda: clip.video_id}
  if source.multi_label:
    num_classes = len(source.class_names)
    features['labels'] = lambda: multi_hot(clip.labels, num_classes)
  else:
    features['label'] = lambda: clip.labels[0]
  return Example(features | clip_features(clip, representation, settings))


def clip_features(
  clip: AnyClip, representation: str, settings: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
  """A clip's features except name and labels; calling an entry computes the feature.

  Args:
    settings: how maps are made, from `map_settings`; ready heatmaps need only
      `modalities`, ready PoTion maps nothing.
  """
  if isinstance(clip, PotionClip):
    return potion_features(clip)
  if isinstance(clip, HeatmapClip):
    return heatmap_features(clip, settings['modalities'])
  return pose_features(clip, representation, settings)


def heatmap_features(
  clip: HeatmapClip, modalities: Sequence[str]
) -> dict[str, Callable[[], Any]]:
  """The same as `clip_features`, for a pose network's maps."""
  features: dict[str, Callable[[], Any]] = {
    STORED[modality]: functools.partial(clip.maps, modality) for modality in modalities
  }
  if 'features' in modalities:
    features['features_scale'] = lambda: np.float32(clip.features_scale or 0)
  return {'frame_size': lambda: np.array(clip.frame_size, np.int32), **features}


def potion_features(clip: PotionClip) -> dict[str, Callable[[], Any]]:
  """The same as `clip_features`, for ready PoTion maps."""
  maps = clip.maps.astype(np.float16)
  return {
    # The frame size is not known; the maps have the same aspect ratio.
    'frame_size': lambda: np.array(maps.shape[1:3], np.int32),
    'potion': lambda: maps,
    'num_frames': lambda: clip.num_frames,
  }


def pose_features(
  clip: PoseClip, representation: str, settings: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
  """The same as `clip_features`, for a clip's keypoints or maps rendered from them.

  Args:
    settings: how maps are rendered, from `map_settings.rendering_settings`.
  """

  def keypoints():
    return np.concatenate([clip.keypoints, clip.scores[..., None]], axis=-1)

  def joints():
    return render_clip(clip, short_side=settings['short_side'], sigma=settings['sigma'])

  def parts():
    return render_clip_parts(
      clip, short_side=settings['short_side'], width=settings['part_width']
    )

  def potion():
    return potion_clip_maps(
      clip,
      short_side=settings['short_side'],
      sigma=settings['sigma'],
      potion=PotionSettings(settings['channels'], settings['weights']),
    ).astype(np.float16)

  stored: dict[str, Callable[[], Any]]
  if representation == 'heatmaps':
    renderers = {'joints': joints, 'parts': parts}
    stored = {STORED[name]: renderers[name] for name in settings['modalities']}
  else:
    stored = {
      'keypoints': {'keypoints': keypoints},
      'potion': {'potion': potion, 'num_frames': lambda: clip.num_frames},
    }[representation]
  return {'frame_size': lambda: np.array(clip.frame_size, np.int32), **stored}


_NO_LABEL = (
  ': put its file into a folder with the name of its class, or list the videos in'
  ' videos.csv with a column label'
)


def load_usable_clip(source: ClipSource, video_id: str) -> AnyClip:
  """Loads a clip and checks that it can be trained and tested on.

  Raises:
    PoseDataError: if the clip cannot be loaded, its labels are invalid, or no joint is
      visible.
  """
  clip = source.load(video_id)
  if not source.multi_label and len(clip.labels) != 1:
    remedy = '' if clip.labels else _NO_LABEL
    raise PoseDataError(
      f'clip {video_id!r}: has {len(clip.labels)} labels, but needs exactly one{remedy}'
    )
  for label in clip.labels:
    if not 0 <= label < len(source.class_names):
      raise PoseDataError(
        f'clip {video_id!r}: has label {label}, but the {len(source.class_names)}'
        f' classes are 0..{len(source.class_names) - 1}'
      )
  if len(set(clip.labels)) < len(clip.labels):
    raise PoseDataError(
      f'clip {video_id!r}: has labels {clip.labels}, but each may appear only once'
    )
  if not shows_a_joint(source, clip):
    raise PoseDataError(f'clip {video_id!r}: no joint is visible in any frame')
  return clip


def shows_a_joint(source: ClipSource, clip: AnyClip) -> bool:
  """Whether any joint is visible; for maps without joints, whether there is a frame."""
  joints = clip.skeleton.num_joints
  if isinstance(clip, PotionClip):
    return bool((clip.maps[:joints] > 0).any())
  if isinstance(clip, PoseClip):
    return bool((clip.scores > 0).any())
  modalities = getattr(source, 'modalities', ())
  if 'joints' not in modalities:
    return clip.num_frames > 0
  return bool(clip.maps('joints')[..., :joints].any())
