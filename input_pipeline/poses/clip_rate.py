"""Clips at another frame rate: the same seconds in more or fewer frames."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import HeatmapClip

TimedClip = PoseClip | HeatmapClip
_ON_A_FRAME = 1e-6  # In frames: a moment this near to a frame is the frame itself.


def at_frame_rate(clip: TimedClip, frame_rate: float) -> TimedClip:
  """The clip at another frame rate, from its first frame to its last or just before.

  Positions and scores are interpolated linearly between frames that both show a joint.
  Where only one does, the nearer frame decides whether the joint is there, and where. Maps
  are those of the nearest frame. The frames of a video no longer belong to the poses.

  Args:
    clip: a clip whose frame rate is known.
    frame_rate: frames per second, above 0.
  """
  assert clip.frame_rate is not None
  moments = _moments(clip.num_frames, clip.frame_rate, frame_rate)
  if isinstance(clip, HeatmapClip):
    nearest, read = np.round(moments).astype(int), clip.read
    return dataclasses.replace(
      clip,
      read=lambda modality: read(modality)[nearest],
      num_frames=len(nearest),
      frame_rate=frame_rate,
      keypoints=None,
      footage=None,
    )
  keypoints, scores = _interpolated(clip.keypoints, clip.scores, moments)
  return dataclasses.replace(
    clip, keypoints=keypoints, scores=scores, frame_rate=frame_rate, footage=None
  )


def _moments(num_frames: int, old: float, new: float) -> Float[np.ndarray, 'T']:
  """The moments of the new frames, in old frames from the first."""
  count = int(np.floor((num_frames - 1) * new / old + _ON_A_FRAME)) + 1
  return np.minimum(np.arange(count) * old / new, num_frames - 1)


def _interpolated(
  keypoints: Float[np.ndarray, 't m j 2'],
  scores: Float[np.ndarray, 't m j'],
  moments: Float[np.ndarray, 'T'],
) -> tuple[Float[np.ndarray, 'T m j 2'], Float[np.ndarray, 'T m j']]:
  near = np.round(moments)
  moments = np.where(np.abs(moments - near) < _ON_A_FRAME, near, moments)
  before = np.floor(moments).astype(int)
  after = np.minimum(before + 1, len(scores) - 1)
  share = (moments - before).astype(np.float32)[:, None, None]
  both = (scores[before] > 0) & (scores[after] > 0)
  # Where only one frame shows the joint, the share is that of the nearer frame.
  share = np.where(both, share, np.round(share))

  def mean(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    return (1 - share) * values[before] + share * values[after]

  return mean(keypoints, share[..., None]), mean(scores, share)
