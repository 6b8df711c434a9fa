"""The flags of timelines: what people do over time in whole videos."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pose_action.cli.launch.program import Flags, UsageError

if TYPE_CHECKING:
  from pose_action.inference.ensemble_predictor import EnsemblePredictor
  from pose_action.inference.predictor import Predictor


# `--threshold` is a pose network's, in the same program.
_THRESHOLD = 'bout_threshold'


def _argument(flag: str) -> str:
  """The argument of `model.timeline` that a flag sets."""
  return 'threshold' if flag == _THRESHOLD else flag


@dataclasses.dataclass(frozen=True)
class TimelineFlags:
  """Holders of the flags; `value` of each once the program has started."""

  files: Any
  segments: Any
  tiers: Any
  how: tuple[Any, ...]  # Arguments of `model.timeline`.

  @property
  def asked(self) -> bool:
    """Whether the user asks for timelines."""
    holders = (self.files, self.segments, self.tiers, *self.how)
    return any(holder.value is not None for holder in holders)

  def check(self):
    """Raises UsageError for a flag that needs another flag."""
    if self.tiers.value and not self.segments.value:
      raise UsageError('--tiers are those of a segment file; give --segments=FILE too')

  def write(
    self,
    model: Predictor | EnsemblePredictor,
    clips: Iterable[Any],
    more_files: Sequence[str] = (),
  ) -> list[tuple[str, str]]:
    """Prints, writes and measures the timelines of clips.

    Args:
      more_files: files for the timelines beside those of --timeline.

    Returns:
      (clip, reason) for each clip that cannot be used.

    Raises:
      PredictorError, PoseDataError: for flags that make no sense.
    """
    from input_pipeline.annotations.training_windows import tier_names
    from pose_action.host.progress import say
    from pose_action.inference.timelines.of_clips import (
      TimelineOptions,
      write_timelines,
    )

    options = TimelineOptions(
      files=(*(self.files.value or ()), *more_files),
      segments=self.segments.value or '',
      tiers=tier_names(self.tiers.value or ()),
      how={_argument(f.name): f.value for f in self.how if f.value is not None},
    )
    return write_timelines(model, clips, options, say)


def define_timeline_flags(flags: Flags) -> TimelineFlags:
  """Defines the flags of timelines for a program that predicts."""
  return TimelineFlags(
    files=flags.list(
      'timeline',
      None,
      'Files for the timelines of all videos: *.csv (a row per bout), *.frames.csv (a row'
      ' per frame), *.boris.csv (as BORIS exports), *.json, *.png (a lane per person),'
      ' *.mp4, *.gif or *.html (moving skeletons above their lanes).',
    ),
    segments=flags.string(
      'segments',
      None,
      'File that says when actions begin and end (docs/timelines.md): prints how well the'
      ' timelines fit.',
    ),
    tiers=flags.list(
      'tiers', None, "--segments: which of an ELAN file's tiers to read. Default: all."
    ),
    how=(
      flags.string(
        'window',
        None,
        'Timelines: length of the sliding windows, 30 (frames) or 1.5s. Default: the'
        ' median length of the clips that the model was trained on.',
      ),
      flags.string(
        'stride',
        None,
        'Timelines: from one window to the next, 10 (frames) or 0.5s. Default: a quarter'
        ' of the window.',
      ),
      flags.float(
        _THRESHOLD,
        None,
        'Timelines: an action begins at this probability. Default: that which keeps 95 %'
        ' of the right answers on held-out clips, else 0.5.',
        lower_bound=0.0,
        upper_bound=1.0,
      ),
      flags.float(
        'hysteresis',
        None,
        'Timelines: it ends this much below the threshold. Default: 0.1.',
        lower_bound=0.0,
        upper_bound=1.0,
      ),
      flags.string(
        'min_length',
        None,
        'Timelines: leave out shorter actions, 15 (frames) or 0.5s. Default: 1.',
      ),
    ),
  )
