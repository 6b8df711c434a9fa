"""PoseClip: the form in which all poses enter the library, with its checks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.notes import Note
from input_pipeline.skeletons.registry import Skeleton, get_skeleton


@dataclasses.dataclass(frozen=True)
class Segment:
  """The time span of an action in a video.

  Attributes:
    label: class index.
    start, end: in seconds from the beginning of the video.

  Raises:
    ValueError: if the end is before the start, or a time is negative or not finite.
  """

  label: int
  start: float
  end: float

  def __post_init__(self):
    if not 0 <= self.start <= self.end < math.inf:  # False for NaN too.
      raise ValueError(
        f'a segment of class {self.label} is from {self.start} to {self.end}, but must'
        ' be 0 <= start <= end, in seconds'
      )


@dataclasses.dataclass(frozen=True, eq=False)
class PoseClip:
  """The poses in one video clip, checked on construction.

  Attributes:
    video_id: unique within its split.
    keypoints: float32 `[t, m, j, 2]`, (x, y) in frame pixels, 0-based, with the origin
      at the centre of the top-left pixel. May lie outside the frame. 0 if missing.
    scores: float32 `[t, m, j]` in 0..1; 0 means that the joint is missing.
    frame_size: (height, width) in pixels.
    skeleton: the layout of axis `j`.
    labels: class indices; exactly one in a single-label data set.
    segments: the time spans of the labels, if known. An export does not store them.
    notes: what was doubtful in the clip's file. An export prints them.
    frame_rate: frames per second; None if unknown.
    identities: int `[t, m]`, the identity that a tracker gave each person in each frame,
      `tracking.UNKNOWN` (-1) where it gave none; None if it gave none at all. An export
      does not store them.
    footage: the video frames in which the poses were found; None if unknown. An export
      does not store it.

  Raises:
    PoseDataError: on a wrong shape, a score outside 0..1, a non-finite coordinate for a
      present joint, a segment whose class is not among the labels, or a frame rate that
      is not above 0.
  """

  video_id: str
  keypoints: np.ndarray
  scores: np.ndarray
  frame_size: tuple[int, int]
  skeleton: Skeleton
  labels: tuple[int, ...] = ()
  segments: tuple[Segment, ...] = ()
  notes: tuple[Note, ...] = ()
  frame_rate: float | None = None
  identities: np.ndarray | None = None
  footage: Footage | None = None

  def __post_init__(self):
    set_field = object.__setattr__  # The dataclass is frozen for everyone else.
    set_field(self, 'keypoints', np.asarray(self.keypoints, np.float32))
    set_field(self, 'scores', np.asarray(self.scores, np.float32))
    set_field(self, 'labels', tuple(int(label) for label in self.labels))
    self._check_shapes()
    self._check_values()
    # A missing joint has no position; values that a tool wrote there must not be used.
    missing = self.scores == 0
    set_field(self, 'keypoints', np.where(missing[..., None], 0, self.keypoints))

  @classmethod
  def from_arrays(
    cls,
    keypoints: np.ndarray,
    scores: np.ndarray | None = None,
    *,
    frame_size: tuple[int, int],
    skeleton: Skeleton | str,
    video_id: str = 'clip',
    labels: Sequence[int] = (),
    frame_rate: float | None = None,
  ) -> PoseClip:
    """Makes a clip from arrays, for one person or several.

    Args:
      keypoints: (x, y) in pixels, `[t, j, 2]` or `[t, m, j, 2]`.
      scores: 0..1, 0 = missing, `[t, j]` or `[t, m, j]`. By default every joint with
        finite coordinates is present.
      frame_size: (height, width) in pixels.
      skeleton: the joint layout, or its registered name or file.
      video_id: the clip's name.
      labels: class indices, if known.
      frame_rate: frames per second, if known.

    Raises:
      PoseDataError: for the same reasons as the constructor.
      SkeletonError: for an unknown skeleton.

    Example:
      >>> import numpy as np
      >>> import pose_action
      >>> xy = np.full((30, 17, 2), 100.0)  # 30 frames of one person
      >>> clip = pose_action.PoseClip.from_arrays(xy, frame_size=(720, 1280),
      ...                                         skeleton='coco_17')
      >>> clip.keypoints.shape, clip.scores.shape
      ((30, 1, 17, 2), (30, 1, 17))
    """
    keypoints = np.asarray(keypoints, np.float32)
    if keypoints.ndim == 3:
      keypoints = keypoints[:, None]
    present = np.isfinite(keypoints).all(axis=-1) if scores is None else scores
    shares = np.asarray(present, np.float32)
    if shares.ndim == 2:
      shares = shares[:, None]
    return cls(
      video_id=video_id,
      keypoints=keypoints,
      scores=shares,
      frame_size=frame_size,
      skeleton=get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton,
      labels=tuple(labels),
      frame_rate=frame_rate,
    )

  @property
  def num_frames(self) -> int:
    return self.keypoints.shape[0]

  @property
  def num_persons(self) -> int:
    return self.keypoints.shape[1]

  def _check_shapes(self):
    if not self.video_id:
      raise PoseDataError('a clip has an empty video_id')
    joints = self.skeleton.num_joints
    shape = self.keypoints.shape
    if len(shape) != 4 or shape[2:] != (joints, 2) or 0 in shape:
      raise self._error(
        f'keypoints have shape {shape}, but need [frames, persons, {joints}, 2] with at'
        f' least one frame and one person (skeleton {self.skeleton.name!r} has {joints}'
        ' joints)'
      )
    if self.scores.shape != shape[:3]:
      raise self._error(
        f'scores have shape {self.scores.shape}, but the keypoints need {shape[:3]}'
      )
    if self.identities is not None and np.shape(self.identities) != shape[:2]:
      raise self._error(
        f'identities have shape {np.shape(self.identities)}, but the keypoints need'
        f' {shape[:2]}'
      )
    if len(self.frame_size) != 2 or min(self.frame_size) < 1:
      raise self._error(
        f'frame_size is {self.frame_size}, but must be (height, width) in pixels'
      )
    rate = self.frame_rate
    if rate is not None and not 0 < rate < math.inf:  # True for NaN too.
      raise self._error(
        f'frame_rate is {rate}, but must be frames per second above 0, or None'
      )
    if others := {segment.label for segment in self.segments} - {*self.labels}:
      raise self._error(
        f'has segments of classes {sorted(others)}, but the labels {self.labels}; add a'
        ' label for each class with a segment'
      )

  def _check_values(self):
    valid = (self.scores >= 0) & (self.scores <= 1)  # False for NaN too.
    if not valid.all():
      raise self._error(
        f'scores hold {self._first(self.scores, valid)}, but must lie in 0..1 (0 ='
        ' missing); scale them in the reader'
      )
    finite = np.isfinite(self.keypoints).all(axis=-1) | (self.scores == 0)
    if not finite.all():
      raise self._error(
        f'keypoints hold {self._first(self.keypoints, finite)} although the score is'
        ' above 0; give a missing joint the score 0'
      )

  def _first(self, values: np.ndarray, valid: np.ndarray) -> str:
    """The first invalid value and its frame, person and joint."""
    frame, person, joint = np.argwhere(~valid)[0]
    return (
      f'{values[frame, person, joint]} at frame {frame}, person {person}, joint'
      f' {self.skeleton.joints[joint]!r}'
    )

  def _error(self, message: str) -> PoseDataError:
    return PoseDataError(f'clip {self.video_id!r}: {message}')
