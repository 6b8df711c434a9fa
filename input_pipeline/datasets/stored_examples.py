"""What a data set stores of a clip: its features, and which clips can be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from input_pipeline.datasets.pose_dataset import multi_hot
from input_pipeline.datasets.stored_maps import potion_clip_maps, render_clip
from input_pipeline.pose_clip import PoseClip, PoseDataError
from input_pipeline.pose_source import ClipSource, PotionClip
from input_pipeline.potion import PotionSettings


class Example(Mapping[str, Any]):
  """A clip's features, each made when it is asked for, and not kept.

  TFDS holds the examples of a shard until the shard is written: maps that are ready
  would fill the memory.
  """

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
  clip: PoseClip | PotionClip,
  representation: str,
  settings: Mapping[str, Any],
) -> Example:
  """The features of a clip (see `pose_dataset`); `settings` from `stored_settings`."""
  features: dict[str, Callable[[], Any]] = {'video_id': lambda: clip.video_id}
  if source.multi_label:
    num_classes = len(source.class_names)
    features['labels'] = lambda: multi_hot(clip.labels, num_classes)
  else:
    features['label'] = lambda: clip.labels[0]
  if isinstance(clip, PotionClip):
    features |= potion_features(clip)
  else:
    features |= pose_features(clip, representation, settings)
  return Example(features)


def potion_features(clip: PotionClip) -> dict[str, Callable[[], Any]]:
  """What is stored of ready PoTion maps, as `pose_features` of a clip's poses."""
  maps = clip.maps.astype(np.float16)  # Half of what would wait for the shard's end.
  return {
    # The video's size is not known; its map has the same shape.
    'frame_size': lambda: np.array(maps.shape[1:3], np.int32),
    'potion': lambda: maps,
    'num_frames': lambda: clip.num_frames,
  }


def pose_features(
  clip: PoseClip, representation: str, settings: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
  """What is stored of a clip's poses, by name, each made by a call.

  Args:
    settings: from `stored_settings.rendering_settings`.
  """

  def keypoints():
    return np.concatenate([clip.keypoints, clip.scores[..., None]], axis=-1)

  def maps():
    return render_clip(clip, short_side=settings['short_side'], sigma=settings['sigma'])

  def potion():
    return potion_clip_maps(
      clip,
      short_side=settings['short_side'],
      sigma=settings['sigma'],
      potion=PotionSettings(settings['channels'], settings['weights']),
    ).astype(np.float16)

  return {
    'frame_size': lambda: np.array(clip.frame_size, np.int32),
    **{
      'keypoints': {'keypoints': keypoints},
      'heatmaps': {'maps': maps},
      'potion': {'potion': potion, 'num_frames': lambda: clip.num_frames},
    }[representation],
  }


def load_usable_clip(source: ClipSource, video_id: str) -> PoseClip | PotionClip:
  """The clip of that name.

  Raises:
    PoseDataError: where it cannot be loaded, trained on or tested on.
  """
  clip = source.load(video_id)
  if not source.multi_label and len(clip.labels) != 1:
    raise PoseDataError(
      f'clip {video_id!r}: has {len(clip.labels)} labels, but needs exactly one'
    )
  for label in clip.labels:
    if not 0 <= label < len(source.class_names):
      raise PoseDataError(
        f'clip {video_id!r}: has label {label}, but the {len(source.class_names)}'
        f' classes are 0..{len(source.class_names) - 1}'
      )
  if len(set(clip.labels)) < len(clip.labels):
    raise PoseDataError(
      f'clip {video_id!r}: has labels {clip.labels}, but each may come only once'
    )
  if isinstance(clip, PotionClip):
    visible = clip.maps[: clip.skeleton.num_joints] > 0
  else:
    visible = clip.scores > 0
  if not visible.any():
    raise PoseDataError(f'clip {video_id!r}: no joint is visible in any frame')
  return clip
