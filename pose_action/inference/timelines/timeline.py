"""The timeline of a video: for each person, the classes in every frame, and bouts."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.poses.causal_tracking import frames_of_clip
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.windows import Windows, person_windows
from pose_action.evaluation.timelines import NOTHING
from pose_action.inference.timelines.bouts import BoutRule, find_bouts
from pose_action.inference.timelines.window_predictions import (
  BATCH_SIZE,
  WindowModel,
  WindowPrediction,
  predict_windows,
)


class Bout(NamedTuple):
  """An action of a person.

  Attributes:
    person: the name, see `CausalTracker`.
    label: the class.
    start, stop: the first frame, and the first after it.
    score: the mean probability of the class in these frames.
  """

  person: str
  label: str
  start: int
  stop: int
  score: float


@dataclasses.dataclass(frozen=True, eq=False)
class PersonTimeline:
  """The classes of one person over time.

  Attributes:
    person: the name.
    start: the first frame of the first window that shows the person.
    probabilities: float32 `[t, k]` for the frames from `start` on: the mean over the
      windows that hold a frame; NaN between windows.
  """

  person: str
  start: int
  probabilities: Float[np.ndarray, 't k']

  @property
  def stop(self) -> int:
    """The first frame after the last window that shows the person."""
    return self.start + len(self.probabilities)


@dataclasses.dataclass(frozen=True, eq=False)
class Timeline:
  """What each person in a video does over time.

  Attributes:
    video_id: the video's name.
    class_names: by class index `k`.
    num_frames: frames in the video.
    frame_rate: frames per second; None if unknown.
    windows: the windows that were predicted.
    people: in the order of their first windows.
    rule: when bouts begin and end.
    background: the class that is no action; '' if there is none.
    multi_label: whether several classes may go on at once.
    clip: the poses of the video, for files that show them; None if unknown.
  """

  video_id: str
  class_names: tuple[str, ...]
  num_frames: int
  frame_rate: float | None
  windows: Windows
  people: tuple[PersonTimeline, ...]
  rule: BoutRule = dataclasses.field(default_factory=BoutRule)
  background: str = ''
  multi_label: bool = False
  clip: PoseClip | None = dataclasses.field(default=None, repr=False)

  @property
  def bouts(self) -> tuple[Bout, ...]:
    """Every action, person by person, in order of time; none of the background."""
    return tuple(
      Bout(one.person, label, one.start + span.start, one.start + span.stop, span.score)
      for one in self.people
      for span in find_bouts(one.probabilities, self.rule, multi_label=self.multi_label)
      if (label := self.class_names[span.k]) != self.background
    )

  def labels(self, person: str) -> Int[np.ndarray, ' t']:
    """The class index of a person's bout in each frame of the video.

    `evaluation.timelines.NOTHING` where there is none; of several, the last to begin.
    """
    found = np.full(self.num_frames, NOTHING)
    for bout in self.bouts:
      if bout.person == person:
        found[bout.start : bout.stop] = self.class_names.index(bout.label)
    return found

  def seconds(self, frame: int) -> float | None:
    """The time of a frame, in seconds from the first one; None if unknown."""
    return None if self.frame_rate is None else frame / self.frame_rate

  def save(self, path: str | os.PathLike[str]):
    """Writes the timeline to a file, see `timelines.files.save_timelines`."""
    from pose_action.inference.timelines.files import save_timelines

    save_timelines(path, [self])


def timeline_of_clip(
  model: WindowModel,
  clip: PoseClip,
  windows: Windows,
  *,
  frame_rate: float | None = None,
  rule: BoutRule | None = None,
  batch_size: int = BATCH_SIZE,
) -> Timeline:
  """Predicts every person in every window of a video.

  Args:
    clip: the poses of the whole video.
    frame_rate: frames per second; by default the clip's own.
    batch_size: windows that the model is given at once.
  """
  cut = person_windows(
    frames_of_clip(clip),
    windows,
    clip.skeleton.num_joints,
    max_people=clip.num_persons,
  )
  rate = frame_rate or clip.frame_rate
  predictions = predict_windows(
    model,
    cut,
    frame_size=clip.frame_size,
    skeleton=clip.skeleton,
    frame_rate=rate,
    batch_size=batch_size,
  )
  return Timeline(
    video_id=clip.video_id,
    class_names=model.class_names,
    num_frames=clip.num_frames,
    frame_rate=rate,
    windows=windows,
    people=average_windows(predictions),
    rule=rule or BoutRule(),
    background=model.background_class,
    multi_label=model.multi_label,
    clip=clip,
  )


def average_windows(
  predictions: Iterable[WindowPrediction],
) -> tuple[PersonTimeline, ...]:
  """Each person's probabilities per frame: the mean over the windows that hold it."""
  of_person: dict[str, list[WindowPrediction]] = {}
  for prediction in predictions:
    of_person.setdefault(prediction.person, []).append(prediction)
  return tuple(_averaged(person, own) for person, own in of_person.items())


def _averaged(person: str, windows: Sequence[WindowPrediction]) -> PersonTimeline:
  start = min(window.start for window in windows)
  stop = max(window.stop for window in windows)
  sums = np.zeros((stop - start, len(windows[0].probabilities)))
  counts = np.zeros((stop - start, 1))
  for window in windows:
    frames = slice(window.start - start, window.stop - start)
    sums[frames] += window.probabilities
    counts[frames] += 1
  means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
  return PersonTimeline(person, start, means.astype(np.float32))
