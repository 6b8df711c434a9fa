"""Tracking by boxes and by tracker identities, and who is kept; all worked by hand."""

import numpy as np
import pytest

from input_pipeline.poses import tracking
from input_pipeline.poses.tracking import (
  MAX_ABSENCE,
  UNKNOWN,
  associate,
  find_tracks,
  people_dropped,
)


def person(x: float, *, score: float = 0.5, size: float = 10.0, y: float = 0.0):
  """Three joints: two opposite corners and the middle of a square box."""
  corners = np.array([[x, y], [x + size, y + size], [x + size / 2, y + size / 2]])
  return np.concatenate([corners, np.full((3, 1), score)], axis=1)


def frame(*people: np.ndarray) -> np.ndarray:
  return np.array(people, np.float32).reshape(-1, 3, 3)


def lefts(frames, **options) -> list[list[float]]:
  """The left edge of each index in each frame; NaN without a person."""
  keypoints, scores = associate(frames, **options)
  return np.where(scores[..., 0] > 0, keypoints[..., 0, 0], np.nan).tolist()


def test_an_index_stays_with_a_person_whose_place_in_the_list_changes():
  frames = [
    frame(person(0), person(100, score=0.9)),
    frame(person(102, score=0.9), person(1)),
    frame(person(2), person(104, score=0.9)),
  ]
  assert lefts(frames) == [[100, 0], [102, 1], [104, 2]]


def test_shapes_and_values_without_people():
  keypoints, scores = associate([frame(), frame()])
  assert keypoints.shape == (2, 1, 3, 2)
  assert scores.shape == (2, 1, 3)
  assert not scores.any()
  assert keypoints.dtype == scores.dtype == np.float32


def test_a_person_who_is_away_for_a_while_keeps_the_index():
  away = [frame(person(100))] * MAX_ABSENCE
  first = frame(person(0, score=0.9), person(100))
  (track, other) = find_tracks([first, *away[1:], frame(person(1, score=0.9))])
  assert {len(track.frames), len(other.frames)} == {2, MAX_ABSENCE}
  assert len(find_tracks([first, *away, frame(person(1, score=0.9))])) == 3


def test_boxes_that_overlap_too_little_are_two_people():
  # Both boxes are 11 wide; 2 columns shared: 22 / (242 - 22) = 0.1; 1: 11 / 231 = 0.05.
  assert len(find_tracks([frame(person(0)), frame(person(9))])) == 1
  assert len(find_tracks([frame(person(0)), frame(person(10))])) == 2


def test_the_sum_of_overlaps_decides_and_not_the_order():
  # The person at 3 overlaps both tracks equally; the person at 9 fits only the second.
  before = frame(person(0), person(6))
  after = frame(person(3), person(9))
  assert lefts([before, after]) == [[0, 6], [3, 9]]
  assert lefts([before, after[::-1]]) == [[0, 6], [3, 9]]


def test_one_joint_is_enough_for_tracking():
  lone = person(0)
  lone[1:, 2] = 0
  (track,) = find_tracks([frame(lone), frame(lone)])
  assert track.frames == [0, 1]


def test_tracker_identities_take_precedence_over_boxes():
  frames = [frame(person(0), person(100)), frame(person(0), person(100))]
  names = [np.array([7, 8]), np.array([8, 7])]
  assert lefts(frames) == [[0, 100], [0, 100]]
  assert lefts(frames, identities=names) == [[0, 100], [100, 0]]


def test_an_identity_is_followed_even_if_the_boxes_of_others_fit_better():
  # 7 moves onto the place of 8, who leaves; someone new stands where 7 was. The sum of
  # the two overlaps would be larger the other way round.
  frames = [frame(person(0), person(20)), frame(person(20), person(0))]
  names = [np.array([7, 8]), np.array([7, UNKNOWN])]
  tracks = {track.identity: track for track in find_tracks(frames, identities=names)}
  assert [pose[0, 0] for pose in tracks[7].poses] == [0, 20]
  assert tracks[8].frames == [0]
  assert tracks[UNKNOWN].frames == [1]


def test_a_track_never_has_two_identities_nor_an_identity_two_tracks():
  frames = [frame(person(0)), frame(person(0), person(2)), frame(person(0), person(2))]
  names = [np.array([1]), np.array([2, UNKNOWN]), np.array([UNKNOWN, 1])]
  tracks = find_tracks(frames, identities=names)
  known = sorted(track.identity for track in tracks)
  assert known == [1, 2]
  lengths = {track.identity: len(track.frames) for track in tracks}
  assert lengths == {1: 3, 2: 2}


def test_of_people_with_one_identity_the_most_prominent_has_it():
  frames = [frame(person(0), person(100, score=0.9))] * 2
  names = [np.array([5, 5])] * 2
  first, second = find_tracks(frames, identities=names)
  assert (first.identity, first.poses[1][0, 0]) == (5, 100)
  assert (second.identity, second.frames) == (UNKNOWN, [0, 1])


def test_someone_without_an_identity_does_not_continue_an_old_track():
  frames = [frame(person(0)), *[frame()] * MAX_ABSENCE, frame(person(0))]
  names = [np.array([3] * len(people)) for people in frames]
  names[-1] = np.array([UNKNOWN])
  assert len(find_tracks(frames, identities=names)) == 2


def test_a_track_with_an_identity_never_ends():
  frames = [frame(person(0)), *[frame()] * (MAX_ABSENCE + 1), frame(person(500))]
  names = [np.array([3] * len(people)) for people in frames]
  assert len(find_tracks(frames, identities=names)) == 1
  assert len(find_tracks(frames)) == 2


def test_a_person_without_an_identity_is_linked_by_the_box():
  frames = [frame(person(0))] * 2
  for names in ([3, UNKNOWN], [UNKNOWN, 3]):
    identities = [np.array([name]) for name in names]
    (track,) = find_tracks(frames, identities=identities)
    assert track.identity == 3


def test_the_largest_and_most_confident_people_are_kept():
  small = person(0, size=4, score=1)  # 5 · 5 · 1 = 25.
  faint = person(100, size=10, score=0.2)  # 11 · 11 · 0.2 = 24.2.
  large = person(200, size=10, score=0.5)  # 60.5.
  (kept,) = find_tracks([frame(small, faint, large)], max_people=1)
  assert kept.poses[0][0, 0] == 200
  kept = find_tracks([frame(small, faint, large)], max_people=2)
  assert {track.poses[0][0, 0] for track in kept} == {0, 200}


def test_how_many_people_are_dropped():
  three = frame(person(0), person(50), person(100), person(150, score=0))
  (note,) = people_dropped([frame(person(0)), three], 2)
  assert 'up to 3 people in a frame, but the 2 with the largest box' in note.message
  assert people_dropped([three], 3) == ()


def test_a_person_without_joints_is_skipped():
  assert find_tracks([frame(person(0, score=0))]) == []


def test_indices_are_ordered_by_confidence_over_all_frames():
  # One frame with score 0.9 against three with 0.4.
  frames = [frame(person(0, score=0.9), person(100, score=0.4))]
  frames += [frame(person(100, score=0.4))] * 2
  first, second = find_tracks(frames)
  assert (len(first.frames), len(second.frames)) == (3, 1)
  assert first.confidence == pytest.approx(1.2)
  np.testing.assert_allclose(associate(frames)[1][0, :, 0], [0.4, 0.9])


def test_nobody_is_lost_if_tracks_outnumber_indices():
  # Four people, never more than two at once; each later track fits into a free index.
  frames = [
    frame(person(0), person(100, score=0.9)),
    frame(person(0)),
    frame(person(0), person(300, score=0.8)),
    frame(person(400, score=0.7), person(0)),
  ]
  nan = np.nan
  expected = [[0, 100], [0, nan], [0, 300], [0, 400]]
  np.testing.assert_equal(lefts(frames, max_people=2), expected)


def test_a_track_without_a_free_index_for_all_frames_uses_several():
  # 0 is present first, 100 last; 300 is present throughout and needs an index from both.
  frames = [
    frame(person(0, score=0.9), person(300, score=0.1)),
    frame(person(100, score=0.9), person(300, score=0.1)),
  ]
  frames = [*[frames[0]] * 2, *[frames[1]] * 2]
  found = np.sort(np.array(lefts(frames, max_people=2)), axis=1)
  np.testing.assert_equal(found, [[0, 300], [0, 300], [100, 300], [100, 300]])


def test_real_people_keep_their_index(shared_data):
  """The walker and the bystander in cam02, whom OpenPose lists in arbitrary order."""
  from input_pipeline.readers.formats import openpose
  from input_pipeline.skeletons.registry import get_skeleton

  folder = shared_data / 'openpose_json' / 'single' / 'cam02_json'
  poses = openpose.read_video(folder, get_skeleton('body_25b'))
  frames = poses.frames((1920, 1080))
  frames = [people[:: (-1) ** number] for number, people in enumerate(frames)]
  keypoints, scores = associate(frames)
  assert keypoints.shape == (100, 2, 25, 2)
  centres = np.nanmean(
    np.where(scores[..., None] > 0, keypoints, np.nan)[..., 0], axis=2
  )
  # The bystander is on the right, at x 797..811; the walker is left of x 600.
  assert centres[:, 0].max() < 600
  assert centres[:, 1].min() > 750
  assert np.ptp(centres[:, 1]) < 20


def test_an_identity_is_the_same_person_after_any_gap():
  gap = [frame()] * 10_000
  frames = [frame(person(0)), *gap, frame(person(900)), *gap, frame(person(0))]
  names = [np.full(len(people), 7) for people in frames]
  (track,) = find_tracks(frames, identities=names)
  assert track.frames == [0, 10_001, 20_002]


@pytest.mark.parametrize('with_identities', [False, True])
def test_a_frame_costs_as_much_as_people_are_present(monkeypatch, with_identities):
  """Not as all the people who were ever seen."""
  compared = []
  assign = tracking.assign_by_overlap

  def counting(tracks, known, people, named):
    compared.append(len(tracks))
    return assign(tracks, known, people, named)

  monkeypatch.setattr(tracking, 'assign_by_overlap', counting)
  # Every person is seen once, each in another place.
  frames = [frame(person(100 * n)) for n in range(300)]
  names = [np.array([n]) for n in range(300)] if with_identities else None
  assert len(find_tracks(frames, identities=names)) == 300
  assert max(compared) == MAX_ABSENCE
  assert len(compared) == 300


def test_empty_frames_are_skipped(monkeypatch):
  calls = []
  monkeypatch.setattr(tracking, 'assign_by_overlap', lambda *a: calls.append(a) or {})
  find_tracks([frame(person(0)), *[frame()] * 1000, frame(person(0))])
  assert len(calls) == 2


def _slow_tracks(frames, identities, max_people):
  """The rule without bookkeeping: every track is looked at in every frame."""
  tracks = []
  for number, people in enumerate(frames):
    named = identities[number]
    kept = tracking._most_prominent(people, max_people)
    people, named = people[kept], tracking._each_once(named[kept])
    links = {}
    for p, name in enumerate(named.tolist()):
      for i, track in enumerate(tracks):
        if name != UNKNOWN and track.identity == name:
          links[p] = i
    recent = [
      i
      for i, track in enumerate(tracks)
      if number - track.frames[-1] <= MAX_ABSENCE and i not in links.values()
    ]
    rest = [p for p in range(len(people)) if p not in links]
    last = [tracks[i].poses[-1] for i in recent]
    known = [tracks[i].identity for i in recent]
    found = tracking.assign_by_overlap(last, known, people[rest], named[rest])
    links |= {rest[p]: recent[t] for p, t in found.items()}
    for p, (pose, name) in enumerate(zip(people, named, strict=True)):
      if p not in links:
        tracks.append(tracking.Track())
      tracks[links.get(p, -1)].add(number, pose, int(name))
  return sorted(tracks, key=lambda track: -track.confidence)


@pytest.mark.parametrize('seed', range(3))
def test_the_same_tracks_as_without_bookkeeping(seed):
  rng = np.random.default_rng(seed)
  frames, names = [], []
  for _ in range(150):
    count = rng.integers(0, 4) * rng.integers(0, 2)
    places = rng.integers(0, 12, count) * 4
    frames.append(frame(*(person(x, score=rng.uniform(0.1, 1)) for x in places)))
    names.append(rng.integers(UNKNOWN, 6, count))
  fast = find_tracks(frames, identities=names, max_people=3)
  slow = _slow_tracks(frames, names, 3)
  assert [t.frames for t in fast] == [t.frames for t in slow]
  assert [t.identity for t in fast] == [t.identity for t in slow]
