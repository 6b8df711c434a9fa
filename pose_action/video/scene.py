"""Scene: a clip as it is shown, whatever shows it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline.poses.causal_tracking import CausalTracker, frames_of_clip
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.footage import Footage
from pose_action.extraction.videos import UNKNOWN_RATE
from pose_action.plots.timelines import Lane

People = Mapping[str, Float[np.ndarray, 'j 3']]


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
  """A clip's people over time, and what a model says of them.

  Attributes:
    name: the clip's.
    people: in each frame, (x, y) in pixels and score of everyone, by name.
    frame_size: (height, width) in pixels.
    frame_rate: frames per second; None if unknown.
    limbs: two joint indices per limb.
    limb_sides: the person's own 'left' or 'right', or 'middle', per limb.
    caption: the answer for the whole clip; '' for none.
    lanes: a timeline, one lane per person, in frames.
    labels: the classes in the lanes of all scenes, whose order sets their colours.
    footage: the video frames behind the people; None for a plain ground.
  """

  name: str
  people: Sequence[People]
  frame_size: tuple[int, int]
  frame_rate: float | None
  limbs: tuple[tuple[int, int], ...]
  limb_sides: tuple[str, ...]
  caption: str = ''
  lanes: tuple[Lane, ...] = ()
  labels: tuple[str, ...] = ()
  footage: Footage | None = None

  @property
  def num_frames(self) -> int:
    return len(self.people)

  @property
  def rate(self) -> float:
    """Frames per second, 25 where they are unknown."""
    return self.frame_rate or UNKNOWN_RATE

  def names_at(self, frame: int) -> dict[str, str]:
    """What is written above each person: the name, and the action at this frame.

    Nothing if people have no names to show.
    """
    if not self.is_named:
      return {}
    names = {person: person for person in self.people[frame]}
    for lane in self.lanes:
      for bar in lane.bars:
        if lane.name in names and bar.start <= frame < bar.stop:
          names[lane.name] = f'{names[lane.name]} {bar.label} {bar.score:.0%}'
    return names

  def caption_at(self, frame: int) -> str:
    """The answer for the clip; of one person's timeline, the action at this frame."""
    if len(self.lanes) != 1:
      return self.caption
    for bar in self.lanes[0].bars:
      if bar.start <= frame < bar.stop:
        return f'{bar.label} {bar.score:.0%}'
    return 'no action'

  @functools.cached_property
  def is_named(self) -> bool:
    """Whether people's names are shown: several at a time, or a timeline."""
    return bool(self.lanes) or any(len(people) > 1 for people in self.people)


# Makes a scene when it is its turn, so that one clip is in memory at a time.
MakeScene = Callable[[], Scene]


def scene_of_clip(
  clip: PoseClip,
  caption: str = '',
  lanes: Sequence[Lane] = (),
  labels: Sequence[str] = (),
) -> Scene:
  """A clip as a scene, see `Scene`; people are named as in a timeline."""
  tracker = CausalTracker(max_people=clip.num_persons)
  return Scene(
    name=clip.video_id,
    people=[tracker.push(*frame) for frame in frames_of_clip(clip)],
    frame_size=clip.frame_size,
    frame_rate=clip.frame_rate,
    limbs=clip.skeleton.limb_indices,
    limb_sides=clip.skeleton.limb_sides,
    caption=caption,
    lanes=tuple(lanes),
    labels=tuple(labels),
    footage=clip.footage,
  )
