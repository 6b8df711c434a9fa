"""Pose-aware motion by hand, and on keypoints against on maps."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation import pose_aware
from input_pipeline.augmentation.pose_aware import JointMotion, PoseAwareSettings
from input_pipeline.maps import potion, stored_motion
from input_pipeline.skeletons.registry import get_skeleton

SKELETON = get_skeleton('jmrn_official_background')
JOINTS = {name: index for index, name in enumerate(SKELETON.joints)}
HEAD = [0, 1, 2, 3, 4]
TORSO = [11, 12, 17]
ARM_PAIRS = ([5, 7, 9], [6, 8, 10])
LEG_PAIRS = ([13, 15], [14, 16])
MAP_SIZE = (40, 45)
SETTINGS = PoseAwareSettings(global_shift=7, group_shift=4, rotation=40)
WEIGHTS = potion.colour_weights(3, 3, potion.PotionSettings())

move_keypoints = jax.jit(
  functools.partial(pose_aware.move_keypoints, skeleton=SKELETON)
)
move_maps = jax.jit(
  functools.partial(stored_motion.move_joint_maps, skeleton=SKELETON),
  static_argnames='rotates',
)
aggregate = jax.jit(
  functools.partial(
    potion.aggregate_keypoints, map_size=MAP_SIZE, sigma=1.5, background=True
  )
)


@functools.partial(jax.jit, static_argnames='settings')
def draws(settings):
  keys = jax.random.split(jax.random.key(0), 500)
  return jax.vmap(lambda key: pose_aware.draw(key, settings, SKELETON))(keys)


def motion(*, shift=(), angle=(), global_shift=(0, 0)):
  """A motion by hand; `shift` and `angle` (degrees) hold (joint name, value)."""
  shifts = np.tile(np.array(global_shift, np.float32), (18, 1))
  angles = np.zeros(18, np.float32)
  for name, value in shift:
    shifts[JOINTS[name]] += value
  for name, value in angle:
    angles[JOINTS[name]] = math.radians(value)
  return JointMotion(
    shift=jnp.array(shifts),
    angle=jnp.array(angles),
    global_shift=jnp.array(global_shift, jnp.float32),
  )


def one_of_the_draws(index):
  return jax.tree.map(lambda leaf: leaf[index], draws(SETTINGS))


def person(*, margin=16):
  """Three frames, in eighths of cells, so that shifts by whole cells are exact."""
  rng = np.random.default_rng(0)
  high = [MAP_SIZE[1] - margin, MAP_SIZE[0] - margin]
  cells = np.floor(rng.uniform(margin, high, (3, 1, 18, 2)) * 8) / 8
  scores = rng.uniform(0.2, 1, (3, 1, 18)).astype(np.float32)
  scores[1, 0, JOINTS['left_wrist']] = 0
  return jnp.array(cells, jnp.float32), jnp.array(scores)


def test_a_group_moves_as_one_and_the_torso_with_the_whole():
  drawn = draws(SETTINGS)
  shift, angle = np.asarray(drawn.shift), np.asarray(drawn.angle)
  for members in (HEAD, TORSO, *ARM_PAIRS, *LEG_PAIRS):
    np.testing.assert_array_equal(
      shift[:, members], shift[:, members[:1]].repeat(len(members), 1)
    )
    np.testing.assert_array_equal(
      angle[:, members], angle[:, members[:1]].repeat(len(members), 1)
    )
  for joint in TORSO:
    np.testing.assert_array_equal(shift[:, joint], drawn.global_shift)
    np.testing.assert_array_equal(angle[:, joint], 0)
  for left, right in (ARM_PAIRS, LEG_PAIRS):
    assert (shift[:, left[0]] != shift[:, right[0]]).any(axis=-1).mean() > 0.8
    assert (angle[:, left[0]] != angle[:, right[0]]).all()
  limit = math.radians(40)
  assert 0.9 * limit < abs(angle).max() <= limit
  assert abs(angle[:, HEAD].mean()) < 0.1 * limit


def test_whole_cells_are_never_zero_nor_the_maximum():
  drawn = draws(SETTINGS)
  assert set(np.unique(drawn.global_shift)) == {*range(-6, 0), *range(1, 7)}
  own = np.asarray(drawn.shift - drawn.global_shift[:, None])
  moving = [joint for joint in range(18) if joint not in TORSO]
  for joint in moving:
    for axis in range(2):
      assert set(np.unique(own[:, joint, axis])) == {-3, -2, -1, 1, 2, 3}
  # The axes are drawn independently: all four pairs of signs occur.
  signs = np.sign(own[:, 0])
  assert len(np.unique(signs, axis=0)) == 4
  # The smallest allowed maximum, 2, only draws 1 cell.
  assert set(np.unique(draws(PoseAwareSettings(global_shift=2)).shift)) == {-1, 1}


def test_continuous_shifts_fill_the_range():
  drawn = draws(PoseAwareSettings(global_shift=0.5, whole_cells=False))
  shift = np.asarray(drawn.global_shift)
  assert 0.48 < shift.max() <= 0.5
  assert -0.5 <= shift.min() < -0.48
  assert len(np.unique(shift)) > 300


def test_joints_move_independently_in_the_ablation():
  drawn = draws(PoseAwareSettings(group_shift=5, unit='joint'))
  shift = np.asarray(drawn.shift)
  assert set(np.unique(shift)) == {*range(-4, 0), *range(1, 5)}
  correlation = np.corrcoef(shift.transpose(1, 2, 0).reshape(36, 500))
  assert abs(correlation - np.eye(36)).max() < 0.25


def test_nothing_is_drawn_for_a_maximum_of_zero():
  assert not PoseAwareSettings().moves
  drawn = draws(PoseAwareSettings())
  assert all(not leaf.any() for leaf in jax.tree.leaves(drawn))
  for settings in (
    PoseAwareSettings(global_shift=2),
    PoseAwareSettings(group_shift=2),
    PoseAwareSettings(rotation=2),
  ):
    assert settings.moves


def test_a_quarter_turn_by_hand():
  cells = np.zeros((2, 1, 18, 2), np.float32)
  scores = np.zeros((2, 1, 18), np.float32)
  shoulder, elbow = JOINTS['left_shoulder'], JOINTS['left_elbow']
  # The shoulder is at x = 10 with score 1, then at x = 20 with score ¼: pivot (12, 5).
  cells[:, 0, shoulder] = [[10, 5], [20, 5]]
  scores[:, 0, shoulder] = [1, 0.25]
  cells[:, 0, elbow] = [[14, 5], [12, 8]]
  scores[:, 0, elbow] = 1
  arm = [(name, 90) for name in ('left_shoulder', 'left_elbow', 'left_wrist')]
  drawn = motion(angle=arm, global_shift=(1, 0))
  moved = np.asarray(move_keypoints(jnp.array(cells), jnp.array(scores), drawn))
  # From +x towards +y, which is down; then the shift.
  np.testing.assert_allclose(moved[:, 0, elbow], [[13, 7], [10, 5]], atol=1e-5)
  np.testing.assert_allclose(moved[:, 0, shoulder], [[13, 3], [13, 13]], atol=1e-5)
  # Without a visible shoulder, the arm turns about its other joints' mean: (13, 6.5).
  scores[:, 0, shoulder] = 0
  moved = np.asarray(move_keypoints(jnp.array(cells), jnp.array(scores), drawn))
  np.testing.assert_allclose(moved[:, 0, elbow], [[15.5, 7.5], [12.5, 5.5]], atol=1e-5)


def test_each_person_turns_about_their_own_pivot():
  cells, scores = person()
  both = jnp.concatenate([cells, cells + 5], axis=1)
  drawn = motion(angle=[('left_elbow', 30)])
  moved = move_keypoints(both, scores.repeat(2, axis=1), drawn)
  np.testing.assert_allclose(moved[:, 1], moved[:, 0] + 5, rtol=1e-5)
  assert abs(moved - both)[:, :, JOINTS['left_elbow']].max() > 0.1


@pytest.mark.parametrize('index', range(3))
def test_whole_shifts_agree_exactly(index):
  cells, scores = person()
  drawn = one_of_the_draws(index).replace(angle=jnp.zeros(18))
  moved = move_keypoints(cells, scores, drawn)
  np.testing.assert_array_equal(moved, cells + drawn.shift[None, None])
  from_maps = move_maps(aggregate(cells, scores, WEIGHTS), drawn, rotates=False)
  from_keypoints = aggregate(moved, scores, WEIGHTS)
  assert abs(from_maps - aggregate(cells, scores, WEIGHTS)).max() > 0.5
  np.testing.assert_array_equal(from_maps[:18], from_keypoints[:18])


def test_joints_leave_the_map():
  cells, scores = person()
  drawn = motion(
    shift=[('nose', (0, -24)), ('left_eye', (25, 3))], global_shift=(-3, 2)
  )
  from_maps = move_maps(aggregate(cells, scores, WEIGHTS), drawn, rotates=False)
  from_keypoints = aggregate(move_keypoints(cells, scores, drawn), scores, WEIGHTS)
  np.testing.assert_array_equal(from_maps[:18], from_keypoints[:18])
  before = aggregate(cells, scores, WEIGHTS).sum(axis=(1, 2, 3))
  left = from_maps.sum(axis=(1, 2, 3)) / before
  assert max(left[:2]) < 0.9
  np.testing.assert_allclose(left[2:18], 1, rtol=1e-5)
  gone = motion(shift=[('nose', (0, 400)), ('left_eye', (-400, 0))])
  assert not move_maps(aggregate(cells, scores, WEIGHTS), gone, rotates=False)[:2].any()


def test_the_background_moves_with_the_whole_pose_and_is_1_in_revealed_cells():
  cells, scores = person()
  mean = aggregate(cells, scores, WEIGHTS)
  drawn = motion(global_shift=(4, -3), shift=[('nose', (2, 2))])
  moved = np.asarray(move_maps(mean, drawn, rotates=False)[18])
  expected = np.ones_like(moved)
  expected[:-3, 4:] = mean[18, 3:, :-4]
  np.testing.assert_allclose(moved, expected, atol=1e-6)
  assert moved.min() < 0.5
  # For a global shift alone, the result is the moved joints' background.
  drawn = motion(global_shift=(4, -3))
  np.testing.assert_allclose(
    move_maps(mean, drawn, rotates=False)[18],
    aggregate(move_keypoints(cells, scores, drawn), scores, WEIGHTS)[18],
    atol=1e-6,
  )
  # Maps without background stay without background.
  without = move_maps(mean[:18], drawn, rotates=False)
  np.testing.assert_array_equal(without, move_maps(mean, drawn, rotates=False)[:18])


def test_part_of_a_cell_is_interpolated():
  maps = np.zeros((18, 3, 4, 1), np.float32)
  maps[0, 1, 2] = 1
  maps[1, 0, 3] = 1  # In a corner: revealed cells are 0 and do not repeat the border.
  drawn = motion(global_shift=(-0.25, 0.5))
  moved = move_maps(jnp.array(maps), drawn, rotates=False)[..., 0]
  np.testing.assert_allclose(
    moved[0], [[0, 0, 0, 0], [0, 0.125, 0.375, 0], [0, 0.125, 0.375, 0]]
  )
  np.testing.assert_allclose(
    moved[1], [[0, 0, 0.125, 0.375], [0, 0, 0.125, 0.375], [0, 0, 0, 0]]
  )


def turned_both_ways(cells, scores, drawn):
  from_maps = move_maps(aggregate(cells, scores, WEIGHTS), drawn, rotates=True)
  from_keypoints = aggregate(move_keypoints(cells, scores, drawn), scores, WEIGHTS)
  return np.asarray(from_maps[:18]), np.asarray(from_keypoints[:18])


def test_turns_agree_closely():
  """With fixed pivots, because both forms average a moving pivot differently."""
  cells, scores = person()
  pivots = jnp.array(list(SKELETON.group_pivots.values()))
  cells = cells.at[:, :, pivots].set(cells[:1, :, pivots])
  drawn = one_of_the_draws(3)
  from_maps, from_keypoints = turned_both_ways(cells, scores, drawn)
  unturned = drawn.replace(angle=jnp.zeros(18))
  without = aggregate(move_keypoints(cells, scores, unturned), scores, WEIGHTS)[:18]
  assert abs(without - from_keypoints).max() > 0.5
  # Linear interpolation lowers a peak with σ = 1.5 cells by up to a tenth.
  np.testing.assert_allclose(from_maps, from_keypoints, atol=0.1)
  np.testing.assert_allclose(
    from_maps.sum(axis=(1, 2)), from_keypoints.sum(axis=(1, 2)), rtol=0.02, atol=1e-6
  )
  np.testing.assert_allclose(from_maps[TORSO], from_keypoints[TORSO], atol=1e-6)


def test_maps_turn_about_the_groups_own_joints_where_the_pivot_is_missing():
  cells, scores = person()
  cells = cells.at[:].set(cells[:1])
  scores = jnp.ones_like(scores).at[:, :, JOINTS['right_hip']].set(0)
  leg = [('right_knee', 90), ('right_ankle', 90)]
  from_maps, from_keypoints = turned_both_ways(cells, scores, motion(angle=leg))
  assert not from_maps[JOINTS['right_hip']].any()
  np.testing.assert_allclose(from_maps, from_keypoints, atol=0.1)


def test_an_empty_clip_stays_empty():
  cells, scores = person()
  drawn = one_of_the_draws(4)
  from_maps, from_keypoints = turned_both_ways(cells, jnp.zeros_like(scores), drawn)
  np.testing.assert_array_equal(from_maps, 0)
  np.testing.assert_array_equal(from_keypoints, 0)


def test_maps_of_another_skeleton_are_refused():
  with pytest.raises(ValueError, match=r'got maps of 17 joints; .* has 18, .* 19'):
    stored_motion.move_joint_maps(
      jnp.zeros((17, 4, 4, 3)), motion(), SKELETON, rotates=False
    )


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'global_shift': 1}, r'global_shift is 1; whole cells are drawn from 1 to'),
    ({'group_shift': 2.5}, r'group_shift is 2\.5; whole cells'),
    ({'group_shift': -1, 'whole_cells': False}, r'group_shift is -1; .* 0 or more'),
    ({'rotation': 200}, r'rotation is 200; it is in degrees, 0 to 180'),
    ({'unit': 'limb'}, r"unit is 'limb'; it is one of \('group', 'joint'\)"),
  ],
)
def test_settings_out_of_range_are_refused(fields, message):
  with pytest.raises(ValueError, match=rf'config\.augment\.pose_aware\.{message}'):
    PoseAwareSettings(**fields)
