"""The methods `timeline` and `stream` of every model that predicts."""

from __future__ import annotations

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.tracking import MAX_PEOPLE
from input_pipeline.poses.windows import parse_frames
from input_pipeline.skeletons.registry import Skeleton, get_skeleton
from pose_action.inference.timelines.bouts import BoutRule
from pose_action.inference.timelines.stream import Stream
from pose_action.inference.timelines.timeline import Timeline, timeline_of_clip
from pose_action.inference.timelines.window_predictions import (
  BATCH_SIZE,
  WindowModel,
  windows_for,
)


class TimelineMethods:
  """What a model says of people over time.

  Attributes:
    bout_threshold: the probability at which an action begins by default; None for 0.5.
  """

  bout_threshold: float | None = None

  def timeline(
    self: WindowModel,
    clip: PoseClip,
    *,
    window: str | int | None = None,
    stride: str | int | None = None,
    frame_rate: float | None = None,
    threshold: float | None = None,
    hysteresis: float = BoutRule.hysteresis,
    min_length: str | int = 1,
    batch_size: int = BATCH_SIZE,
  ) -> Timeline:
    """What each person in a whole video does over time, from sliding windows.

    Args:
      clip: the poses of the video.
      window, stride: durations: 30 is frames, '1.5s' seconds. By default the median
        length of the clips that the model was trained on, and a quarter of the window.
      frame_rate: frames per second; by default the clip's own. Only durations and times
        in seconds need it.
      threshold, hysteresis, min_length: when actions begin and end, see `BoutRule`; by
        default, the threshold is the model's `bout_threshold`, which keeps 95 % of the
        right answers on held-out clips, else 0.5. `min_length` is a duration.
      batch_size: windows that the model is given at once.

    Returns:
      Probabilities per person and frame, and `bouts`; `save` writes a file.

    Raises:
      PoseDataError, PredictorError: for options that make no sense, or joints that
        cannot be mapped to the model's.

    Example:
      >>> import pose_action
      >>> model = pose_action.load('run')
      >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
      ...                                 frame_size=(240, 320))
      >>> timeline = model.timeline(source.load('clip1'), window=4, stride=2)
      >>> [person.person for person in timeline.people]
      ['0']
      >>> timeline.people[0].probabilities.shape  # frames, classes
      (8, 3)
      >>> timeline.save('clip1.csv')
    """
    rate = frame_rate or clip.frame_rate
    if threshold is None:
      own = self.bout_threshold
      threshold = BoutRule.threshold if own is None else own
    return timeline_of_clip(
      self,
      clip,
      windows_for(self, window, stride, rate),
      frame_rate=rate,
      rule=BoutRule(
        threshold, hysteresis, parse_frames(str(min_length), rate, 'min_length')
      ),
      batch_size=batch_size,
    )

  def stream(
    self: WindowModel,
    *,
    frame_size: tuple[int, int],
    window: str | int | None = None,
    stride: str | int | None = None,
    frame_rate: float | None = None,
    skeleton: Skeleton | str | None = None,
    max_people: int = MAX_PEOPLE,
    warm_up: bool = True,
  ) -> Stream:
    """Predicts on frames that arrive one by one, in bounded memory.

    Args:
      frame_size: (height, width) of the frames in pixels.
      window, stride, frame_rate: as in `timeline`.
      skeleton: the joint layout of the poses, or its name; by default the model's.
      max_people: most people kept per frame.
      warm_up: compile the model now, not with the first window.

    Raises:
      PoseDataError, PredictorError, SkeletonError: for options that make no sense.

    Example:
      >>> import numpy as np
      >>> import pose_action
      >>> model = pose_action.load('run')
      >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
      ...                                 frame_size=(240, 320))
      >>> clip = source.load('clip1')
      >>> stream = model.stream(window=4, stride=2, frame_size=(240, 320))
      >>> for xy, scores in zip(clip.keypoints, clip.scores):  # for each frame
      ...   for answer in stream.push(np.concatenate([xy, scores[..., None]], axis=-1)):
      ...     print(answer.person, answer.start, answer.stop)
      t0 0 4
      t0 2 6
      t0 4 8
    """
    known = get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
    return Stream(
      self,
      windows_for(self, window, stride, frame_rate),
      frame_size=frame_size,
      skeleton=known,
      frame_rate=frame_rate,
      max_people=max_people,
      warm_up=warm_up,
    )
