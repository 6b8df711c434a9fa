"""Clips with one person, whose joints are placed by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import SKELETONS

# Seen from the front, so that the left side is on the image's right. The trunk is 40
# pixels long, the shoulders are 28 apart (0.7 of the trunk), the hips 16 (0.4).
FRONT = {
  'nose': (50, 20),
  'left_eye': (52, 18),
  'right_eye': (48, 18),
  'left_ear': (54, 19),
  'right_ear': (46, 19),
  'left_shoulder': (64, 30),
  'right_shoulder': (36, 30),
  'left_elbow': (68, 48),
  'right_elbow': (32, 48),
  'left_wrist': (70, 64),
  'right_wrist': (30, 64),
  'left_hip': (58, 70),
  'right_hip': (42, 70),
  'left_knee': (58, 95),
  'right_knee': (42, 95),
  'left_ankle': (58, 115),
  'right_ankle': (42, 115),
}


@pytest.fixture
def make_clip() -> Callable[..., PoseClip]:
  """Makes clips of equal frames, 120 x 100 pixels; keywords replace joint positions."""

  def make(video_id='clip', *, frames=6, label=0, score=1.0, **moved) -> PoseClip:
    coco = SKELETONS['coco_17']
    pose = np.array([(FRONT | moved)[joint] for joint in coco.joints], np.float32)
    return PoseClip(
      video_id=video_id,
      keypoints=np.tile(pose, (frames, 1, 1, 1)),
      scores=np.full((frames, 1, 17), score),
      frame_size=(120, 100),
      skeleton=coco,
      labels=() if label is None else (label,),
    )

  return make


@pytest.fixture
def swap() -> Callable[..., PoseClip]:
  """Swaps left and right in a clip, in all joints and frames or in some."""

  def swapped(clip: PoseClip, *parts: str, frames=slice(None)) -> PoseClip:
    joints = clip.skeleton.joints
    order = [
      clip.skeleton.flip_permutation[index]
      if not parts or any(part in joint for part in parts)
      else index
      for index, joint in enumerate(joints)
    ]
    keypoints, scores = clip.keypoints.copy(), clip.scores.copy()
    keypoints[frames] = keypoints[frames][:, :, order]
    scores[frames] = scores[frames][:, :, order]
    return PoseClip(
      clip.video_id, keypoints, scores, clip.frame_size, clip.skeleton, clip.labels
    )

  return swapped
