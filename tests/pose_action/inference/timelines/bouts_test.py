"""When bouts begin and end, worked by hand."""

import numpy as np
import pytest

from pose_action.inference.errors import PredictorError
from pose_action.inference.timelines.bouts import BoutRule, find_bouts

RULE = BoutRule(threshold=0.6, hysteresis=0.2)


def spans(probabilities, rule=RULE, **options):
  found = find_bouts(np.array(probabilities, np.float32), rule, **options)
  return [tuple(span[:3]) for span in found]


def of_one(*values):
  """Class 0 has these probabilities, and three others share the rest."""
  return [[p, *[(1 - p) / 3] * 3] for p in values]


def test_a_bout_begins_at_the_threshold_and_lasts_down_to_the_release():
  assert spans(of_one(0.3, 0.59, 0.61, 0.5, 0.41, 0.39, 0.5, 0.7)) == [
    (0, 2, 5),
    (0, 7, 8),
  ]


def test_another_class_ends_it():
  assert spans([[0.7, 0.3], [0.45, 0.55], [0.35, 0.65], [0.3, 0.7]]) == [
    (0, 0, 2),
    (1, 2, 4),
  ]
  # Also while the first is still above the release: 0.4 is.
  assert spans([[0.7, 0.3], [0.4, 0.6]]) == [(0, 0, 1), (1, 1, 2)]


def test_frames_without_an_answer_end_it():
  nan = float('nan')
  assert spans([[0.7, 0.3], [nan, nan], [0.7, 0.3]]) == [(0, 0, 1), (0, 2, 3)]
  assert spans([[nan, nan]]) == []


def test_short_bouts_are_left_out():
  values = of_one(0.9, 0.9, 0.1, 0.9, 0.1)
  assert spans(values, BoutRule(0.6, 0.2, min_length=2)) == [(0, 0, 2)]


def test_the_score_is_the_mean_probability():
  (span,) = find_bouts(np.array(of_one(0.9, 0.5, 0.7)), RULE)
  assert span.score == pytest.approx(0.7)


def test_several_labels_go_on_at_once():
  values = [[0.7, 0.1], [0.7, 0.8], [0.5, 0.8], [0.1, 0.5]]
  assert spans(values, multi_label=True) == [(0, 0, 3), (1, 1, 4)]
  assert spans([*values, [np.nan, np.nan]], multi_label=True) == [(0, 0, 3), (1, 1, 4)]


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'threshold': 1.1}, r'threshold is 1\.1'),
    ({'hysteresis': -0.1}, r'hysteresis -0\.1, but both must be in 0..1'),
    ({'threshold': float('nan')}, 'threshold is nan'),
    ({'min_length': 0}, 'min_length is 0 frames, but must be at least 1'),
  ],
)
def test_rules_that_make_no_sense(options, message):
  with pytest.raises(PredictorError, match=message):
    BoutRule(**options)
