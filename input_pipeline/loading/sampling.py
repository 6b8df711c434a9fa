"""Samples T frames per clip: randomly for training, deterministically for testing.

PA3D leaves the rule open (Sec. 4.1 says only "10 sampled clips of each video, where
each clip has T sampled frames"); the first two rules here are ours.

- 'segments': one frame from each of T equal segments, so that a clip spans the whole
  action (same as in temporal segment networks). A test view takes the same relative
  position in every segment; views are evenly spread over the segment.
- 'consecutive': T adjacent frames; test views start evenly spread over the video.
- 'whole': the whole video (JMRN Sec. 3), in training and in the only test view. A video
  of at most T frames keeps all frames and is padded to T by repeating the last;
  `real_frames` counts the frames before the padding. From a longer video, T frames are
  evenly spread from the first to the last, both included (ours).

All indices are 0-based; a video shorter than T repeats frames.
"""

from __future__ import annotations

import numpy as np

RULES = ('segments', 'consecutive', 'whole')


def training_frames(
  rng: np.random.Generator, video_length: int, num_frames: int, rule: str = 'segments'
) -> np.ndarray:
  """Frame indices for one random clip, int64 `[t]`, non-decreasing."""
  check_rule(rule)
  if rule == 'whole':
    return _whole(video_length, num_frames)
  if rule == 'segments':
    return _in_segments(rng.random(num_frames), video_length)
  return _consecutive(rng.random(), video_length, num_frames)


def test_frames(
  video_length: int, num_frames: int, num_views: int, rule: str = 'segments'
) -> np.ndarray:
  """Frame indices for all test views, int64 `[v, t]`; deterministic.

  Raises:
    ValueError: if the rule is 'whole' and `num_views` is not 1.
  """
  check_rule(rule)
  if rule == 'whole':
    check_one_view(num_views, "config.data.sampling='whole' takes the whole video")
    return _whole(video_length, num_frames)[None]
  places = (np.arange(num_views) + 0.5) / num_views
  if rule == 'segments':
    return np.stack(
      [_in_segments(np.full(num_frames, place), video_length) for place in places]
    )
  return np.stack([_consecutive(place, video_length, num_frames) for place in places])


def real_frames(video_length: int, num_frames: int, rule: str) -> int:
  """Number of frames before the padding: min(video_length, T) for 'whole'.

  T for all other rules, which repeat frames of short videos but do not pad.
  """
  check_rule(rule)
  return min(video_length, num_frames) if rule == 'whole' else num_frames


def check_one_view(num_views: int, reason: str):
  """Raises ValueError for several test views, if all would be the same."""
  if num_views != 1:
    raise ValueError(
      f'eval.views is {num_views}, but {reason}, so there is only one view; set'
      ' config.eval.views=1'
    )


def check_rule(rule: str):
  """Raises ValueError for an unknown sampling rule."""
  if rule not in RULES:
    raise ValueError(f'there is no sampling rule {rule!r}; it is one of {RULES}')


def _in_segments(places: np.ndarray, video_length: int) -> np.ndarray:
  """One frame per segment, at relative position `places` (0..1) in each."""
  num_frames = len(places)
  positions = (np.arange(num_frames) + places) * video_length / num_frames
  # A place just below 1 plus a segment number can round up to the next segment.
  return np.minimum(positions.astype(np.int64), video_length - 1)


def _consecutive(place: float, video_length: int, num_frames: int) -> np.ndarray:
  starts = max(video_length - num_frames + 1, 1)
  return np.minimum(int(place * starts) + np.arange(num_frames), video_length - 1)


def _whole(video_length: int, num_frames: int) -> np.ndarray:
  if video_length <= num_frames:
    return np.minimum(np.arange(num_frames), video_length - 1)
  return np.linspace(0, video_length - 1, num_frames).round().astype(np.int64)
