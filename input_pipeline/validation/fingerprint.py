"""Fingerprints: a clip's poses without place and size, to find nearly equal clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import scipy  # Loads its parts when they are used.
from jaxtyping import Float16

from input_pipeline.poses.clip import PoseClip

# All numbers are ours.
_MOST_FRAMES = 64  # Kept per clip.
_FEWEST_JOINTS = 5  # Frames with fewer joints are not compared.
_FEWEST_FRAMES = 3  # Clips with fewer comparable frames are not compared.
_COMPARED = 16  # Frames of a clip that are looked for in other clips.
_MOST_TOGETHER = 2_000_000  # Frames of all clips that are looked through.
# Two poses are nearly equal if their joints differ by this share of the pose's size, root
# mean squares both. That is 2 pixels for a person 200 pixels tall. The closest two clips
# of JHMDB's train1 differ by 0.038, and the median clip from its closest clip by 0.13.
_NEAR = 0.03

Fingerprint = Float16[np.ndarray, 'n d']


def fingerprint(clip: PoseClip) -> Fingerprint:
  """Poses of the person with the highest scores, in at most 64 frames.

  Each frame's joints are centred and scaled to a norm of 1, so that crops, shifts and
  resized copies have the same values. Frames with few joints are left out. No frame is
  kept of a clip whose pose hardly changes: one pose, such as standing, proves nothing.
  """
  person = clip.scores.sum(axis=(0, 2)).argmax()
  there = clip.scores[:, person] > 0
  frames = np.flatnonzero(there.sum(axis=1) >= _FEWEST_JOINTS)
  there = there[frames, :, None]
  joints = np.where(there, clip.keypoints[frames, person], 0).astype(np.float64)
  number = np.maximum(there.sum(axis=1, keepdims=True), 1)
  joints = np.where(there, joints - joints.sum(axis=1, keepdims=True) / number, 0)
  size = np.sqrt(np.square(joints).sum(axis=(1, 2), keepdims=True))
  joints = joints[size[:, 0, 0] > 0] / size[size > 0].reshape(-1, 1, 1)
  joints = joints[:: max(1, -(-len(joints) // _MOST_FRAMES))]
  if len(joints) < _FEWEST_FRAMES or _spread(joints) < _NEAR:
    joints = joints[:0]
  return joints.reshape(len(joints), 2 * clip.keypoints.shape[2]).astype(np.float16)


def near_repeats(
  clips: Sequence[Fingerprint], others: Sequence[Fingerprint]
) -> Iterator[tuple[int, int]]:
  """Pairs (index of a clip, index of another clip) that show nearly the same poses.

  At least half of the compared frames must have a nearly equal pose anywhere in the other
  clip, so that a shift in time does not matter. Time grows with n·log n.
  """
  kept = max(8, min(_MOST_FRAMES, _MOST_TOGETHER // max(len(others), 1)))
  pool = [_evenly(poses, kept) for poses in others]
  frames = np.concatenate([np.zeros((0, _width(clips, others))), *pool])
  if not len(frames):
    return
  owner = np.repeat(np.arange(len(others)), [len(poses) for poses in pool])
  tree = scipy.spatial.KDTree(frames)
  for index, poses in enumerate(clips):
    if not len(poses):
      continue
    asked = _evenly(poses, _COMPARED)
    found = tree.query_ball_point(asked.astype(np.float64), _NEAR)
    hits = [owner[np.asarray(near, int)] for near in found]
    votes = np.bincount(np.concatenate([np.unique(hit) for hit in hits]).astype(int))
    if len(votes) and votes.max() >= len(asked) / 2:
      yield index, int(votes.argmax())


def _spread(joints: np.ndarray) -> float:
  """Root mean square distance of poses `[n, j, 2]` from their mean."""
  return float(np.sqrt(np.square(joints - joints.mean(axis=0)).sum(axis=(1, 2)).mean()))


def _evenly(poses: Fingerprint, most: int) -> Fingerprint:
  """At most `most` frames, evenly spread."""
  if len(poses) <= most:
    return poses
  return poses[np.linspace(0, len(poses) - 1, most).round().astype(int)]


def _width(*sides: Sequence[Fingerprint]) -> int:
  return next((poses.shape[1] for side in sides for poses in side), 0)
