"""Numbers become joints: missing joints, scores, units and what is refused."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.joints import scores_of_positions, to_joints

SIZE = (48, 64)


def test_scores():
  values = [[9, 8, score] for score in (0.4, 1.3, 0, -1, np.nan, np.inf)]
  joints = to_joints(np.array(values), 'pixels', SIZE)
  assert joints.values[:, 2].tolist() == [np.float32(0.4), 1, 0, 0, 0, 0]
  assert joints.values[:, 0].tolist() == [9, 9, 0, 0, 0, 0]
  assert joints.notes == ()


@pytest.mark.parametrize('position', [np.nan, np.inf, -np.inf])
def test_a_joint_at_no_place_is_missing(position):
  values = np.array([[position, 8, 0.9], [20, 30, 0.9]])
  assert to_joints(values, 'pixels', SIZE).values[0].tolist() == [0, 0, 0]


def test_large_and_negative_scores_are_noted():
  values = np.array([[9, 8, 37.5], [9, 8, -0.25], [9, 8, -1]])
  joints = to_joints(values, 'pixels', SIZE)
  assert joints.values[:, 2].tolist() == [1, 0, 0]
  large, negative = joints.notes
  assert (large.kind, negative.kind) == ('large_scores', 'negative_scores')
  assert 'up to 37.5' in large.message
  assert '1 of 3 scores are negative, down to -0.25' in negative.message


@pytest.mark.parametrize('low', [-0.9, 0.02])
@pytest.mark.parametrize('high', [0.98, 1.7])
def test_pixels_that_can_only_be_shares_are_refused(low, high):
  values = np.array([[low, 0.5, 0.9], [0.5, high, 0.9], [500, 500, 0]])
  with pytest.raises(PoseDataError, match=r'--normalized .* 3-D poses in metres'):
    to_joints(values, 'pixels', SIZE)


def test_shares_become_pixels():
  values = np.array([[0.5, 0, 0.9], [1, 1, 0.5], [0, 0, 0]])
  expected = [[31.5, -0.5, 0.9], [63.5, 47.5, 0.5], [0, 0, 0]]
  shares = to_joints(values, 'shares', SIZE)
  np.testing.assert_allclose(shares.values, expected, rtol=1e-6)
  assert shares.notes == ()
  normalized = to_joints(values, 'pixels', SIZE, normalized=True)
  np.testing.assert_allclose(normalized.values, expected, rtol=1e-6)
  assert [note.kind for note in normalized.notes] == ['normalized']


@pytest.mark.parametrize(('unit', 'normalized'), [('shares', False), ('pixels', True)])
def test_shares_that_can_only_be_pixels_are_refused(unit, normalized):
  values = np.array([[0.5, 0.5, 1], [640, 0.5, 1]])
  with pytest.raises(PoseDataError, match=r'0\.\.640, but must be fractions'):
    to_joints(values, unit, SIZE, normalized=normalized)


def test_metres_are_refused():
  with pytest.raises(PoseDataError, match='3-D positions in metres'):
    to_joints(np.zeros((0, 3)), 'metres', SIZE)


def test_nobody_is_no_fault():
  assert to_joints(np.zeros((0, 17, 3)), 'pixels', SIZE).values.shape == (0, 17, 3)


def test_half_precision():
  values = np.array([[400.25, 130.5, 0.5]], np.float16)
  assert to_joints(values, 'pixels', (480, 640)).values.tolist() == [
    [400.25, 130.5, 0.5]
  ]


def test_scores_of_positions():
  positions = np.array([[0, 0], [0, 5], [np.nan, 5], [7, 8]])
  assert scores_of_positions(positions).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize('place', [0, -1])
def test_joints_where_tools_put_missing_ones(place):
  values = np.array([[place, place, 0.4], [20, 30, 0.9], [0, 30, 0.9]])
  joints = to_joints(values, 'pixels', SIZE)
  assert (joints.values[:, 2] > 0).tolist() == [False, True, True]
  (note,) = joints.notes
  assert (note.kind, '1 of 3 joints' in note.message) == ('joints_at_no_place', True)
  (note,) = to_joints(values / 100, 'shares', SIZE).notes if place == 0 else (note,)
  assert note.kind == 'joints_at_no_place'


def test_joints_without_a_score_are_missing_at_minus_one():
  positions = np.array([[-1, -1], [0, 0], [-1, 5], [3, -1], [np.nan, 2]])
  assert scores_of_positions(positions).tolist() == [0, 0, 1, 1, 0]


def test_scores_that_are_depths_are_noted():
  deep = to_joints(np.array([[9, 8, 1.9], [9, 30, 2.4]]), 'pixels', SIZE)
  assert deep.values[:, 2].tolist() == [1, 1]
  assert [note.kind for note in deep.notes] == ['large_scores']
  assert 'all scores are above 1 (1.9 to 2.4)' in deep.notes[0].message
  flags = to_joints(np.array([[9, 8, 2], [9, 30, 2]]), 'pixels', SIZE)
  assert flags.notes == ()
  flat = to_joints(np.array([[9, 8, 0], [9, 30, 0]]), 'pixels', SIZE)
  assert [note.kind for note in flat.notes] == ['no_scores']
