"""Links per-frame detections so that each person keeps one index.

Pose networks process single frames, so the order of people may change from frame to
frame. Here people are linked over frames by identities from a tracker, else by the
overlap of their boxes, and ordered so that the most prominent people come first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.poses.boxes import boxes_of_poses, overlaps
from input_pipeline.poses.notes import Note

# All numbers in this file are ours.
MAX_PEOPLE = 5
# Boxes with a smaller intersection over union belong to different people.
MIN_OVERLAP = 0.1
# A person who reappears after more missing frames than this starts a new track.
MAX_ABSENCE = 30

UNKNOWN = -1  # Identity of a person without a tracker identity.
TEXTS_FROM = (
  2**53
)  # Identities from here on stand for texts; those below are as stated.

People = Float[np.ndarray, 'm j 3']
Identities = Int[np.ndarray, 'm']


@dataclasses.dataclass
class Track:
  """One person over time.

  Attributes:
    frames: indices of the `n` frames with the person, ascending.
    poses: `n` arrays `[j, 3]`: (x, y) in pixels and score.
    identities: the tracker's identity in each of these frames, or `UNKNOWN`.
    identity: the tracker's last identity, or `UNKNOWN`.
  """

  frames: list[int] = dataclasses.field(default_factory=list)
  poses: list[np.ndarray] = dataclasses.field(default_factory=list)
  identities: list[int] = dataclasses.field(default_factory=list)
  identity: int = UNKNOWN

  @property
  def confidence(self) -> float:
    """The sum over frames of the mean score over joints."""
    return float(sum(pose[:, 2].mean() for pose in self.poses))

  def add(self, frame: int, pose: np.ndarray, identity: int):
    self.frames.append(frame)
    self.poses.append(pose)
    self.identities.append(identity)
    if identity != UNKNOWN:
      self.identity = identity


def associate(
  frames: Sequence[People],
  *,
  max_people: int = MAX_PEOPLE,
  identities: Sequence[Identities] | None = None,
) -> tuple[Float[np.ndarray, 't m j 2'], Float[np.ndarray, 't m j']]:
  """Arranges detections so that each person keeps one index, as far as possible (ours).

  The most confident tracks (see `find_tracks`) each get their own index, in descending
  order of total confidence. All other tracks fill indices that are free in their frames,
  so that every person kept in a frame has an index.

  Args:
    frames: the people in each of `t` frames, `[m_t, j, 3]`: (x, y) in pixels and score,
      0 = missing.
    max_people: largest number of people kept per frame, and of indices.
    identities: tracker identities of those people, if any.

  Returns:
    Positions in pixels and scores. `m` is at least 1; a frame without people has
    scores 0.
  """
  people, _ = associate_named(frames, max_people=max_people, identities=identities)
  return people[..., :2], people[..., 2]


def associate_named(
  frames: Sequence[People],
  *,
  max_people: int = MAX_PEOPLE,
  identities: Sequence[Identities] | None = None,
) -> tuple[Float[np.ndarray, 't m j 3'], Int[np.ndarray, 't m']]:
  """The same as `associate`, and the tracker's identity of each person in each frame.

  Args: same as in `associate`.

  Returns:
    (x, y) in pixels and score; and identities, `UNKNOWN` where there is none.
  """
  tracks = find_tracks(frames, max_people=max_people, identities=identities)
  count = max(1, min(max_people, len(tracks)))
  people = np.zeros((len(frames), count, frames[0].shape[1], 3), np.float32)
  named = np.full((len(frames), count), UNKNOWN)
  taken = np.zeros((len(frames), count), bool)
  for rank, track in enumerate(tracks):
    own = rank if rank < count else _free_index(taken, track.frames)
    for frame, pose, identity in zip(
      track.frames, track.poses, track.identities, strict=True
    ):
      index = own if own is not None else int(np.argmin(taken[frame]))
      people[frame, index] = pose
      named[frame, index] = identity
      taken[frame, index] = True
  return people, named


def _free_index(taken: np.ndarray, frames: Sequence[int]) -> int | None:
  """The first index that is free in all given frames, or None."""
  free = np.flatnonzero(~taken[list(frames)].any(axis=0))
  return int(free[0]) if free.size else None


def find_tracks(
  frames: Sequence[People],
  *,
  max_people: int = MAX_PEOPLE,
  identities: Sequence[Identities] | None = None,
) -> list[Track]:
  """Links people over frames into tracks, in descending order of confidence (ours).

  Each frame keeps its `max_people` most prominent people, by box area times mean score
  over all joints. A person with a tracker identity continues the track that has it,
  after any absence. The others are assigned to the other tracks so that the sum of
  overlaps (intersection over union with the track's last box) is largest, but never to a
  track with another identity, and to none that misses its person for more than
  `MAX_ABSENCE` frames. A person who overlaps no such track by at least `MIN_OVERLAP`
  starts a new one. If people in a frame share an identity, only the most prominent of
  them has it.

  Args: same as in `associate`.
  """
  tracks = _Tracks()
  for frame, people in enumerate(frames):
    if not len(people):
      continue
    named = np.full(len(people), UNKNOWN) if identities is None else identities[frame]
    people, named = kept_people(people, named, max_people)
    links = tracks.by_identity(named)
    recent = tracks.recent(frame, links.values())
    rest = [person for person in range(len(people)) if person not in links]
    overlapping = assign_by_overlap(
      [tracks.all[i].poses[-1] for i in recent],
      [tracks.all[i].identity for i in recent],
      people[rest],
      named[rest],
    )
    links |= {rest[person]: recent[track] for person, track in overlapping.items()}
    for person, (pose, name) in enumerate(zip(people, named, strict=True)):
      tracks.add(links.get(person), frame, pose, int(name))
  return sorted(tracks.all, key=lambda track: -track.confidence)


class _Tracks:
  """All tracks so far; a frame's cost depends on the people near it, not on all tracks.

  Attributes:
    all: every track, in the order in which they began.
  """

  def __init__(self):
    self.all: list[Track] = []
    self._of_identity: dict[int, int] = {}  # Also after any absence.
    self._active: dict[int, None] = {}  # Indices of the tracks seen lately.

  def by_identity(self, named: Identities) -> dict[int, int]:
    """Maps the index of each person whose identity a track has to the track's index."""
    known = self._of_identity
    return {p: known[name] for p, name in enumerate(named.tolist()) if name in known}

  def recent(self, frame: int, taken: Collection[int]) -> list[int]:
    """Tracks that may continue by overlap, except those taken, in order of beginning."""
    self._active = {
      index: None
      for index in self._active
      if frame - self.all[index].frames[-1] <= MAX_ABSENCE
    }
    return sorted(index for index in self._active if index not in taken)

  def add(self, index: int | None, frame: int, pose: np.ndarray, identity: int):
    """Continues a track, or begins one if the index is None."""
    if index is None:
      index = len(self.all)
      self.all.append(Track())
    track = self.all[index]
    track.add(frame, pose, identity)
    self._active[index] = None
    if track.identity != UNKNOWN:
      self._of_identity[track.identity] = index


def people_dropped(frames: Sequence[People], max_people: int) -> tuple[Note, ...]:
  """A note if some of the frames have more people than `find_tracks` keeps."""
  counts = [int((people[..., 2] > 0).any(axis=1).sum()) for people in frames]
  most = max(counts, default=0)
  if most <= max_people:
    return ()
  return (
    Note(
      'people_dropped',
      f'up to {most} people in a frame, but the {max_people} with the largest box area'
      f' times mean score are kept in each, and {most - max_people} dropped; raise'
      ' max_people to keep more',
    ),
  )


def kept_people(
  people: People, named: Identities, max_people: int
) -> tuple[People, Identities]:
  """The most prominent people of a frame, in descending order, and their identities.

  If people share an identity, only the most prominent of them has it.
  """
  kept = _most_prominent(people, max_people)
  return people[kept], _each_once(named[kept])


def _most_prominent(people: People, max_people: int) -> Int[np.ndarray, 'n']:
  """Indices of at most `max_people` people with a present joint, by prominence."""
  boxes = _boxes(people)
  areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
  prominence = areas * people[..., 2].mean(axis=1)
  seen = np.flatnonzero((people[..., 2] > 0).any(axis=1))
  return seen[np.argsort(-prominence[seen], kind='stable')][:max_people]


def _each_once(named: Identities) -> Identities:
  """Identities, of which only the first person with each keeps it."""
  _, first = np.unique(named, return_index=True)
  once = np.full_like(named, UNKNOWN)
  once[first] = named[first]
  return once


def assign_by_overlap(
  last: Sequence[Float[np.ndarray, 'j 3']],
  known: Sequence[int],
  people: People,
  named: Identities,
) -> dict[int, int]:
  """Maps the index of each person who overlaps a track to the track's index.

  Nobody is mapped to a track with another identity.

  Args:
    last: the last pose of each track.
    known: the identity of each track, or `UNKNOWN`.
    people, named: the people of a frame and their identities.
  """
  if not last or not len(people):
    return {}
  from scipy.optimize import linear_sum_assignment  # Not needed to list clip names.

  overlap = overlaps(_boxes(people), _boxes(np.stack(last)))
  both_named = (named[:, None] != UNKNOWN) & (np.array(known) != UNKNOWN)
  overlap = np.where((overlap >= MIN_OVERLAP) & ~both_named, overlap, 0)
  pairs = zip(*linear_sum_assignment(overlap, maximize=True), strict=True)
  return {int(p): int(t) for p, t in pairs if overlap[p, t] > 0}


def _boxes(people: People) -> Float[np.ndarray, 'm 4']:
  """Boxes around present joints; a joint covers a whole pixel, so one makes a box."""
  half_a_pixel = np.array([-0.5, -0.5, 0.5, 0.5])
  return boxes_of_poses(people[..., :2], people[..., 2]) + half_a_pixel
