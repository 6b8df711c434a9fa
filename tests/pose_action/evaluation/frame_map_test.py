"""Frame mAP against cases worked by hand, a loop over boxes, and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from pose_action.evaluation.average_precision import average_precision
from pose_action.evaluation.frame_map import (
  Detections,
  GroundTruth,
  frame_average_precisions,
  interpolated_average_precision,
)

LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)
# It covers 3/4 of LEFT and nothing else: an overlap of 0.75.
NEARLY_LEFT = (0.0, 0.0, 0.3, 1.0)


def detected(*rows):
  """Each row is (frame, box, scores per class)."""
  frames, boxes, scores = zip(*rows, strict=True)
  return Detections(
    frames, np.array(boxes), np.array(scores, float).reshape(len(rows), -1)
  )


def there(*rows):
  """Each row is (frame, box, 0 or 1 per class)."""
  frames, boxes, classes = zip(*rows, strict=True)
  return GroundTruth(
    frames, np.array(boxes), np.array(classes, bool).reshape(len(rows), -1)
  )


def of_one_class(detections, truth, **options):
  (precision,) = frame_average_precisions(detections, truth, **options)
  return precision


def test_all_found_and_nothing_else():
  truth = there(('a', LEFT, 1), ('a', RIGHT, 1), ('b', LEFT, 1))
  detections = detected(('b', LEFT, 0.1), ('a', RIGHT, 0.9), ('a', NEARLY_LEFT, 0.5))
  assert of_one_class(detections, truth) == 1


def test_a_person_found_twice_counts_once():
  # By score: right, the same person again (wrong), right. Precision is 1, 1/2, 2/3; at
  # recall 1 the best is 2/3: (1 + 2/3) / 2.
  truth = there(('a', LEFT, 1), ('a', RIGHT, 1))
  detections = detected(('a', LEFT, 0.9), ('a', NEARLY_LEFT, 0.8), ('a', RIGHT, 0.7))
  assert of_one_class(detections, truth) == pytest.approx(5 / 6)


def test_of_two_boxes_for_a_person_the_higher_scored_is_right_whatever_the_order():
  truth = there(('a', LEFT, 1), ('b', LEFT, 1))
  twice = [('a', LEFT, 0.2), ('a', NEARLY_LEFT, 0.9), ('b', LEFT, 0.5)]
  # Right, right, wrong. In the given order, 'a' would be right last: 7/12.
  assert of_one_class(detected(*twice), truth) == 1


def test_who_overlaps_a_taken_box_most_is_not_given_the_next_best():
  # Both people stand close; both detections overlap the first of them most.
  near = (0.02, 0.0, 0.42, 1.0)
  truth = there(('a', LEFT, 1), ('a', near, 1))
  detections = detected(('a', LEFT, 0.9), ('a', (0.005, 0, 0.405, 1), 0.8))
  assert of_one_class(detections, truth) == 0.5


def test_a_box_that_nobody_is_in_is_wrong():
  truth = there(('a', LEFT, 1))
  assert of_one_class(detected(('a', RIGHT, 0.9), ('a', LEFT, 0.8)), truth) == 0.5
  # A detection on a frame without ground truth is wrong too.
  assert of_one_class(detected(('b', LEFT, 0.9), ('a', LEFT, 0.8)), truth) == 0.5
  assert of_one_class(detected(('a', LEFT, 0.9), ('b', LEFT, 0.8)), truth) == 1


@pytest.mark.parametrize(('right_side', 'expected'), [(0.25, 1), (0.249, 0)])
def test_half_of_the_union_is_enough(right_side, expected):
  detections = detected(('a', (0.0, 0.0, right_side, 1.0), 0.9))
  truth = there(('a', (0.0, 0.0, 0.5, 1.0), 1))  # Exact in binary.
  assert of_one_class(detections, truth) == expected


def test_who_is_not_found_counts():
  truth = there(('a', LEFT, 1), ('b', LEFT, 1))
  assert of_one_class(detected(('a', LEFT, 0.3)), truth) == 0.5


def test_frame_map_is_not_the_map_of_boxes_as_clips():
  """The wrong protocol gives each detection a label, and measures their ranking."""
  truth = there(('a', LEFT, 1), ('b', LEFT, 1), ('c', LEFT, 1))
  detections = detected(('a', LEFT, 0.9), ('a', NEARLY_LEFT, 0.8), ('b', LEFT, 0.7))
  # All three overlap a person with the class, so that as clips all are right.
  assert average_precision(detections.scores[:, 0], np.array([1, 1, 1])) == 1
  # But one person is detected twice and one is missed: (1 + 2/3) / 3.
  assert of_one_class(detections, truth) == pytest.approx(5 / 9)


def test_classes_are_matched_by_themselves():
  # A person with class 0 stands beside one with class 1; a box between is for both.
  near = (0.02, 0.0, 0.42, 1.0)
  truth = there(('a', LEFT, (1, 0, 0)), ('a', near, (0, 1, 0)))
  detections = detected(('a', LEFT, (0.9, 0.2, 0.4)))
  first, second, nobody = frame_average_precisions(detections, truth)
  assert (first, second) == (1, 1)
  assert np.isnan(nobody)


def test_precision_is_interpolated():
  right = np.array([0, 1, 1, 0, 1], bool)
  # Precision 0, 1/2, 2/3, 1/2, 3/5; interpolated, the first right one has 2/3.
  expected = (2 / 3 + 2 / 3 + 3 / 5) / 4
  assert interpolated_average_precision(right, 4) == pytest.approx(expected)
  plain = average_precision_score(right, np.arange(5)[::-1])
  assert plain == pytest.approx((1 / 2 + 2 / 3 + 3 / 5) / 3)


@pytest.mark.parametrize('seed', range(5))
def test_is_scikit_learns_where_precision_only_falls(seed):
  """With one box per frame and all found, interpolation changes nothing."""
  rng = np.random.default_rng(seed)
  frames = [f'f{i}' for i in range(40)]
  scores = rng.permutation(40) / 40
  # The higher half is right, then one in two, three, four: precision never rises.
  right = np.zeros(40, bool)
  right[[*range(20), 21, 24, 28, 33]] = True
  ranked = np.argsort(-scores)
  is_right = np.zeros(40, bool)
  is_right[ranked] = right
  detections = Detections(frames, np.tile(LEFT, (40, 1)), scores[:, None])
  truth = GroundTruth(frames, np.tile(LEFT, (40, 1)), is_right[:, None])
  expected = average_precision_score(is_right, scores)
  assert of_one_class(detections, truth) == pytest.approx(expected, abs=1e-12)


def test_only_the_highest_of_a_frame_count_when_asked():
  truth = there(('a', LEFT, (1, 0)), ('a', RIGHT, (0, 1)), ('b', LEFT, (0, 1)))
  detections = detected(
    ('a', LEFT, (0.9, 0.8)), ('a', RIGHT, (0.1, 0.7)), ('b', LEFT, (0.2, 0.3))
  )
  np.testing.assert_allclose(frame_average_precisions(detections, truth), [1, 2 / 3])
  # In frame a the two highest pairs are both for the left box; the right one is missed.
  two = frame_average_precisions(detections, truth, most_a_frame=2)
  np.testing.assert_allclose(two, [1, 0.25])


def reference(detections, truth, least=0.5):
  """The rule box by box, in plain Python."""

  def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return shared / (sum(areas) - shared)

  precisions = []
  for k in range(detections.scores.shape[1]):
    taken, hits = set(), []
    for i in sorted(
      range(len(detections.frames)), key=lambda i: -detections.scores[i, k]
    ):
      here = [
        (overlap(detections.boxes[i], truth.boxes[g]), -g)
        for g in range(len(truth.frames))
        if truth.frames[g] == detections.frames[i] and truth.has_class[g, k]
      ]
      best, g = max(here, default=(0, 1))
      hits.append(best >= least and g not in taken)
      if best >= least:
        taken.add(g)
    total, precision, area = truth.has_class[:, k].sum(), [], 0.0
    for rank in range(1, len(hits) + 1):
      precision.append(sum(hits[:rank]) / rank)
    for rank, hit in enumerate(hits):
      area += hit * max(precision[rank:])
    precisions.append(area / total if total else np.nan)
  return precisions


@pytest.mark.parametrize('seed', range(3))
def test_is_the_rule_box_by_box(seed):
  rng = np.random.default_rng(seed)

  def boxes(count):
    corners = rng.uniform(0, 0.3, (count, 2))
    return np.concatenate(
      [corners, corners + rng.uniform(0.4, 0.7, (count, 2))], axis=1
    )

  truth = GroundTruth(
    rng.choice(list('abcde'), 30), boxes(30), rng.random((30, 4)) < 0.4
  )
  detections = Detections(
    rng.choice(list('bcdef'), 60), boxes(60), rng.random((60, 4)).round(1)
  )
  ours = frame_average_precisions(detections, truth)
  np.testing.assert_allclose(ours, reference(detections, truth))
  assert 0.02 < ours.mean() < 0.9


def test_nothing_detected_is_zero():
  empty = Detections([], np.zeros((0, 4)), np.zeros((0, 2)))
  truth = there(('a', LEFT, (1, 0)))
  zero, nobody = frame_average_precisions(empty, truth)
  assert zero == 0
  assert np.isnan(nobody)


def test_misuse_is_refused():
  with pytest.raises(ValueError, match=r'2 frames need boxes \[2, 4\] .*got \(1, 4\)'):
    Detections(['a', 'b'], np.zeros((1, 4)), np.zeros((2, 3)))
  with pytest.raises(ValueError, match='must be finite'):
    detected(('a', LEFT, np.nan))
  with pytest.raises(ValueError, match=r'scores for 2 classes, but .* has 1 classes'):
    frame_average_precisions(detected(('a', LEFT, (1, 1))), there(('a', LEFT, 1)))
