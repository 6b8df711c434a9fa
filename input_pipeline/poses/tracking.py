"""Who is who: the people found in each frame to one index a person.

Pose networks look at one frame at a time: nothing says that the first person of a frame
is the first of the next. Here they are linked over frames, by the overlap of their boxes
or by the identities that a tracker gave, and put in an order that keeps the main people
first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.poses.boxes import boxes_of_poses, overlaps

# All numbers of this file are ours.
MAX_PEOPLE = 5
# Less overlap (intersection over union) of two boxes is another person.
MIN_OVERLAP = 0.1
# Someone who was away for more frames than this comes back as someone else.
MAX_ABSENCE = 30

UNKNOWN = -1  # The identity of a person whom no tracker named.

People = Float[np.ndarray, 'm j 3']
Identities = Int[np.ndarray, 'm']


@dataclasses.dataclass
class Track:
  """One person over time.

  Attributes:
    frames: where the person is there, ascending; `n` of them.
    poses: `n` arrays `[j, 3]`: (x, y) in pixels and score.
    identity: the tracker's, or `UNKNOWN`.
  """

  frames: list[int] = dataclasses.field(default_factory=list)
  poses: list[np.ndarray] = dataclasses.field(default_factory=list)
  identity: int = UNKNOWN

  @property
  def confidence(self) -> float:
    """The sum over frames of the mean score over joints."""
    return float(sum(pose[:, 2].mean() for pose in self.poses))

  def add(self, frame: int, pose: np.ndarray, identity: int):
    self.frames.append(frame)
    self.poses.append(pose)
    if identity != UNKNOWN:
      self.identity = identity


def associate(
  frames: Sequence[People],
  *,
  max_people: int = MAX_PEOPLE,
  identities: Sequence[Identities] | None = None,
) -> tuple[Float[np.ndarray, 't m j 2'], Float[np.ndarray, 't m j']]:
  """The people of a video, one index a person where there are enough indices; ours.

  Each of the most confident tracks (see `find_tracks`) has an index of its own, in
  falling order of total confidence. The others fill indices in frames that these leave
  free, so that no one is lost whom a frame keeps.

  Args:
    frames: the people of each of `t` frames, `[m_t, j, 3]`: (x, y) in pixels and score,
      0 = missing.
    max_people: kept in a frame, and the most indices that there are.
    identities: of those people, where a tracker named them.

  Returns:
    Positions in pixels and scores. `m` is at least 1; a frame without people has
    scores 0.
  """
  tracks = find_tracks(frames, max_people=max_people, identities=identities)
  count = max(1, min(max_people, len(tracks)))
  people = np.zeros((len(frames), count, frames[0].shape[1], 3), np.float32)
  taken = np.zeros((len(frames), count), bool)
  for rank, track in enumerate(tracks):
    own = rank if rank < count else _free_index(taken, track.frames)
    for frame, pose in zip(track.frames, track.poses, strict=True):
      index = own if own is not None else int(np.argmin(taken[frame]))
      people[frame, index] = pose
      taken[frame, index] = True
  return people[..., :2], people[..., 2]


def _free_index(taken: np.ndarray, frames: Sequence[int]) -> int | None:
  """The first index that is free in all those frames, if there is one."""
  free = np.flatnonzero(~taken[list(frames)].any(axis=0))
  return int(free[0]) if free.size else None


def find_tracks(
  frames: Sequence[People],
  *,
  max_people: int = MAX_PEOPLE,
  identities: Sequence[Identities] | None = None,
) -> list[Track]:
  """The people of a video as tracks, in falling order of total confidence; ours.

  Of each frame the `max_people` most prominent people are kept, by the area of their
  box times the mean score over all joints. They are assigned to the tracks so far so
  that the overlaps of boxes (intersection over union, with the person's last box) have
  the largest sum; two whom a tracker named overlap fully if the names are the same, and
  not at all otherwise. Who overlaps no track by `MIN_OVERLAP` begins one. A track waits
  for its person `MAX_ABSENCE` frames, and for ever if the person has a name.

  Args: as of `associate`.
  """
  tracks: list[Track] = []
  for frame, people in enumerate(frames):
    named = np.full(len(people), UNKNOWN) if identities is None else identities[frame]
    kept = _most_prominent(people, max_people)
    people, named = people[kept], named[kept]
    waiting = [
      track
      for track in tracks
      if track.identity != UNKNOWN or frame - track.frames[-1] <= MAX_ABSENCE
    ]
    links = _assign(waiting, people, named)
    for person, (pose, name) in enumerate(zip(people, named, strict=True)):
      if person in links:
        track = waiting[links[person]]
      else:
        tracks.append(track := Track())
      track.add(frame, pose, int(name))
  return sorted(tracks, key=lambda track: -track.confidence)


def _most_prominent(people: People, max_people: int) -> Int[np.ndarray, 'n']:
  """Indices of those who show a joint, at most `max_people`, the most prominent first."""
  boxes = _boxes(people)
  areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
  prominence = areas * people[..., 2].mean(axis=1)
  seen = np.flatnonzero((people[..., 2] > 0).any(axis=1))
  return seen[np.argsort(-prominence[seen], kind='stable')][:max_people]


def _assign(
  tracks: Sequence[Track], people: People, named: Identities
) -> dict[int, int]:
  """Index of the track of each person who has one, by index of the person."""
  if not tracks or not len(people):
    return {}
  from scipy.optimize import linear_sum_assignment  # Reading names does without.

  last = np.stack([track.poses[-1] for track in tracks])
  overlap = overlaps(_boxes(people), _boxes(last))
  known = np.array([track.identity for track in tracks])
  both_named = (named[:, None] != UNKNOWN) & (known != UNKNOWN)
  overlap = np.where(both_named, named[:, None] == known, overlap)
  overlap = np.where(overlap >= MIN_OVERLAP, overlap, 0)
  pairs = zip(*linear_sum_assignment(overlap, maximize=True), strict=True)
  return {int(p): int(t) for p, t in pairs if overlap[p, t] > 0}


def _boxes(people: People) -> Float[np.ndarray, 'm 4']:
  """The boxes of the joints that are there, each a whole pixel, so that one is a box."""
  half_a_pixel = np.array([-0.5, -0.5, 0.5, 0.5])
  return boxes_of_poses(people[..., :2], people[..., 2]) + half_a_pixel
