"""The tracker of frames that arrive one by one, against the one of whole videos."""

import numpy as np
import pytest

from input_pipeline.poses import causal_tracking
from input_pipeline.poses.causal_tracking import CausalTracker, frames_of_clip
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.tracking import MAX_ABSENCE, UNKNOWN, find_tracks
from input_pipeline.skeletons.registry import Skeleton


def person(x: float, size: float = 10.0):
  """Two joints at opposite corners of a square box."""
  return np.array([[x, 0, 0.5], [x + size, size, 0.5]], np.float32)


def frame(*people: np.ndarray) -> np.ndarray:
  return np.array(people, np.float32).reshape(-1, 2, 3)


def by_name(frames, identities=None, **options) -> dict[str, dict[int, float]]:
  """The left edge of each person's box, by name and frame."""
  tracker = CausalTracker(**options)
  found: dict[str, dict[int, float]] = {}
  for number, people in enumerate(frames):
    named = None if identities is None else np.array(identities[number])
    for name, pose in tracker.push(people, named).items():
      found.setdefault(name, {})[number] = float(pose[0, 0])
  return found


def test_people_are_named_in_order_and_keep_their_names():
  frames = [frame(person(0), person(50, 12)), frame(person(51, 12)), frame(person(1))]
  assert by_name(frames) == {'t0': {0: 50, 1: 51}, 't1': {0: 0, 2: 1}}


def test_identities_are_names_and_last_longer_than_any_absence():
  away = [frame()] * (MAX_ABSENCE + 5)
  frames = [frame(person(0)), *away, frame(person(80))]
  identities = [[7], *[[]] * len(away), [7]]
  assert by_name(frames, identities) == {'7': {0: 0, len(frames) - 1: 80}}


def test_a_person_who_gets_an_identity_later_keeps_the_name():
  frames = [frame(person(0)), frame(person(1)), frame(), frame(person(60))]
  identities = [[UNKNOWN], [4], [], [4]]
  assert by_name(frames, identities) == {'t0': {0: 0, 1: 1, 3: 60}}


def test_without_an_identity_an_absence_ends_the_name():
  seen, away = frame(person(0)), [frame()]
  assert len(by_name([seen, *away * (MAX_ABSENCE - 1), seen])) == 1
  assert len(by_name([seen, *away * MAX_ABSENCE, seen])) == 2


def test_the_same_links_as_for_a_whole_video():
  """find_tracks keeps everything; the partition of the detections must be the same."""
  rng = np.random.default_rng(0)
  frames, identities = [], []
  for number in range(200):
    here = [i for i in range(4) if (number // 40 + i) % 3 and rng.random() < 0.8]
    near = [25 * i + 20 * np.sin(number / 5 + i) for i in here]
    rng.shuffle(near)
    frames.append(frame(*(person(x, 10 + x / 50) for x in near)))
    named = [round(x) if rng.random() < 0.05 else UNKNOWN for x in near]
    identities.append(named)
  whole = find_tracks(
    frames, max_people=3, identities=[np.array(n, int) for n in identities]
  )
  found = by_name(frames, identities, max_people=3)
  assert len(whole) > 8
  expected = [
    {f: float(p[0, 0]) for f, p in zip(track.frames, track.poses, strict=True)}
    for track in whole
  ]
  assert sorted(found.values(), key=str) == sorted(expected, key=str)


def test_memory_is_bounded(monkeypatch):
  monkeypatch.setattr(causal_tracking, '_MOST_IDENTITIES', 5)
  tracker = CausalTracker()
  for number in range(3 * MAX_ABSENCE):
    tracker.push(frame(person(100.0 * number)), np.array([number]))
  assert len(tracker._names) == 5
  assert len(tracker._seen) == MAX_ABSENCE


def test_frames_of_a_clip_hold_those_who_are_present():
  skeleton = Skeleton(name='two', joints=('a', 'b'), limbs=(('a', 'b'),))
  scores = np.array([[[1, 1], [0, 0]], [[0, 0], [0.5, 0]]])
  clip = PoseClip(
    'v',
    np.ones((2, 2, 2, 2)),
    scores,
    (9, 9),
    skeleton,
    identities=np.array([[3, -1], [-1, 5]]),
  )
  (first, named), (second, others) = frames_of_clip(clip)
  assert first.shape == second.shape == (1, 2, 3)
  assert [*(named if named is not None else ())] == [3]
  assert [*(others if others is not None else ())] == [5]
  assert second[0].tolist() == [[1, 1, 0.5], [0, 0, 0]]


@pytest.mark.parametrize('rate', [0, -1, np.nan, np.inf])
def test_a_clip_refuses_a_frame_rate_that_is_none(rate):
  skeleton = Skeleton(name='two', joints=('a', 'b'), limbs=(('a', 'b'),))
  with pytest.raises(ValueError, match='frame_rate is'):
    PoseClip(
      'v', np.ones((2, 1, 2, 2)), np.ones((2, 1, 2)), (9, 9), skeleton, frame_rate=rate
    )
