"""Intersection over union and bounding boxes, worked by hand."""

import numpy as np
import pytest

from input_pipeline.poses.boxes import boxes_of_poses, overlaps


def test_overlaps_by_hand():
  boxes = np.array([[0, 0, 2, 2], [0, 0, 1, 1], [5, 5, 6, 6]])
  others = np.array([[1, 0, 3, 2], [0, 0, 2, 2]])
  # Intersection over union: 2 / 6, identical, a quarter, none.
  expected = [[2 / 6, 1], [0, 1 / 4], [0, 0]]
  np.testing.assert_allclose(overlaps(boxes, others), expected)


def test_areas_are_continuous():
  # Half of a 1 × 1 box: counting pixels (+ 1 on each side) would give 3/4.
  (one,) = overlaps(np.array([[0, 0, 1, 1]]), np.array([[0, 0, 1, 0.5]]))
  assert one == pytest.approx(0.5)


@pytest.mark.parametrize(
  'box', [[1, 1, 1, 2], [2, 0, 1, 2], [np.nan] * 4], ids=['line', 'turned', 'none']
)
def test_an_invalid_box_overlaps_nothing(box):
  box = np.array([box], float)
  assert overlaps(box, np.array([[0, 0, 3, 3]])) == 0
  assert overlaps(box, box) == 0


def test_leading_axes_are_kept():
  frames = np.stack([np.array([[0, 0, 2, 2]]), np.array([[0, 0, 1, 1]])])
  assert overlaps(frames, frames).tolist() == [[[1.0]], [[1.0]]]


def test_the_box_of_a_pose_is_around_its_present_joints():
  keypoints = np.array([[[1, 5], [3, 2], [90, 90]], [[1, 1], [2, 2], [3, 3]]])
  scores = np.array([[0.5, 1, 0], [0, 0, 0]])
  first, none = boxes_of_poses(keypoints, scores)
  assert first.tolist() == [1, 2, 3, 5]
  assert np.isnan(none).all()
