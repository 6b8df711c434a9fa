"""Scale and shear of joint groups: against numpy, and on keypoints against on maps."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation import plane, pose_aware
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.pose_aware import JointMotion, PoseAwareSettings
from input_pipeline.maps import potion, stored_motion
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.skeletons.registry import get_skeleton
from tests.input_pipeline.maps.clip_batches import (
  centre_of_mass,
  draw_of,
  inner_clip,
  maps_of,
)

SKELETON = get_skeleton('jmrn_official_background')
JOINTS = {name: index for index, name in enumerate(SKELETON.joints)}
MAP_SIZE = (40, 45)
RIGID = PoseAwareSettings(global_shift=4, group_shift=3, rotation=25)
AFFINE = PoseAwareSettings(
  global_shift=4, group_shift=3, rotation=25, scale=(0.8, 1.25), shear=0.3
)
WEIGHTS = potion.colour_weights(3, 3, potion.PotionSettings())
TORSO = list(SKELETON.groups['torso'])

move_keypoints = jax.jit(
  functools.partial(pose_aware.move_keypoints, skeleton=SKELETON)
)
move_maps = jax.jit(
  functools.partial(stored_motion.move_joint_maps, skeleton=SKELETON, rotates=True)
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


def one_draw(index, settings=AFFINE) -> JointMotion:
  return jax.tree.map(lambda leaf: leaf[index], draws(settings))


def still_person():
  """Three equal frames of one person, so that every pivot stays."""
  rng = np.random.default_rng(0)
  cells = rng.uniform(15, [MAP_SIZE[1] - 16, MAP_SIZE[0] - 16], (1, 1, 18, 2))
  scores = rng.uniform(0.2, 1, (1, 1, 18))
  return (
    jnp.array(cells.repeat(3, axis=0), jnp.float32),
    jnp.array(scores.repeat(3, axis=0), jnp.float32),
  )


def test_groups_move_as_in_numpy():
  """With pivots that move, of which the score-weighted mean counts."""
  rng = np.random.default_rng(3)
  cells = rng.uniform(5, 35, (3, 2, 18, 2)).astype(np.float32)
  scores = rng.uniform(0.2, 1, (3, 2, 18)).astype(np.float32)
  drawn = one_draw(1)
  moved = np.asarray(move_keypoints(jnp.array(cells), jnp.array(scores), drawn))
  linear = np.asarray(drawn.linear, np.float64)
  checked = 0
  for group, members in SKELETON.groups.items():
    for joint in members:
      expected = cells[:, :, joint].astype(np.float64)
      if group != 'torso':
        pivot = SKELETON.group_pivots[group]
        weights = scores[:, :, pivot, None]
        origin = (weights * cells[:, :, pivot]).sum(0) / weights.sum(0)  # [m, 2]
        offset = expected - origin
        x = linear[joint, 0, 0] * offset[..., 0] + linear[joint, 0, 1] * offset[..., 1]
        y = linear[joint, 1, 0] * offset[..., 0] + linear[joint, 1, 1] * offset[..., 1]
        expected = origin + np.stack([x, y], axis=-1)
      expected = expected + np.asarray(drawn.shift)[joint]
      np.testing.assert_allclose(moved[:, :, joint], expected, atol=1e-4)
      checked += 1
  assert checked == 18


def test_draws_fill_their_ranges_and_leave_the_others_alone():
  many = draws(AFFINE)
  linear = np.asarray(many.linear, np.float64)
  angle = np.arctan2(linear[..., 1, 0], linear[..., 0, 0])
  scale = np.hypot(linear[..., 0, 0], linear[..., 1, 0])
  # R⁻¹ of the second column is scale · (shear, 1).
  second = linear[..., :, 1]
  shear = (np.cos(angle) * second[..., 0] + np.sin(angle) * second[..., 1]) / scale
  heads = [group[0] for name, group in SKELETON.groups.items() if name != 'torso']
  for values, low, high in ((scale, 0.8, 1.25), (shear, -0.3, 0.3)):
    drawn = values[:, heads]
    reach = high - low
    assert low - 1e-4 * reach <= drawn.min() < low + 0.01 * reach
    assert high - 0.01 * reach < drawn.max() <= high + 1e-4 * reach
    assert abs(np.corrcoef(drawn.T) - np.eye(5)).max() < 0.15
  np.testing.assert_allclose(angle, many.angle, atol=1e-6)
  np.testing.assert_array_equal(
    linear[:, TORSO], np.eye(2)[None, None].repeat(500, 0).repeat(3, 1)
  )
  for members in SKELETON.groups.values():
    np.testing.assert_array_equal(
      linear[:, members], linear[:, members[:1]].repeat(len(members), axis=1)
    )
  rigid = draws(RIGID)
  assert rigid.linear is None
  for field in ('shift', 'angle', 'global_shift'):
    np.testing.assert_array_equal(getattr(rigid, field), getattr(many, field))


def test_the_rigid_part_is_the_present_motion():
  cells, scores = still_person()
  drawn = one_draw(2, RIGID)
  angle = drawn.angle
  turns = plane.linear_map(jnp.ones_like(angle), jnp.zeros_like(angle), angle)
  affine = drawn.replace(linear=turns)
  np.testing.assert_allclose(
    move_keypoints(cells, scores, affine),
    move_keypoints(cells, scores, drawn),
    atol=1e-4,
  )
  maps = aggregate(cells, scores, WEIGHTS)
  np.testing.assert_allclose(move_maps(maps, affine), move_maps(maps, drawn), atol=1e-4)


@pytest.mark.parametrize('index', range(3))
def test_maps_follow_their_joints(index):
  """Gaussians change their form in maps, but not their centres."""
  cells, scores = still_person()
  drawn = one_draw(index)
  moved = np.asarray(move_keypoints(cells, scores, drawn))[0, 0]
  maps = np.asarray(move_maps(aggregate(cells, scores, WEIGHTS), drawn))
  checked = 0
  for joint in range(18):
    if (moved[joint] < 7).any() or (moved[joint] > np.array(MAP_SIZE[::-1]) - 8).any():
      continue
    for colour in range(3):
      centre = centre_of_mass(maps[joint, ..., colour])
      np.testing.assert_allclose(centre, moved[joint], atol=0.06)
    checked += 1
  assert checked > 12
  area = (
    maps[:18].sum(axis=(1, 2))[:, 0]
    / np.asarray(aggregate(cells, scores, WEIGHTS)[:18].sum(axis=(1, 2)))[:, 0]
  )
  determinant = np.linalg.det(np.asarray(drawn.linear))
  inside = abs(area - determinant) < 0.05
  assert inside.sum() > 12


def test_single_frames_of_both_forms():
  """A group that is only scaled: rendered and stored maps have the same centres."""
  clip = inner_clip()
  skeleton = clip.skeleton
  settings = MapSettings((32, 44), short_side=32, sigma=1.5)
  linear = np.tile(np.eye(2, dtype=np.float32), (13, 1, 1))
  arm = list(skeleton.groups['left_arm'])
  linear[arm] = np.array([[1.1, 0.2], [0, 0.9]])
  motion = JointMotion(
    shift=jnp.full((13, 2), 1.0),
    angle=jnp.zeros(13),
    global_shift=jnp.full((2,), 1.0),
    linear=jnp.array(linear),
  )
  options = {
    'draw': draw_of(joint_motion=motion),
    'augmentation': AugmentSettings(
      pose_aware=PoseAwareSettings(global_shift=3.0, scale=(0.8, 1.2))
    ),
  }
  rendered = maps_of(clip, 'keypoints', settings, **options)[0]
  stored = maps_of(clip, 'heatmaps', settings, **options)[0]
  still = maps_of(clip, 'keypoints', settings)[0]
  others = [j for j in range(13) if j not in arm]
  np.testing.assert_allclose(stored[..., others], rendered[..., others], atol=0.01)
  pivot = skeleton.group_pivots['left_arm']
  # In maps a pivot is weighted by its map's mass, which equals the scores inside.
  for frame in range(5):
    for joint in np.array(arm)[clip.scores[frame, 0, arm] > 0]:
      centres = [centre_of_mass(m[frame, ..., joint]) for m in (rendered, stored)]
      np.testing.assert_allclose(centres[0], centres[1], atol=0.08)
  moved = np.subtract(
    centre_of_mass(rendered[0, ..., arm[-1]]), centre_of_mass(still[0, ..., arm[-1]])
  )
  assert pivot in arm
  assert abs(moved - 1).max() > 0.3


def test_settings_that_turn_or_bend():
  assert not RIGID.bends
  assert RIGID.turns
  assert not PoseAwareSettings(global_shift=4).turns
  for on in ({'scale': (0.9, 1.0)}, {'shear': 0.1}):
    settings = PoseAwareSettings(**on)
    assert settings.bends
    assert settings.turns
    assert settings.moves
  assert math.isclose(np.linalg.det(np.asarray(one_draw(0).linear)[TORSO[0]]), 1)


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'scale': (1.2, 0.8)}, r'scale is \(1\.2, 0\.8\); it is \(smallest, largest\)'),
    ({'shear': float('inf')}, r'shear is inf; it is the largest shift of x per cell'),
  ],
)
def test_settings_out_of_range_are_refused(fields, message):
  with pytest.raises(ValueError, match=rf'config\.augment\.pose_aware\.{message}'):
    PoseAwareSettings(**fields)
