"""Measures of timelines, each against a case worked by hand, and against other code."""

import numpy as np
import pytest
import sklearn.metrics

from pose_action.evaluation.timelines import (
  NOTHING,
  edit_score,
  frame_accuracy,
  frame_f1,
  segment_f1,
  segments_of,
  timeline_figures,
)


def labels(text: str) -> np.ndarray:
  """'aa.b': a letter per class and frame, '.' for nothing."""
  return np.array([NOTHING if c == '.' else ord(c) - ord('a') for c in text])


def one(measure, truth: str, predicted: str, *options) -> float:
  return measure([labels(truth)], [labels(predicted)], *options)


def test_segments():
  assert segments_of(labels('..aab.a')) == [(0, 2, 4), (1, 4, 5), (0, 6, 7)]
  assert segments_of(labels('..')) == []


def test_frames_by_hand():
  truth, predicted = 'aaabbb..', 'aabbaa.c'
  # Right are frames 0, 1, 3 and 6.
  # a: true 3, predicted 4, both 2: 4/7. b: true 3, predicted 2, both 1: 2/5. c: 0.
  assert one(frame_accuracy, truth, predicted) == 4 / 8
  assert one(frame_f1, truth, predicted) == pytest.approx((4 / 7 + 2 / 5 + 0) / 3)


def test_frames_over_several_timelines_are_counted_together():
  truths, predictions = (
    [labels('aa'), labels('aaaaaaaa')],
    [labels('bb'), labels('a' * 8)],
  )
  assert frame_accuracy(truths, predictions) == 0.8
  # a: true 10, predicted 8, both 8: 16/18; b: 0.
  assert frame_f1(truths, predictions) == pytest.approx(8 / 18)


def test_frame_f1_against_scikit_learn():
  rng = np.random.default_rng(0)
  truth, predicted = rng.integers(0, 5, (2, 300))
  expected = sklearn.metrics.f1_score(truth, predicted, average='macro')
  assert frame_f1([truth], [predicted]) == pytest.approx(expected)


def test_segment_f1_by_hand():
  truth, predicted = 'aaaabbbb....', 'aacccccbb.a.'
  # Predicted: a 0-2 (2 of 4: 0.5), c 2-7, b 7-9 (1 of 5: 0.2), a 10-11 (0).
  # 2 true and 4 predicted segments: F1 is 2 TP / 6.
  assert one(segment_f1, truth, predicted, 0.1) == pytest.approx(4 / 6)
  assert one(segment_f1, truth, predicted, 0.25) == pytest.approx(2 / 6)
  assert one(segment_f1, truth, predicted, 0.5) == pytest.approx(2 / 6)
  assert one(segment_f1, truth, predicted, 0.51) == 0


def test_a_true_segment_is_hit_once():
  """Two halves of one action: the second is wrong although it overlaps enough."""
  assert one(segment_f1, 'aaaaaa', 'aa.aaa', 0.25) == pytest.approx(2 / 3)


def test_segment_f1_sums_counts_over_timelines():
  truths = [labels('aabb'), labels('aaaa')]
  predictions = [labels('aabb'), labels('bbbb')]
  assert segment_f1(truths, predictions, 0.5) == pytest.approx(2 * 2 / (3 + 3))


def test_edit_score_by_hand():
  """a b c against a c: one insertion in 3; against c b a: two substitutions in 3."""
  assert one(edit_score, 'aabbcc', 'aaaacc') == pytest.approx(1 - 1 / 3)
  assert one(edit_score, 'aabbcc', 'ccbbaa') == pytest.approx(1 - 2 / 3)
  # Where segments lie does not matter; nor does nothing between them.
  assert one(edit_score, 'a..bcc', 'aaab.c') == 1
  # Over-segmentation: a b a b a against a: 4 edits of 5.
  assert one(edit_score, 'aaaaa', 'ababa') == pytest.approx(1 - 4 / 5)
  # The mean over timelines, not over segments.
  truths, predictions = [labels('aa'), labels('abcd')], [labels('bb'), labels('abcd')]
  assert edit_score(truths, predictions) == 0.5


def test_edit_distance_against_a_recursion():
  def edits(a, b):
    if not a or not b:
      return len(a) + len(b)
    return min(
      edits(a[1:], b) + 1, edits(a, b[1:]) + 1, edits(a[1:], b[1:]) + (a[0] != b[0])
    )

  rng = np.random.default_rng(1)
  for _ in range(20):
    truth, predicted = rng.integers(0, 3, (2, 6))
    a, b = ([s.label for s in segments_of(x)] for x in (truth, predicted))
    expected = 1 - edits(a, b) / max(len(a), len(b))
    assert edit_score([truth], [predicted]) == pytest.approx(expected)


def test_all_figures_and_background():
  truth, predicted = labels('aabbcc'), labels('aa.bcc')
  figures = timeline_figures([truth], [predicted], background=[1])
  assert figures == {
    'frame_accuracy': 1.0,
    'frame_f1': 1.0,
    'segment_f1_10': 1.0,
    'segment_f1_25': 1.0,
    'segment_f1_50': 1.0,
    'edit_score': 1.0,
  }
  assert timeline_figures([truth], [predicted])['frame_accuracy'] == pytest.approx(
    5 / 6
  )


def test_nothing_where_nothing_is():
  figures = timeline_figures([labels('...')], [labels('...')])
  assert set(figures.values()) == {1.0}
  assert timeline_figures([labels('...')], [labels('.a.')])['segment_f1_50'] == 0


@pytest.mark.parametrize(
  ('truths', 'predictions', 'message'),
  [
    ([], [], 'got 0 true and 0 predicted timelines'),
    (['aa'], [], 'got 1 true and 0 predicted'),
    (
      ['aa'],
      ['aaa'],
      r'timeline 0 has labels of shape \(2,\) and predictions of shape',
    ),
    ([''], [''], 'at least one frame'),
  ],
)
def test_what_does_not_fit(truths, predictions, message):
  with pytest.raises(ValueError, match=message):
    timeline_figures([labels(t) for t in truths], [labels(p) for p in predictions])
