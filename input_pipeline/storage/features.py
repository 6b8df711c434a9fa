"""The features of a data set's records as TFDS features: names, shapes and types."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from input_pipeline.poses.sources import STORED
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.frame_chunks import CHUNKS, ENDS, SHAPE


@dataclasses.dataclass(frozen=True)
class StoredForm:
  """Everything that determines a data set's features.

  Attributes:
    dataset: the data set's name.
    representation: 'keypoints', 'heatmaps' or 'potion'.
    skeleton: the clips' skeleton.
    class_names: names by label.
    multi_label: whether clips have any number of labels.
    modalities: for heatmaps: which ones are stored.
    num_features: number of channels of the modality 'features'; 0 without it.
    frames_per_chunk: for heatmaps: frames in each chunk (`frame_chunks`); 0 stores whole
      clips, as releases before did.
  """

  dataset: str
  representation: str
  skeleton: Skeleton
  class_names: tuple[str, ...]
  multi_label: bool = False
  modalities: tuple[str, ...] = ('joints',)
  num_features: int = 0
  frames_per_chunk: int = 0

  def features(self) -> tfds.features.FeaturesDict:
    """The arrays of one record, with shapes and dtypes."""
    if self.representation == 'heatmaps':
      channels = {
        'joints': self.skeleton.num_maps,
        'parts': self.skeleton.num_part_maps,
        'features': self.num_features,
      }
      poses = _map_features(
        {name: channels[name] for name in self.modalities}, self.frames_per_chunk > 0
      )
    else:
      poses = _pose_features(self.representation, self.skeleton)
    if self.multi_label:
      labels = {'labels': _array((len(self.class_names),), np.uint8)}
    else:
      labels = {'label': tfds.features.ClassLabel(names=list(self.class_names))}
    return tfds.features.FeaturesDict(
      {
        'video_id': tfds.features.Text(),
        'frame_size': tfds.features.Tensor(shape=(2,), dtype=np.int32),
        **labels,
        **poses,
      }
    )


def _map_features(channels: Mapping[str, int], chunked: bool) -> Mapping[str, Any]:
  """The features of maps with the given numbers of channels by modality."""
  features: dict[str, Any] = {}
  for modality, number in channels.items():
    name = STORED[modality]
    if chunked:
      features[name + CHUNKS] = _array((None,), np.uint8)
      features[name + ENDS] = _array((None,), np.int64)
      features[name + SHAPE] = _array((4,), np.int64)
    else:
      features[name] = _array((None, None, None, number), np.uint8)
  if 'features' in channels:
    features['features_scale'] = tfds.features.Scalar(np.float32)
  return features


def _pose_features(representation: str, skeleton: Skeleton) -> Mapping[str, Any]:
  return {
    'keypoints': {
      'keypoints': _array((None, None, skeleton.num_joints, 3), np.float32)
    },
    # Mean confidences in 0..1. Half precision keeps 11 bits, more than the 8 bits of a
    # frame's map.
    'potion': {
      'potion': _array((skeleton.num_maps, None, None, None), np.float16),
      'num_frames': tfds.features.Scalar(np.int32),
    },
  }[representation]


def _array(shape: tuple[int | None, ...], dtype) -> tfds.features.Tensor:
  # array_record itself compresses, so plain bytes are smallest and fastest.
  return tfds.features.Tensor(
    shape=shape, dtype=dtype, encoding=tfds.features.Encoding.BYTES
  )
