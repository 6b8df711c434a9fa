"""JHMDB's annotated joint positions and split lists (Jhuang et al., ICCV 2013).

<root>/joint_positions/<class>/<video>/joint_positions.mat
<root>/splits/<class>_test_split<k>.txt, lines `<video>.avi 1` (train) or `2` (test)
"""

from __future__ import annotations

import functools
import pathlib

import einops
import numpy as np

from input_pipeline.annotations import split_lists
from input_pipeline.annotations.annotation import Annotation
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers.files.matlab import read_mat
from input_pipeline.readers.joints import to_joints
from input_pipeline.readers.videos.source import naming
from input_pipeline.skeletons.registry import Skeleton

_FRAME_SIZE = (240, 320)  # (height, width) of every JHMDB video.


def read(root: pathlib.Path, skeleton: Skeleton) -> PoseSource:
  """Opens the clips in the split lists, with splits train1, test1, train2, ...

  The classes are those of the split lists, in alphabetical order. A clip without a joint
  file stays in its splits; loading it raises.

  Raises:
    PoseDataError: if the lists are missing or contradict each other.
  """
  lists = split_lists.read(root / 'splits')
  return PoseSource(
    skeleton=skeleton,
    class_names=lists.class_names,
    splits=lists.splits,
    load=functools.partial(_load_clip, root, skeleton, lists),
  )


def _load_clip(
  root: pathlib.Path, skeleton: Skeleton, lists: Annotation, video_id: str
) -> PoseClip:
  if video_id not in lists.labels:
    raise PoseDataError(
      f'clip {video_id!r} is in none of the lists in {root / "splits"}'
    )
  labels = lists.labels[video_id]
  class_name = lists.class_names[labels[0]]
  file = root / 'joint_positions' / class_name / video_id / 'joint_positions.mat'
  positions = read_mat(file, ('pos_img',), video_id=video_id)['pos_img']
  if positions.ndim != 3 or positions.shape[:2] != (2, skeleton.num_joints):
    raise PoseDataError(
      f'clip {video_id!r}: pos_img in {file} has shape {positions.shape}, but needs'
      f' [2, {skeleton.num_joints}, frames]'
    )
  # Pixels in pos_img are 1-based, as in MATLAB.
  keypoints = einops.rearrange(positions.astype(np.float32), 'xy j t -> t 1 j xy') - 1
  # All joints are annotated, including hidden ones.
  values = np.concatenate([keypoints, np.ones_like(keypoints[..., :1])], axis=-1)
  with naming(video_id):
    joints = to_joints(values, 'pixels', _FRAME_SIZE)
  return PoseClip(
    video_id=video_id,
    keypoints=joints.values[..., :2],
    scores=joints.values[..., 2],
    frame_size=_FRAME_SIZE,
    skeleton=skeleton,
    labels=labels,
    notes=joints.notes,
  )
