"""Cuts the clip of one person out of a whole video's poses: JMRN's input on AVA.

The paper (Sec. 4.2) crops "per-person pose information across the clip" by the person's
box. The choice of frames, the matching of poses to the box, and the margin around the
box are ours.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.boxes import boxes_of_poses, overlaps
from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.other_people import has_others, others_apart
from input_pipeline.skeletons.registry import Skeleton


@dataclasses.dataclass(frozen=True)
class PersonClipSettings:
  """Time span, frame rate and crop for the clip of a person; all numbers are ours.

  Attributes:
    seconds: duration before and after the box's time. 1 s gives about the span of
      SlowFast's 64 frames at 30 frames per second.
    frames_per_second: sampling rate; the nearest video frames are taken.
    margin: width added on each side of the box, as a share of the box's longer side.
    least_overlap: smallest intersection over union between a pose's box and the box it
      must match: the person's box, or the box of the person's last matched pose. Well
      below 1, because joints lie inside the body.
  """

  seconds: float = 1.0
  frames_per_second: float = 12.0
  margin: float = 0.25
  least_overlap: float = 0.2

  def __post_init__(self):
    if self.seconds < 0 or self.frames_per_second <= 0 or self.margin < 0:
      raise ValueError(
        f'a clip of a person has seconds {self.seconds}, frames_per_second'
        f' {self.frames_per_second} and margin {self.margin}; seconds and margin must be'
        ' 0 or more, frames_per_second above 0'
      )

  def times(self) -> Float[np.ndarray, ' t']:
    """Times of the frames, in seconds relative to the middle frame."""
    half = round(self.seconds * self.frames_per_second)
    return np.arange(-half, half + 1) / self.frames_per_second


@dataclasses.dataclass(frozen=True, eq=False)
class VideoPoses:
  """The poses in a whole video, with its frame rate and start time.

  Attributes:
    clip: all frames, in the layout of one person (without others' joints).
    frames_per_second: the video's frame rate.
    start: time of the first frame, in seconds.
  """

  clip: PoseClip
  frames_per_second: float
  start: float

  def frames_at(self, times: Float[np.ndarray, ' t']) -> Int[np.ndarray, ' t']:
    """Indices of the nearest frames; they may lie outside the video."""
    frames = (np.asarray(times) - self.start) * self.frames_per_second
    return np.floor(frames + 0.5).astype(np.int64)


def person_clip(
  video: VideoPoses,
  box: Float[np.ndarray, '4'],
  time: float,
  *,
  video_id: str,
  labels: tuple[int, ...],
  skeleton: Skeleton,
  settings: PersonClipSettings,
) -> PoseClip:
  """Returns the clip of the person in a box, cropped to the surroundings of the box.

  The new frame is a square around the box, so that people are not distorted. The person
  is tracked from pose to pose, forward and backward from the box's time. In a frame
  without a matching pose, or outside the video, the person is missing.

  Args:
    box: (x1, y1, x2, y2) as shares of the frame, 0..1.
    time: time of the box, in seconds.
    video_id, labels: id and labels for the new clip.
    skeleton: that of the video's poses, or `with_others` of it, which keeps others too.

  Raises:
    PoseDataError: if the box is invalid, the video has no frame at that time, or its
      poses have another layout.
  """
  poses = video.clip
  _check_box(box, video_id)
  (middle,) = video.frames_at(np.array([time]))
  if not 0 <= middle < poses.num_frames:
    raise PoseDataError(
      f'clip {video_id!r}: poses for {time} s would be at frame {middle}, but there are'
      f' {poses.num_frames}, from {video.start} s on, {video.frames_per_second} per'
      ' second; check the start time'
    )
  frames = video.frames_at(time + settings.times())
  inside = (frames >= 0) & (frames < poses.num_frames)
  frames = np.clip(frames, 0, poses.num_frames - 1)
  keypoints = poses.keypoints[frames]
  scores = np.where(inside[:, None, None], poses.scores[frames], 0)
  height, width = poses.frame_size
  # In pixels from the frame's border, which is half a pixel before the first centre.
  pixels = np.asarray(box, np.float64) * [width, height, width, height]
  person = follow(keypoints, scores, pixels - 0.5, settings.least_overlap)
  corner, side = _square_around(pixels, settings.margin)
  keypoints, scores = _person_first(keypoints - corner, scores, person)
  if has_others(skeleton):
    nearby = _come_into_view(keypoints, scores, side)
    keypoints, scores = others_apart(keypoints[:, nearby], scores[:, nearby])
  else:
    keypoints, scores = keypoints[:, :1], scores[:, :1]
  return PoseClip(
    video_id=video_id,
    keypoints=keypoints,
    scores=scores,
    frame_size=(side, side),
    skeleton=skeleton,
    labels=labels,
    frame_rate=settings.frames_per_second,
  )


def follow(
  keypoints: Float[np.ndarray, 't m j 2'],
  scores: Float[np.ndarray, 't m j'],
  box: Float[np.ndarray, '4'],
  least_overlap: float,
) -> Int[np.ndarray, ' t']:
  """Index on axis `m`, per frame, of the person in `box` in the middle frame; -1 if none.

  Starting from the middle frame in both directions, picks the pose whose box overlaps
  the last matched box most. If no overlap reaches `least_overlap`, the frame has no
  match, and the last matched box is kept for the next frame.

  Args:
    box: (x1, y1, x2, y2) in pixels, in the same coordinates as keypoints.
  """
  boxes = boxes_of_poses(keypoints, scores)
  middle = len(boxes) // 2
  person = np.full(len(boxes), -1)
  for way in (range(middle, len(boxes)), range(middle, -1, -1)):
    last = np.asarray(box, np.float64)
    for frame in way:
      overlap = overlaps(last[None], boxes[frame])[0]
      best = int(overlap.argmax())
      if overlap[best] >= least_overlap:
        person[frame], last = best, boxes[frame, best]
  return person


def _check_box(box: np.ndarray, video_id: str):
  x1, y1, x2, y2 = (float(value) for value in box)
  if not (x1 < x2 and y1 < y2 and max(abs(x1), abs(y1), x2, y2) < 2):
    raise PoseDataError(
      f'clip {video_id!r}: its box is {x1, y1, x2, y2}, but must be (x1, y1, x2, y2) as'
      ' shares of the frame, with x1 < x2 and y1 < y2'
    )


def _square_around(
  pixels: Float[np.ndarray, '4'], margin: float
) -> tuple[Float[np.ndarray, '2'], int]:
  """Corner (x, y) in pixels from the frame's border, and side in whole pixels."""
  low, high = pixels[:2], pixels[2:]
  side = max(1, round(float((high - low).max()) * (1 + 2 * margin)))
  return (low + high - side) / 2, side


def _person_first(
  keypoints: Float[np.ndarray, 't m j 2'],
  scores: Float[np.ndarray, 't m j'],
  person: Int[np.ndarray, ' t'],
) -> tuple[Float[np.ndarray, 't p j 2'], Float[np.ndarray, 't p j']]:
  """Moves the person to index 0; the person's former index is left empty."""
  frame = np.arange(len(person))
  own = np.where((person >= 0)[:, None], scores[frame, person], 0)
  scores = scores.copy()
  scores[frame[person >= 0], person[person >= 0]] = 0
  return (
    np.concatenate([keypoints[frame, person][:, None], keypoints], axis=1),
    np.concatenate([own[:, None], scores], axis=1),
  )


def _come_into_view(
  keypoints: Float[np.ndarray, 't m j 2'], scores: Float[np.ndarray, 't m j'], side: int
) -> Bool[np.ndarray, ' m']:
  """Whether each person has a joint in the square in any frame; True for person 0."""
  inside = ((keypoints >= -0.5) & (keypoints < side - 0.5)).all(axis=-1)
  first = np.arange(scores.shape[1]) == 0
  return first | (inside & (scores > 0)).any(axis=(0, 2))
