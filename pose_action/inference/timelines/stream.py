"""Predicts on frames that arrive one by one, with the windows of the offline form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.poses.tracking import MAX_PEOPLE, UNKNOWN
from input_pipeline.poses.windows import PersonWindow, PersonWindows, Windows
from input_pipeline.skeletons.registry import Skeleton
from pose_action.inference.errors import PredictorError
from pose_action.inference.timelines.window_predictions import (
  WindowModel,
  WindowPrediction,
  predict_windows,
)


class Stream:
  """What people do now, from frames that arrive one by one.

  People, windows and probabilities are those that `model.timeline` gives for the same
  frames at once. A window's answer comes with its last frame. Memory and the time for a
  frame are bounded: kept are one window of frames and what tracking needs, and a frame
  ends at most 4 · `max_people` windows (a person must be visible in a quarter of one).

  Attributes:
    windows: length and stride in frames.
    num_frames: frames so far.
  """

  def __init__(
    self,
    model: WindowModel,
    windows: Windows,
    *,
    frame_size: tuple[int, int],
    skeleton: Skeleton | None = None,
    frame_rate: float | None = None,
    max_people: int = MAX_PEOPLE,
    warm_up: bool = True,
  ):
    """Compiles the model, unless `warm_up` is False; then the first window does.

    Args:
      frame_size: (height, width) of the frames in pixels.
      skeleton: the joint layout of the poses; by default the model's.
      frame_rate: frames per second; None if unknown.
      max_people: most people kept per frame.

    Raises:
      PredictorError: if the frame size or the number of people makes no sense, or the
        joints cannot be mapped to the model's.
    """
    if len(frame_size) != 2 or min(frame_size) < 1 or max_people < 1:
      raise PredictorError(
        f'frame_size is {frame_size} and max_people {max_people}, but they must be'
        ' (height, width) in pixels, and at least 1'
      )
    self.windows = windows
    self.num_frames = 0
    self._model = model
    self._frame_size = frame_size
    self._frame_rate = frame_rate
    self._skeleton = skeleton or model.skeleton
    joints = self._skeleton.num_joints
    self._cutter: PersonWindows | None = PersonWindows(
      windows, joints, max_people=max_people
    )
    if warm_up:
      anybody = np.full((windows.length, joints, 3), 1.0, np.float32)
      anybody[..., :2] = np.linspace(0, min(frame_size) - 1, joints)[:, None]
      self._predict([PersonWindow('', 0, windows.length, anybody)])

  def push(
    self,
    people: Float[np.ndarray, 'm j 3'] | Float[np.ndarray, 'j 3'],
    identities: Sequence[int] | Int[np.ndarray, 'm'] | None = None,
  ) -> list[WindowPrediction]:
    """Takes the people in the next frame; returns the windows that end with it.

    Args:
      people: x and y in pixels and score in 0..1 (0 = missing) of each joint; for one
        person without the first axis. An array with no people for an empty frame.
      identities: a tracker's whole number for each person, -1 for none.

    Raises:
      PredictorError: for arrays that do not fit, or after `finish`.
    """
    cutter = self._running()
    poses, named = self._checked(people, identities)
    self.num_frames += 1
    return self._predict(cutter.push(poses, named))

  def finish(self) -> list[WindowPrediction]:
    """The windows that end with the last frame, whatever the stride; ends the stream.

    Raises:
      PredictorError: if the stream has ended.
    """
    windows = self._running().finish()
    self._cutter = None
    return self._predict(windows)

  def _running(self) -> PersonWindows:
    if self._cutter is None:
      raise PredictorError('the stream has ended; make a new one with model.stream()')
    return self._cutter

  def _predict(self, windows: Sequence[PersonWindow]) -> list[WindowPrediction]:
    """One window at a time, so that the model is compiled for one shape."""
    return list(
      predict_windows(
        self._model,
        windows,
        frame_size=self._frame_size,
        skeleton=self._skeleton,
        frame_rate=self._frame_rate,
        batch_size=1,
      )
    )

  def _checked(
    self,
    people: np.ndarray,
    identities: Sequence[int] | np.ndarray | None,
  ) -> tuple[np.ndarray, np.ndarray | None]:
    joints = self._skeleton.num_joints
    poses = np.asarray(people, np.float32)
    if poses.ndim == 2:
      poses = poses[None]
    if poses.size == 0:
      poses = poses.reshape(0, joints, 3)
    if poses.shape[1:] != (joints, 3):
      raise PredictorError(
        f'frame {self.num_frames}: people have shape {np.shape(people)}, but need'
        f' [people, {joints} joints, 3] (skeleton {self._skeleton.name!r}; x, y, score)'
      )
    scores = poses[..., 2]
    valid = (scores >= 0) & (scores <= 1)  # False for NaN too.
    valid &= np.isfinite(poses[..., :2]).all(axis=-1) | (scores == 0)
    if not valid.all():
      person, joint = np.argwhere(~valid)[0]
      raise PredictorError(
        f'frame {self.num_frames}: joint {self._skeleton.joints[joint]!r} of person'
        f' {person} is {poses[person, joint].tolist()}, but must be finite x and y and a'
        ' score in 0..1, 0 if it is missing'
      )
    poses = np.where(scores[..., None] > 0, poses, np.float32(0))
    if identities is None:
      return poses, None
    named = np.asarray(identities, np.int64).reshape(-1)
    if len(named) != len(poses):
      raise PredictorError(
        f'frame {self.num_frames}: there are {len(poses)} people, but {len(named)}'
        ' identities; give one per person, -1 for none'
      )
    return poses, np.where(named < 0, UNKNOWN, named)
