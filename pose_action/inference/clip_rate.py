"""Reads clips at the frame rate that a model was trained on."""

from __future__ import annotations

from input_pipeline.poses.clip_rate import at_frame_rate
from input_pipeline.poses.sources import PotionClip
from input_pipeline.storage.examples import AnyClip
from pose_action.training.clip_times import ClipTimes

_SAME = 0.02  # Rates that differ by less are the same: 29.97 and 30 (our choice).


def at_own_rate(clip: AnyClip, times: ClipTimes | None) -> tuple[AnyClip, str | None]:
  """The clip at the median rate of the training clips, unless its own is among theirs.

  Unknown rates stay as they are, and so do ready PoTion maps.

  Args:
    times: those of the training clips; None if unknown.

  Returns:
    The clip, and what is to be said about its rate; None if nothing.
  """
  if times is None or times.frame_rate is None or times.usual_rate is None:
    return clip, None
  if isinstance(clip, PotionClip):
    return clip, None
  usual = times.usual_rate
  if clip.frame_rate is None:
    return clip, (
      'the frame rate of clips is unknown, so that their frames are taken for the'
      f' {usual:.4g} per second of the training clips; give --fps (Python: frame_rate)'
    )
  slowest, fastest = times.frame_rate[0], times.frame_rate[-1]
  if slowest * (1 - _SAME) <= clip.frame_rate <= fastest * (1 + _SAME):
    return clip, None
  return at_frame_rate(clip, usual), (
    f'clips of {clip.frame_rate:.4g} frames per second are resampled to {usual:.4g}, the'
    ' rate of the training clips'
  )


def unknown_training_rate(times: ClipTimes | None) -> str | None:
  """A line for models whose training clips have no known rate; None for others."""
  if times is not None and times.frame_rate is not None:
    return None
  return (
    'note: the frame rate of the training clips is unknown, so clips are read frame by'
    ' frame, whatever their rate'
  )
