"""A model's answers for windows of a video, one person each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.windows import PersonWindow, Windows, parse_frames
from input_pipeline.skeletons.registry import Skeleton
from pose_action.inference.errors import PredictorError
from pose_action.training.clip_times import ClipTimes

if TYPE_CHECKING:
  import ml_collections

  from pose_action.inference.prediction import Prediction

# Windows overlap fourfold unless the user says otherwise (ours).
_STRIDES_PER_WINDOW = 4
BATCH_SIZE = 32  # Windows that a model is given at once (ours).


class WindowModel(Protocol):
  """What a timeline needs from a model: a Predictor, or several as an ensemble."""

  class_names: tuple[str, ...]

  @property
  def config(self) -> ml_collections.ConfigDict: ...
  @property
  def skeleton(self) -> Skeleton: ...
  @property
  def multi_label(self) -> bool: ...
  @property
  def background_class(self) -> str: ...
  @property
  def clip_times(self) -> ClipTimes | None: ...
  @property
  def bout_threshold(self) -> float | None: ...
  def predict(
    self, clips: Iterable[PoseClip], *, batch_size: int = BATCH_SIZE
  ) -> list[Prediction]: ...


class WindowPrediction(NamedTuple):
  """The classes of one person in one window.

  Attributes:
    person: the name, see `CausalTracker`.
    start, stop: the window's first frame, and the first after it.
    probabilities: float32 `[k]`, see `Prediction.probabilities`.
    label: see `Prediction.label`.
  """

  person: str
  start: int
  stop: int
  probabilities: Float[np.ndarray, 'k']
  label: str


def windows_for(
  model: WindowModel,
  window: str | int | None,
  stride: str | int | None,
  frame_rate: float | None,
) -> Windows:
  """The windows that a user asks for, or those that fit the model.

  Args:
    window: a duration, see `parse_frames`; by default the median length of the clips that
      the model was trained on, at their rate where both rates are known.
    stride: a duration; by default a quarter of the window.
    frame_rate: frames per second, for durations in seconds.

  Raises:
    PoseDataError: for durations that make no sense.
    PredictorError: without a window, if the model does not know its clips' lengths.
  """
  if window is None:
    if model.clip_times is None:
      raise PredictorError(
        'the model does not know how long the clips were that it was trained on (an'
        ' earlier version trained it, or its weights are imported); give the window: 30'
        ' for frames, or 2s'
      )
    length = _usual_frames(model.clip_times, frame_rate)
  else:
    length = parse_frames(str(window), frame_rate, 'window')
  if stride is None:
    return Windows(length, max(1, length // _STRIDES_PER_WINDOW))
  return Windows(length, parse_frames(str(stride), frame_rate, 'stride'))


def _usual_frames(times: ClipTimes, frame_rate: float | None) -> int:
  if frame_rate is None or times.usual_rate is None:
    return times.usual_frames
  return max(1, round(times.usual_frames * frame_rate / times.usual_rate))


def predict_windows(
  model: WindowModel,
  windows: Iterable[PersonWindow],
  *,
  frame_size: tuple[int, int],
  skeleton: Skeleton,
  frame_rate: float | None = None,
  batch_size: int = BATCH_SIZE,
) -> Iterator[WindowPrediction]:
  """The model's answer for each window, in order; windows are consumed in batches.

  Args:
    frame_size: (height, width) of the video's frames in pixels.
    skeleton: the joint layout of the windows' poses.
    frame_rate: frames per second; None if unknown.
  """
  remaining = iter(windows)
  while batch := list(itertools.islice(remaining, batch_size)):
    clips = [_clip(window, frame_size, skeleton, frame_rate) for window in batch]
    predictions = model.predict(clips, batch_size=batch_size)
    for window, prediction in zip(batch, predictions, strict=True):
      yield WindowPrediction(
        window.person,
        window.start,
        window.stop,
        prediction.probabilities,
        prediction.label,
      )


def _clip(
  window: PersonWindow,
  frame_size: tuple[int, int],
  skeleton: Skeleton,
  frame_rate: float | None,
) -> PoseClip:
  poses = window.poses[:, None]
  return PoseClip(
    video_id=f'{window.person}@{window.start}',
    keypoints=poses[..., :2],
    scores=poses[..., 2],
    frame_size=frame_size,
    skeleton=skeleton,
    frame_rate=frame_rate,
  )
