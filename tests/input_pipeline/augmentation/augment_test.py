"""Augmentation by hand, and on keypoints against on maps."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import Augmentation, AugmentSettings
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.maps import stored_motion
from input_pipeline.maps.rendering import render_joint_maps
from input_pipeline.skeletons.registry import get_skeleton

SKELETON = get_skeleton('openpose_18_background')
SETTINGS = AugmentSettings(flip_probability=0.3, scale=(0.9, 1.2), shift=0.05)
MAP_SIZE = (24, 31)  # An even side has its centre between cells, an odd side on a cell.

flip_maps = jax.jit(stored_motion.flip_maps, static_argnums=2)
move_maps = jax.jit(stored_motion.move_maps)
render = jax.jit(
  functools.partial(render_joint_maps, map_size=MAP_SIZE, sigma=1.0),
  static_argnames='background',
)


def drawn(*, flip=False, scale=1.0, shift=(0.0, 0.0)):
  return Augmentation(
    flip=jnp.array(flip), scale=jnp.float32(scale), shift=jnp.array(shift, jnp.float32)
  )


@functools.partial(jax.jit, static_argnames=('map_size', 'permutation'))
def augmented(cells, scores, draw, map_size=MAP_SIZE, permutation=None):
  return augment.augment_keypoints(
    cells,
    scores,
    draw,
    map_size=map_size,
    flip_permutation=permutation or tuple(range(cells.shape[2])),
  )


def one_cell(x, y, draw, map_size):
  cells = jnp.array([[[[x, y]]]], jnp.float32)
  moved, scores = augmented(cells, jnp.full((1, 1, 1), 0.5), draw, map_size=map_size)
  assert scores.item() == 0.5
  return np.asarray(moved)[0, 0, 0]


def people(seed=0, *, margin=8):
  """Two frames with one person, no joint closer than `margin` to the map's border."""
  rng = np.random.default_rng(seed)
  high = [MAP_SIZE[1] - 1 - margin, MAP_SIZE[0] - 1 - margin]
  cells = rng.uniform(margin, high, (2, 1, 18, 2)).astype(np.float32)
  scores = rng.uniform(0.2, 1, (2, 1, 18)).astype(np.float32)
  scores[0, 0, 3] = 0
  return jnp.array(cells), jnp.array(scores)


@pytest.mark.parametrize(
  ('draw', 'expected'),
  [
    ({'flip': True}, (2, 3)),  # 9 columns: 0 ↔ 8, so 6 → 2.
    ({'scale': 2.0}, (8, 2)),  # About (4, 4).
    ({'scale': 0.5}, (5, 3.5)),
    ({'shift': (1.5, -2)}, (7.5, 1)),  # (x, y): to the right, and up.
    # Flip, then scale about the centre, then shift.
    ({'flip': True, 'scale': 2.0, 'shift': (1, 0)}, (1, 2)),
  ],
)
def test_a_joint_moves_as_worked_by_hand(draw, expected):
  np.testing.assert_allclose(one_cell(6, 3, drawn(**draw), (9, 9)), expected)


def test_the_centre_lies_between_cells_on_an_even_side():
  # 64 × 86 cells: the centre is at (42.5, 31.5) and stays where it is.
  draw = drawn(scale=1.5)
  np.testing.assert_allclose(one_cell(42.5, 31.5, draw, (64, 86)), [42.5, 31.5])
  np.testing.assert_allclose(one_cell(43.5, 30.5, draw, (64, 86)), [44, 30])
  np.testing.assert_allclose(one_cell(0, 0, drawn(flip=True), (64, 86)), [85, 0])


def test_a_flip_exchanges_left_and_right():
  left, right = (SKELETON.joints.index(f'{side}_wrist') for side in ('left', 'right'))
  cells, scores = people()
  permutation = SKELETON.flip_permutation
  moved, moved_scores = augmented(
    cells, scores, drawn(flip=True), permutation=permutation
  )
  np.testing.assert_allclose(moved[:, :, left, 0], 30 - cells[:, :, right, 0])
  np.testing.assert_allclose(moved[:, :, left, 1], cells[:, :, right, 1])
  np.testing.assert_array_equal(moved_scores[:, :, left], scores[:, :, right])
  nose = SKELETON.joints.index('nose')
  np.testing.assert_allclose(moved[:, :, nose, 0], 30 - cells[:, :, nose, 0])


def test_flipping_twice_changes_nothing():
  cells, scores = people()
  once = augmented(
    cells, scores, drawn(flip=True), permutation=SKELETON.flip_permutation
  )
  assert not np.allclose(once[0], cells)
  twice = augmented(*once, drawn(flip=True), permutation=SKELETON.flip_permutation)
  np.testing.assert_allclose(twice[0], cells, atol=1e-5)
  np.testing.assert_array_equal(twice[1], scores)

  maps = render(cells, scores, background=True)
  once = flip_maps(maps, drawn(flip=True), SKELETON.map_flip_permutation)
  assert not np.allclose(once, maps)
  twice = flip_maps(once, drawn(flip=True), SKELETON.map_flip_permutation)
  np.testing.assert_array_equal(twice, maps)


def test_no_flip_no_scale_no_shift_changes_nothing():
  cells, scores = people()
  kept = augmented(cells, scores, drawn(), permutation=SKELETON.flip_permutation)
  np.testing.assert_allclose(kept[0], cells, rtol=1e-6)
  np.testing.assert_array_equal(kept[1], scores)
  maps = render(cells, scores, background=True)
  np.testing.assert_array_equal(
    flip_maps(maps, drawn(), SKELETON.map_flip_permutation), maps
  )
  np.testing.assert_allclose(move_maps(maps, drawn()), maps, atol=1e-6)


def test_flipped_joints_rendered_are_the_flipped_maps():
  # Joints near the border too: a Gaussian cut at one border is cut at the other.
  cells, scores = people(margin=-1)
  flip = drawn(flip=True)
  on_keypoints = render(
    *augmented(cells, scores, flip, permutation=SKELETON.flip_permutation),
    background=True,
  )
  on_maps = flip_maps(
    render(cells, scores, background=True), flip, SKELETON.map_flip_permutation
  )
  np.testing.assert_allclose(on_keypoints, on_maps, atol=1e-6)


@pytest.mark.parametrize('shift', [(3, 0), (0, -2), (-4, 5)])
def test_joints_moved_by_whole_cells_and_rendered_are_the_moved_maps(shift):
  cells, scores = people()
  draw = drawn(shift=shift)
  on_keypoints = render(*augmented(cells, scores, draw))
  on_maps = move_maps(render(cells, scores), draw)
  np.testing.assert_allclose(on_keypoints, on_maps, atol=1e-6)
  assert not np.allclose(on_maps, render(cells, scores))


def test_maps_move_with_their_joints_when_scaled():
  # Resampling widens a Gaussian, but its centre of mass moves with the joint.
  draw = drawn(scale=1.3, shift=(1.25, -0.75))
  cells, scores = people(margin=9)
  moved_cells, _ = augmented(cells, scores, draw)
  maps = np.asarray(move_maps(render(cells, scores), draw))
  rows, columns = np.mgrid[: MAP_SIZE[0], : MAP_SIZE[1]]
  for frame, joint in [(0, 0), (1, 3), (1, 17)]:
    mass = maps[frame, ..., joint] / maps[frame, ..., joint].sum()
    centre = [(mass * columns).sum(), (mass * rows).sum()]
    np.testing.assert_allclose(centre, moved_cells[frame, 0, joint], atol=0.05)


@pytest.mark.parametrize('scale', [0.8, 1.25])
def test_a_ramp_is_resampled_exactly(scale):
  rows, columns = np.mgrid[:12, :15].astype(np.float32)
  maps = jnp.stack([jnp.array(columns), jnp.array(rows)], axis=-1)[None]
  moved = np.asarray(move_maps(maps, drawn(scale=scale, shift=(1.5, -2))))[0]
  # The source position of each (row, column), by the inverse motion.
  source_x = 7 + (columns - 1.5 - 7) / scale
  source_y = 5.5 + (rows + 2 - 5.5) / scale
  inside = (source_x >= 0) & (source_x <= 14) & (source_y >= 0) & (source_y <= 11)
  assert inside.sum() > 80
  np.testing.assert_allclose(moved[inside, 0], source_x[inside], atol=1e-5)
  np.testing.assert_allclose(moved[inside, 1], source_y[inside], atol=1e-5)


def test_revealed_cells_are_empty():
  moved = np.asarray(move_maps(jnp.ones((1, 6, 8, 1)), drawn(shift=(3, -2))))[0, ..., 0]
  expected = np.zeros((6, 8))
  expected[:4, 3:] = 1  # 3 columns are revealed on the left, 2 rows at the bottom.
  np.testing.assert_array_equal(moved, expected)


def draws(settings):
  """500 draws for maps of 64 × 86 cells."""
  keys = jax.random.split(jax.random.key(0), 500)
  return jax.vmap(lambda key: augment.draw(key, settings, (64, 86), SKELETON))(keys)


def test_draws_stay_within_their_bounds_and_reach_them():
  many = draws(SETTINGS)
  scale, (x, y) = np.asarray(many.scale), np.asarray(many.shift).T
  assert scale.min() >= 0.9
  assert scale.max() <= 1.2
  np.testing.assert_allclose([scale.min(), scale.max()], [0.9, 1.2], atol=0.01)
  # 5 % of 86 columns, and of 64 rows.
  np.testing.assert_allclose([x.min(), x.max()], [-4.3, 4.3], atol=0.2)
  np.testing.assert_allclose([y.min(), y.max()], [-3.2, 3.2], atol=0.2)
  assert abs(x).max() <= 4.3
  assert abs(y).max() <= 3.2
  assert 0.23 < np.asarray(many.flip).mean() < 0.37  # Over 3 standard deviations.


def test_draws_differ_by_key_and_not_by_call():
  many = draws(SETTINGS)
  assert len(np.unique(many.scale)) > 490
  assert len(np.unique(many.shift[:, 0])) > 490
  # Flip, scale and shift are independent.
  columns = np.column_stack([many.flip, many.scale, many.shift]).astype(float)
  correlations = np.corrcoef(columns.T) - np.eye(4)
  assert abs(correlations).max() < 0.15
  jax.tree.map(np.testing.assert_array_equal, many, draws(SETTINGS))


def test_moving_joints_leaves_the_other_draws_as_they_are():
  still = draws(SETTINGS)
  moving = draws(
    dataclasses.replace(SETTINGS, pose_aware=PoseAwareSettings(global_shift=5.0))
  )
  assert still.joint_motion is None
  for field in ('flip', 'scale', 'shift'):
    np.testing.assert_array_equal(getattr(moving, field), getattr(still, field))
  # Whole cells, 1 to 4 with a sign, independent of the shift of the whole clip.
  shifts = np.asarray(moving.joint_motion.global_shift)
  np.testing.assert_array_equal(np.unique(shifts), [-4, -3, -2, -1, 1, 2, 3, 4])
  correlation = np.corrcoef(shifts[:, 0], np.asarray(moving.shift)[:, 0])[0, 1]
  assert abs(correlation) < 0.15


@pytest.mark.parametrize('flip_probability', [0.0, 1.0])
def test_settings_that_leave_no_choice(flip_probability):
  settings = AugmentSettings(flip_probability=flip_probability)
  many = draws(settings)
  assert (np.asarray(many.flip) == bool(flip_probability)).all()
  assert (np.asarray(many.scale) == 1).all()
  assert not np.asarray(many.shift).any()
  assert not settings.moves


@pytest.mark.parametrize('settings', [{'shift': 0.1}, {'scale': (0.9, 1.0)}])
def test_settings_that_move(settings):
  assert AugmentSettings(**settings).moves
  assert not AugmentSettings(flip_probability=0.0).moves


def test_no_view_is_refused():
  with pytest.raises(ValueError, match=r'augment\.views is 0, but must be at least 1'):
    AugmentSettings(views=0)


@pytest.mark.parametrize('scale', [(0.9, 1.1, 0.8, 1.2), (1.1, 0.9), (0.0, 1.0)])
def test_a_scale_that_is_not_a_range_is_refused(scale):
  message = r'scale is \(.*\); it is \(smallest, largest\), both above 0'
  with pytest.raises(ValueError, match=message):
    AugmentSettings(scale=scale)
