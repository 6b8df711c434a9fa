"""Links people over frames that arrive one by one, in bounded memory.

The same links as `tracking.find_tracks`, which also looks at one frame after another. But
nothing later changes a person's name, and people who left are forgotten.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.tracking import (
  MAX_ABSENCE,
  MAX_PEOPLE,
  UNKNOWN,
  Identities,
  People,
  assign_by_overlap,
  kept_people,
)

# Identities remembered after their people left; each is two short words (ours).
_MOST_IDENTITIES = 10_000


@dataclasses.dataclass
class _Person:
  """Someone seen lately: the last frame and pose, and the tracker's identity."""

  frame: int
  pose: Float[np.ndarray, 'j 3']
  identity: int


class CausalTracker:
  """Names the people in frames that arrive one by one.

  A person whom a tracker names at first sight has its identity as their name: '7'.
  Others are 't0', 't1', … in the order in which they appear. A name never changes: a
  person who gets an identity later keeps the first name. A person with a known identity
  continues after any absence, as long as there are not 10,000 later identities; others
  for `tracking.MAX_ABSENCE` frames.
  """

  def __init__(self, *, max_people: int = MAX_PEOPLE):
    self._max_people = max_people
    self._frame = -1
    self._unnamed = 0
    self._seen: dict[str, _Person] = {}  # In the order of their first frame.
    self._names: OrderedDict[int, str] = OrderedDict()  # By identity, latest last.

  def push(
    self, people: People, identities: Identities | None = None
  ) -> dict[str, Float[np.ndarray, 'j 3']]:
    """The poses of the people kept in the next frame, by name, most prominent first.

    Args:
      people: everyone in the frame: (x, y) in pixels and score, 0 = missing.
      identities: a tracker's identity for each of them, `tracking.UNKNOWN` for none.
    """
    self._frame += 1
    named = np.full(len(people), UNKNOWN) if identities is None else identities
    people, named = kept_people(people, np.asarray(named), self._max_people)
    names = self._known_names(people, named)
    found: dict[str, np.ndarray] = {}
    for index, (pose, identity) in enumerate(zip(people, named.tolist(), strict=True)):
      name = names.get(index) or self._new_name(identity)
      self._remember(name, pose, identity)
      found[name] = pose
    self._forget()
    return found

  def _known_names(self, people: People, named: Identities) -> dict[int, str]:
    """Names by index, by identity first and then by overlap."""
    names = {
      index: self._names[identity]
      for index, identity in enumerate(named.tolist())
      if identity in self._names
    }
    taken = set(names.values())
    recent = {name: one for name, one in self._seen.items() if name not in taken}
    rest = [index for index in range(len(people)) if index not in names]
    overlapping = assign_by_overlap(
      [one.pose for one in recent.values()],
      [one.identity for one in recent.values()],
      people[rest],
      named[rest],
    )
    candidates = list(recent)
    return names | {rest[p]: candidates[t] for p, t in overlapping.items()}

  def _new_name(self, identity: int) -> str:
    if identity != UNKNOWN:
      return str(identity)
    self._unnamed += 1
    return f't{self._unnamed - 1}'

  def _remember(self, name: str, pose: np.ndarray, identity: int):
    one = self._seen.get(name)
    known = one.identity if one is not None else UNKNOWN
    identity = identity if identity != UNKNOWN else known
    if one is None:
      self._seen[name] = _Person(self._frame, pose, identity)
    else:
      one.frame, one.pose, one.identity = self._frame, pose, identity
    if identity != UNKNOWN:
      self._names[identity] = name
      self._names.move_to_end(identity)

  def _forget(self):
    # The next frame links people missing for at most MAX_ABSENCE frames.
    oldest = self._frame + 1 - MAX_ABSENCE
    for name in [name for name, one in self._seen.items() if one.frame < oldest]:
      del self._seen[name]
    while len(self._names) > _MOST_IDENTITIES:
      self._names.popitem(last=False)


def frames_of_clip(clip: PoseClip) -> list[tuple[People, Identities | None]]:
  """The people present in each frame of a clip, and their identities if it has any."""
  everyone = np.concatenate([clip.keypoints, clip.scores[..., None]], axis=-1)
  present = clip.scores.max(axis=-1) > 0
  names = clip.identities
  return [
    (
      everyone[frame][present[frame]],
      None if names is None else np.asarray(names[frame])[present[frame]],
    )
    for frame in range(clip.num_frames)
  ]


@dataclasses.dataclass(frozen=True, eq=False)
class PersonTrack:
  """One person over time.

  Attributes:
    frames: the `n` frames that show the person, ascending.
    poses: (x, y) in pixels and score in each of them.
  """

  frames: Int[np.ndarray, 'n']
  poses: Float[np.ndarray, 'n j 3']

  def between(self, start: int, stop: int) -> Float[np.ndarray, 't j 3']:
    """The poses in every frame from `start` to before `stop`; score 0 while missing."""
    first, end = np.searchsorted(self.frames, (start, stop))
    poses = np.zeros((stop - start, *self.poses.shape[1:]), np.float32)
    poses[self.frames[first:end] - start] = self.poses[first:end]
    return poses

  def visible(self, start: int, stop: int) -> float:
    """The share of these frames that show the person."""
    first, end = np.searchsorted(self.frames, (start, stop))
    return float(end - first) / (stop - start)


def tracks_of_clip(clip: PoseClip) -> dict[str, PersonTrack]:
  """Everyone in a clip over time, with the names that a timeline gives them."""
  tracker = CausalTracker(max_people=clip.num_persons)
  frames: dict[str, list[int]] = {}
  poses: dict[str, list[np.ndarray]] = {}
  for frame, (people, identities) in enumerate(frames_of_clip(clip)):
    for name, pose in tracker.push(people, identities).items():
      frames.setdefault(name, []).append(frame)
      poses.setdefault(name, []).append(pose)
  return {
    name: PersonTrack(np.array(frames[name]), np.stack(poses[name])) for name in frames
  }
