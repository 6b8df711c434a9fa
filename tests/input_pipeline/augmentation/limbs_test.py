"""Limbs about their root joints in each frame, against numpy."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation import augment, limbs
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.limbs import LimbMotion, LimbSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.from_keypoints import augmented_joints
from input_pipeline.skeletons.registry import get_skeleton
from tests.input_pipeline.maps.clip_batches import draw_of

SKELETON = get_skeleton('openpose_18')
JOINTS = {name: index for index, name in enumerate(SKELETON.joints)}
SETTINGS = LimbSettings(turn=30.0, stretch=(0.8, 1.3))
move = jax.jit(functools.partial(limbs.move_keypoints, skeleton=SKELETON))


@functools.partial(jax.jit, static_argnums=0)
def draws(settings):
  keys = jax.random.split(jax.random.key(0), 500)
  settings = AugmentSettings(limbs=settings)
  return jax.vmap(lambda key: augment.draw(key, settings, (16, 22), SKELETON).limbs)(
    keys
  )


def drawn_angles_and_stretches():
  linear = np.asarray(draws(SETTINGS).linear, np.float64)
  angle = np.degrees(np.arctan2(linear[..., 1, 0], linear[..., 0, 0]))
  return angle, np.sqrt(np.linalg.det(linear))


def motion(**of_group):
  """Turns in degrees and stretches by group."""
  linear = np.tile(np.eye(2, dtype=np.float32), (18, 1, 1))
  for group, (degrees, stretch) in of_group.items():
    turn = math.radians(degrees)
    rows = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    linear[list(SKELETON.groups[group])] = stretch * np.array(rows)
  return LimbMotion(linear=jnp.array(linear))


def people(seed=0):
  rng = np.random.default_rng(seed)
  cells = rng.uniform(0, 40, (3, 2, 18, 2)).astype(np.float32)
  return cells, rng.uniform(0.2, 1, (3, 2, 18)).astype(np.float32)


def by_hand(cells, scores, linear):
  """Each person and frame by itself; roots by name."""
  moved = cells.astype(np.float64)
  roots = {'head': 'neck'}
  roots |= {
    f'{s}_{p}': f'{s}_{j}'
    for s in ('left', 'right')
    for p, j in (('arm', 'shoulder'), ('leg', 'hip'))
  }
  for group, root in roots.items():
    for joint in SKELETON.groups[group]:
      for t in range(cells.shape[0]):
        for m in range(cells.shape[1]):
          members = [JOINTS[root]]
          if scores[t, m, members[0]] == 0:
            members = list(SKELETON.groups[group])
          weights = scores[t, m, members]
          if weights.sum() == 0:
            continue
          origin = weights @ cells[t, m, members] / weights.sum()
          offset = cells[t, m, joint] - origin
          moved[t, m, joint] = origin + linear[joint].astype(np.float64) @ offset
  return moved


@pytest.mark.parametrize('index', range(3))
def test_limbs_move_as_in_numpy(index):
  cells, scores = people()
  scores[1, 0, JOINTS['left_shoulder']] = 0  # Then the arm's own joints are the root.
  drawn = jax.tree.map(lambda leaf: leaf[index], draws(SETTINGS))
  moved = np.asarray(move(jnp.array(cells), jnp.array(scores), drawn))
  expected = by_hand(cells, scores, np.asarray(drawn.linear))
  np.testing.assert_allclose(moved, expected, atol=1e-4)
  torso = list(SKELETON.groups['torso'])
  np.testing.assert_array_equal(moved[:, :, torso], cells[:, :, torso])
  assert abs(moved - cells).max() > 3


def test_an_arm_turns_about_where_the_shoulder_is_in_each_frame():
  cells, scores = people()
  shoulder, elbow = JOINTS['left_shoulder'], JOINTS['left_elbow']
  cells[:, 0, shoulder] = [(10, 10), (14, 12), (20, 20)]
  cells[:, 0, elbow] = [(13, 10), (14, 16), (20, 20)]
  drawn = motion(left_arm=(90, 2.0))
  moved = np.asarray(move(jnp.array(cells), jnp.array(scores), drawn))
  # From +x towards +y, which is down, and twice as long.
  np.testing.assert_allclose(
    moved[:, 0, elbow], [(10, 16), (6, 12), (20, 20)], atol=1e-4
  )
  np.testing.assert_allclose(moved[:, :, shoulder], cells[:, :, shoulder], atol=1e-4)
  others = [j for j in range(18) if j not in SKELETON.groups['left_arm']]
  np.testing.assert_array_equal(moved[:, :, others], cells[:, :, others])


def test_bones_keep_or_scale_their_lengths():
  cells, scores = people()
  moved = np.asarray(
    move(jnp.array(cells), jnp.array(scores), motion(right_leg=(25, 1.25)))
  )

  def length(of, a, b):
    return np.linalg.norm(of[:, :, JOINTS[a]] - of[:, :, JOINTS[b]], axis=-1)

  for bone in (('right_hip', 'right_knee'), ('right_knee', 'right_ankle')):
    np.testing.assert_allclose(length(moved, *bone), 1.25 * length(cells, *bone), 1e-4)


def test_draws_fill_their_ranges_and_differ_by_group():
  angle, stretch = drawn_angles_and_stretches()
  members = [group[0] for name, group in SKELETON.groups.items() if name != 'torso']
  for values, low, high in ((angle, -30, 30), (stretch, 0.8, 1.3)):
    reach = high - low
    drawn = values[:, members]
    assert low - 1e-4 * reach <= drawn.min() < low + 0.01 * reach
    assert high - 0.01 * reach < drawn.max() <= high + 1e-4 * reach
    assert abs(np.corrcoef(drawn.T) - np.eye(5)).max() < 0.15
    for group in SKELETON.groups.values():
      np.testing.assert_array_equal(
        values[:, list(group)].T, values[:, group[0]][None].repeat(len(group), 0)
      )
  np.testing.assert_array_equal(angle[:, list(SKELETON.groups['torso'])], 0)
  np.testing.assert_array_equal(stretch[:, list(SKELETON.groups['torso'])], 1)
  assert abs(np.corrcoef(angle[:, 0], stretch[:, 0])[0, 1]) < 0.15


def test_a_clip_s_limbs_move_before_the_clip():
  """Through `augmented_joints`, with 32 pixels for 16 cells."""
  cells, scores = people()
  pixels = (cells + 0.5) * 2 - 0.5
  clip = {
    'keypoints': jnp.array(np.concatenate([pixels, scores[..., None]], axis=-1)),
    'frame_size': jnp.array([32, 32], jnp.int32),
    'num_frames': jnp.int32(3),
  }
  drawn = motion(left_arm=(40, 1.2), head=(-20, 0.9))
  settings = MapSettings((16, 16), short_side=16, sigma=1.0)
  moved, kept_scores = augmented_joints(
    clip,
    draw_of(flip=True, shift=(1, 2)).replace(limbs=drawn),
    SKELETON,
    settings,
    drops_padding=False,
  )
  expected = by_hand(cells, scores, np.asarray(drawn.linear))
  expected[..., 0] = 15 - expected[..., 0]
  expected = expected[:, :, list(SKELETON.flip_permutation)] + [1, 2]
  np.testing.assert_allclose(moved, expected, atol=1e-3)
  np.testing.assert_array_equal(kept_scores, scores[:, :, SKELETON.flip_permutation])


def test_off_draws_nothing():
  assert draws(LimbSettings()) is None
  for on in ({'turn': 1.0}, {'stretch': (1.0, 1.1)}):
    assert LimbSettings(**on).moves


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'turn': 181.0}, r'turn is 181\.0; it is in degrees, 0 to 180'),
    ({'turn': float('nan')}, r'turn is nan'),
    (
      {'stretch': (0.0, 1.0)},
      r'stretch is \(0\.0, 1\.0\); it is \(smallest, largest\)',
    ),
  ],
)
def test_settings_out_of_range_are_refused(fields, message):
  with pytest.raises(ValueError, match=rf'config\.augment\.limbs\.{message}'):
    LimbSettings(**fields)
