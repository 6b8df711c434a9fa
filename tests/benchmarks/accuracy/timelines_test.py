"""Clips laid end to end, the answers for them, and the table, by hand."""

import itertools

import numpy as np
import pytest
from timeline_models import SKELETON, Halves, video

from benchmarks.accuracy import timelines
from input_pipeline.poses.clip import PoseClip


def clip_of(label, frames=8):
  """'left' is left of x = 500, 'right' is right of it."""
  x = (400.0, 900.0)[label]
  clip = video((x,) * frames)
  return PoseClip(
    f'clip{label}', clip.keypoints, clip.scores, (480, 1200), SKELETON, (label,)
  )


def test_clips_lie_end_to_end_without_equal_neighbours():
  clips = [clip_of(label, 5 + label) for label in (0,) * 7 + (1,) * 7]
  videos = timelines.end_to_end(clips, np.random.default_rng(3), (2, 4))
  used = [part for one in videos for part in one.parts[0]]
  assert len({id(part) for part in used}) == len(used)
  for one in videos:
    (parts,), (truth,) = one.parts, one.truths
    assert 2 <= len(parts) <= 4
    assert all(a.labels != b.labels for a, b in itertools.pairwise(parts))
    assert truth.tolist() == [
      p.labels[0] for p in parts for _ in range(5 + p.labels[0])
    ]
    assert (one.clip.keypoints[:, 0, 0, 0] < 500).tolist() == (truth == 0).tolist()
  again = timelines.end_to_end(clips, np.random.default_rng(3), (2, 4))
  assert [v.truths[0].tolist() for v in again] == [v.truths[0].tolist() for v in videos]


def test_clips_of_one_class_make_no_video():
  clips = [clip_of(0)] * 9
  assert timelines.end_to_end(clips, np.random.default_rng(0)) == []


def test_clips_that_do_not_fit_are_refused():
  two = clip_of(0)
  other = PoseClip('big', two.keypoints, two.scores, (500, 1200), SKELETON, (1,))
  with pytest.raises(ValueError, match=r"'big' has frames of \(500, 1200\)"):
    timelines.end_to_end([two, other], np.random.default_rng(0))
  unlabelled = PoseClip('none', two.keypoints, two.scores, (480, 1200), SKELETON)
  with pytest.raises(ValueError, match="'none' has 1 people and 0 labels"):
    timelines.end_to_end([unlabelled], np.random.default_rng(0))


def joined(*labels, frames=8):
  return timelines._joined('v', [clip_of(label, frames) for label in labels])


def test_two_people_keep_their_own_truth():
  one, other = joined(0, 1), joined(1, 0, 1)
  both = timelines.side_by_side(one, other)
  assert both.clip.frame_size == (480, 2400)
  assert both.clip.keypoints.shape[:2] == (24, 2)
  assert both.clip.keypoints[0, :, 0, 0].tolist() == [400, 1200 + 900]
  assert both.clip.identities is not None
  assert both.clip.identities[15:17].tolist() == [[0, 1], [-1, 1]]
  assert [len(truth) for truth in both.truths] == [16, 24]
  assert [len(v.truths) for v in timelines.in_pairs([one, other, one])] == [2, 1]


def test_the_figures_of_a_model_that_sees_the_truth():
  """Windows of one frame give the labels; the whole video is half and half."""
  videos = [joined(0, 1), joined(1, 0)]
  found = timelines.measured(Halves(), videos, ['1/1'])
  for row in ('window 1/1', 'one label per clip, cuts known'):
    assert all((a == b).all() for a, b in found[row])
  (truth, predicted) = found['one label for the whole video'][0]
  assert predicted.tolist() == [0] * 16 and truth.tolist() == [0] * 8 + [1] * 8
  lines = timelines.table(found).splitlines()
  assert lines[0].split()[:2] == ['%', 'frames']
  # 16 of 32 frames; F1 of 'left' 2/3, of 'right' 0; one of two segments is hit at an
  # overlap of a half in each video, of 3 found and true ones; one of two orders is right.
  assert lines[1].split()[-6:] == ['50.0', '33.3', '66.7', '66.7', '66.7', '50.0']
  assert lines[2].split()[-6:] == ['100.0'] * 6


def test_a_run_that_does_not_know_its_clips_has_no_default_row():
  model = Halves()
  model.clip_times = None
  rows = [*timelines.measured(model, [joined(0, 1)], ['', '4/1'])]
  assert rows[1:-1] == ['window 4/1', 'window 4/1, two people']
  assert 'window by default' in timelines.measured(Halves(), [joined(0, 1)], [''])


def test_the_truth_of_each_of_two_people_is_compared_with_their_own_lane():
  """Seen through Halves, the right one of two is always 'right' of x = 500."""
  both = timelines.side_by_side(joined(0, 1), joined(1, 1))
  found = timelines.of_timelines([Halves().timeline(both.clip, window=1)], [both])
  assert [(a == b).all() for a, b in found] == [True, True]


def test_a_fitted_threshold_has_rows_of_its_own():
  """A window of 8 frames at the cut is half and half: at 0.9 it is no action."""
  rows = timelines.measured(Halves(), [joined(0, 1)], ['8/4'], 0.9)
  at_half, fitted = rows['window 8/4'], rows['window 8/4, fitted threshold']
  assert at_half[0].predicted.tolist() == [0] * 8 + [1] * 8
  # The mean of 1 and 1/2 in frames 4 to 7 is 0.75, below 0.9 and even below 0.8.
  assert fitted[0].predicted.tolist() == [0] * 4 + [-1] * 8 + [1] * 4


def test_the_picture_has_a_lane_per_row():
  found = {'row': [timelines.Pair(np.array([0, 0, 1]), np.array([0, -1, 1]))]}
  picture = timelines.lanes(found, ('left', 'right'))
  assert picture.ndim == 3 and picture.std() > 0
