"""From the poses of a whole video to the clip of one person: JMRN's input on AVA.

The paper (Sec. 4.2) crops "per-person pose information across the clip" by the person's
box; which frames, how a pose is told to be the box's, and how far around the box one
sees are ours.
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
  """What the clip of a person shows; all numbers are ours.

  Attributes:
    seconds: before and after the moment that the box is of. 1 makes about SlowFast's 64
      frames of 30 a second.
    frames_per_second: that are taken, the nearest ones of the video.
    margin: seen beside the longer side of the box, as a share of it.
    least_overlap: intersection over union of a pose's box with the person's box, or with
      the pose's own before it. Joints lie inside a person, so that it is well below 1.
  """

  seconds: float = 1.0
  frames_per_second: float = 12.0
  margin: float = 0.25
  least_overlap: float = 0.2

  def __post_init__(self):
    if self.seconds < 0 or self.frames_per_second <= 0 or self.margin < 0:
      raise ValueError(
        f'a clip of a person has seconds {self.seconds}, frames_per_second'
        f' {self.frames_per_second} and margin {self.margin}; of these seconds and margin'
        ' are 0 or more, frames_per_second above 0'
      )

  def times(self) -> Float[np.ndarray, ' t']:
    """Of the frames, in seconds from the middle one."""
    half = round(self.seconds * self.frames_per_second)
    return np.arange(-half, half + 1) / self.frames_per_second


@dataclasses.dataclass(frozen=True, eq=False)
class VideoPoses:
  """The poses of a whole video, with its time.

  Attributes:
    clip: all frames, in the layout of one person.
    frames_per_second: of the video.
    start: the time of its first frame, in seconds.
  """

  clip: PoseClip
  frames_per_second: float
  start: float

  def frames_at(self, times: Float[np.ndarray, ' t']) -> Int[np.ndarray, ' t']:
    """The nearest frames; they may lie outside of the video."""
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
  """The clip of who is in a box at a time, as if the box's surroundings were the frame.

  The frame is a square around the box, so that nobody is distorted. Who the box is of is
  followed through the clip from pose to pose; a frame without a fitting pose, or outside
  of the video, shows nobody there.

  Args:
    box: (x1, y1, x2, y2) as shares of the frame, 0..1.
    time: that the box is of, in seconds.
    video_id, labels: of the clip.
    skeleton: that of the video's poses; or `with_others` of it, which keeps the others
      that come into the frame.

  Raises:
    PoseDataError: where the box is none, the video has no frame at that time, or its
      poses are in another layout.
  """
  poses = video.clip
  _check_box(box, video_id)
  (middle,) = video.frames_at(np.array([time]))
  if not 0 <= middle < poses.num_frames:
    raise PoseDataError(
      f'clip {video_id!r}: at {time} s the poses of its video would be at frame {middle},'
      f' but there are {poses.num_frames}, from {video.start} s on,'
      f' {video.frames_per_second} a second; is the start right?'
    )
  frames = video.frames_at(time + settings.times())
  inside = (frames >= 0) & (frames < poses.num_frames)
  frames = np.clip(frames, 0, poses.num_frames - 1)
  keypoints = poses.keypoints[frames]
  scores = np.where(inside[:, None, None], poses.scores[frames], 0)
  height, width = poses.frame_size
  # To pixels from the frame's border, half a pixel before the centre of the first.
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
  )


def follow(
  keypoints: Float[np.ndarray, 't m j 2'],
  scores: Float[np.ndarray, 't m j'],
  box: Float[np.ndarray, '4'],
  least_overlap: float,
) -> Int[np.ndarray, ' t']:
  """Who of each frame is in `box` at the middle one: an index of `m`, -1 for nobody.

  From the middle both ways, each frame's pose whose box overlaps the last one most.
  Where none does by `least_overlap`, the last one is kept for the next frame.

  Args:
    box: (x1, y1, x2, y2) in pixels, as keypoints are.
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
  """Corner (x, y) and side, in pixels from the frame's border."""
  low, high = pixels[:2], pixels[2:]
  side = max(1, round(float((high - low).max()) * (1 + 2 * margin)))
  return (low + high - side) / 2, side


def _person_first(
  keypoints: Float[np.ndarray, 't m j 2'],
  scores: Float[np.ndarray, 't m j'],
  person: Int[np.ndarray, ' t'],
) -> tuple[Float[np.ndarray, 't p j 2'], Float[np.ndarray, 't p j']]:
  """Puts the person before all others, in whose places nobody is left then."""
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
  """Who has a joint in the square in any frame; the first person in any case."""
  inside = ((keypoints >= -0.5) & (keypoints < side - 0.5)).all(axis=-1)
  first = np.arange(scores.shape[1]) == 0
  return first | (inside & (scores > 0)).any(axis=(0, 2))
