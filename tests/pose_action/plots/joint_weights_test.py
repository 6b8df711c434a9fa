"""Pictures of joint weights, checked by their pixels."""

import itertools

import numpy as np
import pytest
from matplotlib import colormaps

from input_pipeline.skeletons.registry import SKELETONS, get_skeleton
from pose_action import plots
from pose_action.plots import joint_weights

ARMS = ('neck', 'left_wrist', 'right_wrist')


def _where(image: np.ndarray, value: float) -> np.ndarray:
  """Pixels (row, column) with a value's colour, outside the colour bar."""
  colour = np.round(np.array(colormaps['YlOrRd'](value)[:3]) * 255)
  inside = image[:, :-100].astype(int)
  return np.argwhere(np.abs(inside - colour).max(axis=-1) <= 2)


def _middle(image: np.ndarray, value: float) -> np.ndarray:
  return _where(image, value).mean(axis=0)


def test_the_table_has_joints_in_rows_and_classes_in_columns():
  weights = np.array([[0.2, 0.4, 0.2], [0.2, 0.2, 0.6]])  # Clap: the right wrist.
  image = plots.joint_weights_image(weights, ['wave', 'clap'], ARMS)
  half, full = _middle(image, 0.5), _middle(image, 1.0)
  assert image.dtype == np.uint8
  assert 25 < full[0] - half[0] < 35  # One row of 0.3 inches below …
  assert 25 < full[1] - half[1] < 60  # … and a column to the right.


def test_a_class_without_clips_is_grey():
  weights = np.array([[0.2, 0.4, 0.6], [np.nan, np.nan, np.nan]])
  grey = (plots.joint_weights_image(weights, ['a', 'b'], ARMS) == 191).all(axis=-1)
  assert grey.sum() > 40 * 85  # A column of three cells without its edges.
  complete = plots.joint_weights_image(np.nan_to_num(weights), ['a', 'b'], ARMS)
  assert (complete == 191).all(axis=-1).sum() < 100


@pytest.mark.parametrize(('joints', 'classes'), [(15, 21), (18, 157)])
def test_every_class_and_joint_has_room_for_its_name(joints, classes):
  weights = np.linspace(0, 1, joints * classes).reshape(classes, joints)
  image = plots.joint_weights_image(weights, ['hold a cup'] * classes, ['x'] * joints)
  assert image.shape[0] > joints * 20
  assert image.shape[1] > classes * 10
  border = np.concatenate([image[:4].ravel(), image[-4:].ravel(), image[:, :4].ravel()])
  assert (border == 255).all()  # Nothing is cut off at an edge.


def test_the_left_wrist_is_on_the_right_of_the_picture():
  weights = np.array([[0.0, 1.0, 0.5]])
  image = plots.skeleton_weights_image(weights, ['all'], ARMS, [])
  left, right = _middle(image, 1.0), _middle(image, 0.5)
  assert abs(left[0] - right[0]) < 3
  assert left[1] > right[1] + 80
  assert _middle(image, 0.0)[0] < left[0] - 60  # The neck is above the wrists.


def test_weightier_joints_have_larger_discs():
  image = plots.skeleton_weights_image(np.array([[0.0, 1.0, 0.5]]), ['all'], ARMS, [])
  areas = [len(_where(image, value)) for value in (0.0, 0.5, 1.0)]
  assert 20 < areas[0] < 0.6 * areas[1] < 0.6 * 0.7 * areas[2]


def test_limbs_are_lines_between_their_joints():
  def draw(limbs):
    return plots.skeleton_weights_image(np.array([[0.0, 0.5, 1.0]]), ['a'], ARMS, limbs)

  line = np.argwhere((draw([('neck', 'left_wrist')]) != draw([])).any(axis=-1))
  assert len(line) > 100
  # The limb runs down and to the right, from the middle to the person's left.
  down, right = line.T - line.mean(axis=0)[:, None]
  assert (down * right).sum() > 0.9 * np.sqrt((down**2).sum() * (right**2).sum())
  assert np.ptp(line, axis=0).min() > 30


def test_figures_stand_in_rows_of_eight_under_their_titles():
  def size(n):
    weights = np.linspace(0, 1, 3 * n).reshape(n, 3)
    return plots.skeleton_weights_image(weights, ['walk'] * n, ARMS, []).shape

  two, eight, nine = size(2), size(8), size(9)
  assert eight[1] - two[1] > 6 * 130
  assert nine[1] == eight[1]
  assert nine[0] - eight[0] > 300


def test_a_joint_without_a_place_stands_below_with_its_name():
  names = (*ARMS, 'background', 'tail')
  image = plots.skeleton_weights_image(
    np.array([[0.0, 0.0, 0.0, 0.5, 1.0]]), ['all'], names, []
  )
  wrists = _where(image, 0.0)[:, 0].max()
  background, tail = _middle(image, 0.5), _middle(image, 1.0)
  assert min(background[0], tail[0]) > wrists + 50
  assert tail[1] > background[1] + 30
  below = image[int(tail[0]) + 11 : int(tail[0]) + 24, :-100]
  assert (below.max(axis=-1) < 128).sum() > 20  # Their names.


@pytest.mark.parametrize('name', sorted(SKELETONS))
def test_every_registered_joint_has_a_place_of_its_own(name):
  skeleton = get_skeleton(name)
  places = joint_weights._standing_places(skeleton.joints)
  for joint, place in zip(skeleton.joints, places, strict=True):
    assert place[1] < joint_weights._OTHERS_ROW, f'{joint} has no place on the figure'
    if not joint.startswith('face_'):
      side = np.sign(place[0])
      assert side == joint.startswith('left_') - joint.startswith('right_'), joint
  mirrored = places[list(skeleton.flip_permutation)] * [-1, 1]
  np.testing.assert_allclose(mirrored, places, atol=1e-9)
  whole_body = skeleton.num_joints > 100
  for a, b in itertools.combinations(places, 2):
    # Discs are 0.13 to 0.33 in radius, and smaller on faces and hands.
    assert np.hypot(*(a - b)) > (0.09 if whole_body else joint_weights._ROOM)


def test_discs_are_smaller_where_joints_are_near():
  def areas(names):
    weights = np.linspace(0, 1, len(names))[None]
    image = plots.skeleton_weights_image(weights, ['all'], names, [])
    return len(_where(image, 0.0)), len(_where(image, 1.0))

  alone, finger = areas(('neck', 'left_ring_finger1'))
  beside = areas(('neck', 'left_ring_finger2', 'left_ring_finger1'))
  assert beside[0] == alone
  assert beside[1] < 0.7 * finger


def test_weights_that_hardly_differ_look_alike_and_nan_is_drawn():
  alike = plots.skeleton_weights_image(np.full((1, 3), 0.5), ['untrained'], ARMS, [])
  assert len(_where(alike, 0.5)) > 3 * 60  # In the middle of the scale.
  nothing = plots.skeleton_weights_image(np.full((1, 3), np.nan), ['none'], ARMS, [])
  assert (nothing == 191).all(axis=-1).sum() > 3 * 20


@pytest.mark.parametrize(
  ('draw', 'message'),
  [
    (
      lambda: plots.joint_weights_image(np.ones((3, 2)), ['a', 'b'], ARMS),
      r'shape \(3, 2\), but 2 classes and 3 joint names need \(2, 3\)',
    ),
    (
      lambda: plots.skeleton_weights_image(np.ones((1, 3)), ['a', 'b'], ARMS, []),
      r'shape \(1, 3\), but 2 titles and 3 joint names need \(2, 3\)',
    ),
    (
      lambda: plots.skeleton_weights_image(
        np.ones((1, 3)), ['a'], ARMS, [('neck', 'nose')]
      ),
      r"limbs name \['nose'\], but the joints are \['neck',",
    ),
  ],
)
def test_misuse_is_refused(draw, message):
  with pytest.raises(ValueError, match=message):
    draw()
