"""Pictures of trajectories: where the colours are, what is hollow, what is refused."""

import numpy as np
import pytest

from pose_action.plots.trajectories import sample_trajectories_image, trajectory_image

LEFT, RIGHT = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
LIMBS, SIDES = [(0, 1), (2, 3)], ['left', 'right']
LEGEND = 40  # Rows of pixels above the panels.


def clip(people=1, moments=3) -> np.ndarray:
  """A left limb on the left of each panel, a right limb on the right."""
  joints = np.array([[-1, -1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]], np.float32)
  return np.tile(joints, (people, moments, 1, 1))


def sample(trajectories, titles=('wave',)):
  return sample_trajectories_image(trajectories, titles, LIMBS, SIDES)


def columns_of(image, colour, below=LEGEND):
  """Columns of the pixels near a colour, without the legend."""
  near = np.abs(image[below:].astype(int) - colour).max(axis=-1) < 24
  return np.nonzero(near)[1]


def bands(columns):
  """How many runs of neighbouring columns there are."""
  return 1 + int((np.diff(np.unique(columns)) > 3).sum()) if len(columns) else 0


def test_a_panel_per_moment_with_sides_in_their_colours():
  image = sample(clip()[None])
  left, right = columns_of(image, LEFT), columns_of(image, RIGHT)
  assert bands(left) == bands(right) == 3
  assert left.min() < right.min() and left.max() < right.max()


@pytest.mark.parametrize(('moments', 'shown'), [(1, 1), (7, 7), (8, 8), (32, 8)])
def test_at_most_eight_moments(moments, shown):
  image = sample(clip(moments=moments)[None])
  assert bands(columns_of(image, LEFT)) == shown


def test_a_row_per_clip():
  one, three = (sample(np.stack([clip()] * n), ['wave'] * n) for n in (1, 3))
  assert abs(one.shape[1] - three.shape[1]) <= 2
  assert 2 * one.shape[0] < three.shape[0] < 3 * one.shape[0]


def test_a_missing_joint_makes_its_limb_faint():
  missing = clip()
  missing[:, 1, 0, 2] = 0
  image = sample(missing[None])
  assert bands(columns_of(image, LEFT)) == 2
  assert bands(columns_of(image, RIGHT)) == 3


def test_who_is_absent_is_not_drawn():
  two = clip(people=2)
  two[1] = 0
  np.testing.assert_array_equal(sample(two[None]), sample(clip()[None]))
  nobody = sample(np.zeros_like(two)[None])
  assert not len(columns_of(nobody, LEFT))


def test_a_clip_keeps_its_proportions_over_time():
  moving = clip()
  moving[:, 2, :, 0] += 6  # Far to the right at the end.
  places = np.unique(columns_of(sample(moving[None]), RIGHT))
  first, second, third = places[np.diff(places, prepend=-9) > 3]
  assert third - second > second - first + 60


def test_weights_are_below_the_moments_heaviest_first():
  options = {'joint_names': ['a', 'b', 'c', 'd']}
  plain = trajectory_image('clip', 'predicted: wave', clip(), LIMBS, SIDES, **options)
  weights = np.array([0.1, 0.4, 0.2, 0.0], np.float32)
  image = trajectory_image(
    'clip', 'predicted: wave', clip(), LIMBS, SIDES, joint_weights=weights, **options
  )
  assert image.shape[0] > plain.shape[0] + 60
  assert bands(columns_of(image, LEFT)) == 3
  green = (np.abs(image.astype(int) - (0x00, 0x9E, 0x73)).max(axis=-1) < 24).sum(axis=1)
  lengths = [int(row) for row in green[green > 0]]
  assert lengths == sorted(lengths, reverse=True)
  assert len(set(lengths)) >= 3


@pytest.mark.parametrize('shape', [(1, 3, 4, 3), (1, 1, 3, 4, 2), (1, 0, 3, 4, 3)])
def test_other_shapes_are_refused(shape):
  with pytest.raises(ValueError, match=r'have shape \(.*but need \[b, m, t, j, 3\]'):
    sample(np.zeros(shape))


def test_titles_must_fit():
  with pytest.raises(ValueError, match='1 clips need a title each, not 2'):
    sample(clip()[None], ['wave', 'run'])
