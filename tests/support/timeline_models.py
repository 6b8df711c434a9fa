"""A model whose answers follow from a window by arithmetic, and videos for it."""

import ml_collections
import numpy as np

from configs.shared.base import base_config
from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton
from pose_action.inference.prediction import Prediction
from pose_action.inference.timelines.model_methods import TimelineMethods
from pose_action.training.clip_times import ClipTimes

SKELETON = Skeleton(name='two', joints=('a', 'b'), limbs=(('a', 'b'),))
CLASSES = ('left', 'right')


class Halves(TimelineMethods):
  """'left' has the share of a window's visible frames whose joint a is left of x = 500."""

  class_names = CLASSES
  skeleton = SKELETON
  multi_label = False
  background_class = ''
  clip_times: ClipTimes | None = ClipTimes.of_clips([4], None)
  threshold: float | None = None

  def __init__(self, config: ml_collections.ConfigDict | None = None):
    self.config = config or base_config()
    self.batches: list[int] = []

  def predict(self, clips, *, batch_size=32):
    clips = list(clips)
    self.batches.append(len(clips))
    found = []
    for clip in clips:
      seen = clip.scores[:, 0, 0] > 0
      share = (clip.keypoints[seen, 0, 0, 0] < 500).mean()
      probabilities = np.array([share, 1 - share], np.float32)
      found.append(Prediction(clip.video_id, CLASSES, probabilities))
    return found


def video(*people: tuple[float, ...], frame_rate: float | None = 10.0) -> PoseClip:
  """One person per tuple of x in each frame; NaN where the person is missing."""
  x = np.array(people, np.float32).T
  scores = np.repeat(np.isfinite(x)[..., None], 2, axis=-1).astype(np.float32)
  keypoints = np.zeros((*x.shape, 2, 2), np.float32)
  keypoints[..., 0, 0], keypoints[..., 1, 0] = x, x + 200
  keypoints[..., 1, 1] = 200
  keypoints[scores == 0] = 0
  return PoseClip('v', keypoints, scores, (480, 1200), SKELETON, frame_rate=frame_rate)
