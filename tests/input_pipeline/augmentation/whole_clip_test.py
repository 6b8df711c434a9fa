"""Aspect, shear and rotation of the whole clip, against numpy, and in every form."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation import augment, plane
from input_pipeline.augmentation.augment import Augmentation, AugmentSettings
from input_pipeline.maps import canvas, stored_motion
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.poses.clip import PoseClip
from tests.input_pipeline.maps.clip_batches import (
  BACKGROUND,
  PENN,
  centre_of_mass,
  draw_of,
  inner_clip,
  maps_of,
)

BENT = AugmentSettings(
  flip_probability=0.5,
  scale=(0.8, 1.2),
  shift=0.1,
  rotation=30.0,
  aspect=(0.7, 1.3),
  shear=0.4,
)
MAP_SIZE = (32, 44)
LARGE = MapSettings(MAP_SIZE, short_side=32, sigma=1.5)


def bent(*, aspect=1.0, shear=0.0, degrees=0.0, flip=False, scale=1.0, shift=(0, 0)):
  matrix = plane.linear_map(
    jnp.float32(aspect), jnp.float32(shear), jnp.float32(math.radians(degrees))
  )
  return Augmentation(
    flip=jnp.array(flip),
    scale=jnp.float32(scale),
    shift=jnp.array(shift, jnp.float32),
    linear=matrix,
  )


MANY = {
  'flip': True,
  'aspect': 1.2,
  'shear': -0.25,
  'degrees': 25,
  'scale': 0.9,
  'shift': (1.5, -2),
}


def by_hand(
  points,
  map_size,
  *,
  aspect=1.0,
  shear=0.0,
  degrees=0.0,
  flip=False,
  scale=1.0,
  shift=(0, 0),
):
  """Positions `[n, 2]`, moved one step after another, in float64."""
  points = np.array(points, np.float64)
  width, height = map_size[1], map_size[0]
  if flip:
    points[:, 0] = width - 1 - points[:, 0]
  centre = np.array([(width - 1) / 2, (height - 1) / 2])
  x, y = (points - centre).T
  x = x * aspect
  x = x + shear * y
  turn = math.radians(degrees)
  x, y = (
    x * math.cos(turn) - y * math.sin(turn),
    x * math.sin(turn) + y * math.cos(turn),
  )
  return np.stack([x * scale, y * scale], axis=-1) + centre + np.array(shift)


def moved(points, draw, map_size):
  cells = jnp.array(points, jnp.float32)[None, None]
  moved, _ = jax.jit(
    lambda cells: augment.augment_keypoints(
      cells,
      jnp.ones(cells.shape[:3]),
      draw,
      map_size=map_size,
      flip_permutation=tuple(range(cells.shape[2])),
    )
  )(cells)
  return np.asarray(moved)[0, 0]


@pytest.mark.parametrize(
  ('draw', 'expected'),
  [
    (
      {'degrees': 90},
      (5, 6),
    ),  # About (4, 4): 2 right and 1 up becomes 1 right, 2 down.
    ({'aspect': 1.5}, (7, 3)),
    ({'shear': 1.0}, (5, 3)),  # 1 up, so 1 to the left.
    ({'aspect': 2.0, 'shear': 1.0}, (7, 3)),  # Aspect first: 2·2 - 1.
    ({'shear': 1.0, 'degrees': 90}, (5, 5)),  # Shear first: (1, -1) becomes (1, 1).
    ({'degrees': 90, 'scale': 2.0, 'shift': (0, 1)}, (6, 9)),
    ({'flip': True, 'degrees': 90}, (5, 2)),  # Flip first: (-2, -1) becomes (1, -2).
  ],
)
def test_a_joint_moves_as_worked_by_hand(draw, expected):
  np.testing.assert_allclose(
    moved([(6, 3)], bent(**draw), (9, 9))[0], expected, atol=1e-5
  )


def test_many_joints_move_as_in_numpy():
  points = np.random.default_rng(0).uniform(-5, 50, (18, 2))
  np.testing.assert_allclose(
    moved(points, bent(**MANY), (24, 31)), by_hand(points, (24, 31), **MANY), atol=1e-4
  )


@functools.partial(jax.jit, static_argnums=(0, 1))
def draws(settings, number=500):
  keys = jax.random.split(jax.random.key(0), number)
  return jax.vmap(lambda key: augment.draw(key, settings, MAP_SIZE, PENN))(keys)


def test_draws_fill_their_ranges():
  matrices = np.asarray(draws(BENT).linear, np.float64)
  # Undo R · shear · aspect: the second column is R·(shear, 1), the first R·(aspect, 0).
  angle = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
  aspect = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
  shear = matrices[:, 0, 1] * np.cos(angle) + matrices[:, 1, 1] * np.sin(angle)
  degrees = np.degrees(angle)
  for values, low, high in [
    (degrees, -30, 30),
    (aspect, 0.7, 1.3),
    (shear, -0.4, 0.4),
  ]:
    reach = high - low
    assert low - 1e-5 * reach <= values.min() < low + 0.02 * reach
    assert high - 0.02 * reach < values.max() <= high + 1e-5 * reach
    assert abs(values.mean() - (low + high) / 2) < 0.05 * reach
    assert len(np.unique(values)) > 490
  many = draws(BENT)
  columns = np.column_stack([degrees, aspect, shear, many.scale, many.shift, many.flip])
  assert abs(np.corrcoef(columns.T.astype(float)) - np.eye(7)).max() < 0.15


def test_off_is_none_and_the_other_draws_stay():
  still = dataclasses.replace(BENT, rotation=0.0, aspect=(1.0, 1.0), shear=0.0)
  off, on = draws(still), draws(BENT)
  assert off.linear is None
  for field in ('flip', 'scale', 'shift'):
    np.testing.assert_array_equal(getattr(off, field), getattr(on, field))
  assert not still.bends
  for field in ({'rotation': 1.0}, {'aspect': (1.0, 1.1)}, {'shear': 0.1}):
    settings = AugmentSettings(flip_probability=0.0, **field)
    assert settings.bends
    assert settings.moves
    assert draws(settings, 1).linear is not None


@pytest.mark.parametrize('flip', [False, True])
def test_rotated_maps_are_the_maps_of_rotated_joints(flip):
  """A Gaussian stays a Gaussian when it turns."""
  clip = inner_clip(BACKGROUND)
  options = {
    'draw': bent(flip=flip, degrees=17, shift=(1, -1)),
    'augmentation': AugmentSettings(rotation=20.0),
  }
  rendered = maps_of(clip, 'keypoints', LARGE, **options)
  stored = maps_of(clip, 'heatmaps', LARGE, **options)
  still = maps_of(clip, 'keypoints', LARGE)
  # Linear interpolation lowers a peak of σ = 1.5 cells by up to a tenth.
  np.testing.assert_allclose(stored, rendered, atol=0.12)
  assert abs(rendered - still).max() > 0.9
  np.testing.assert_array_equal(stored[0, :, 0, 0, 18], 1)  # Revealed: background.


def test_bent_maps_follow_their_joints():
  clip = inner_clip()
  options = {'draw': bent(**MANY), 'augmentation': BENT}
  stored = maps_of(clip, 'heatmaps', LARGE, **options)[0]
  flipped = list(PENN.flip_permutation)
  # The frame has 32 rows, and 43 of the canvas's 44 columns, from the first on.
  cells = (clip.keypoints[:, 0, flipped] + 0.5) * [43 / 320, 32 / 240] - 0.5
  scores = clip.scores[:, 0, flipped]
  checked = 0
  for frame, joint in np.argwhere(scores > 0):
    expected = by_hand(cells[frame, joint][None], MAP_SIZE, **MANY)[0]
    if not (6 <= expected[0] <= 37 and 6 <= expected[1] <= 25):
      continue
    centre = centre_of_mass(stored[frame, ..., joint])
    np.testing.assert_allclose(centre, expected, atol=0.06)
    checked += 1
  assert checked > 20


def test_a_ramp_is_read_at_the_inverse_positions():
  rows, columns = np.mgrid[:12, :15].astype(np.float32)
  maps = jnp.stack([jnp.array(columns), jnp.array(rows)], axis=-1)[None]
  options = {name: value for name, value in MANY.items() if name != 'flip'}
  read = np.asarray(stored_motion.move_maps(maps, bent(**options)))[0]
  inside = 0
  for x in range(15):
    for y in range(12):
      # Solve by_hand(source) = (x, y) with numpy's own solver.
      origin, right, down = by_hand([(0, 0), (1, 0), (0, 1)], (12, 15), **options)
      matrix = np.stack([right - origin, down - origin], axis=-1)
      source = np.linalg.solve(matrix, np.array([x, y]) - origin)
      if (source >= 0).all() and source[0] <= 14 and source[1] <= 11:
        np.testing.assert_allclose(read[y, x], source, atol=1e-4)
        inside += 1
      elif (source < -1).any() or source[0] > 15 or source[1] > 12:
        np.testing.assert_array_equal(read[y, x], 0)
  assert inside > 60


@pytest.mark.parametrize('draw', [MANY, {'degrees': 45}, {'shear': 0.5, 'flip': True}])
def test_the_mask_of_the_frame_turns_with_it(draw):
  """Against the inverse map by numpy, for a frame that fills part of the canvas."""
  settings = MapSettings((30, 40), short_side=20, sigma=1.0)
  frame_size = (200, 300)  # 20 × 30 cells, at rows 5 to 24 and columns 5 to 34.
  shown = np.asarray(
    canvas.shows_frame(jnp.array(frame_size, jnp.int32), bent(**draw), settings)
  )
  origin, right, down = by_hand([(0, 0), (1, 0), (0, 1)], (30, 40), **draw)
  matrix = np.stack([right - origin, down - origin], axis=-1)
  rows, columns = np.mgrid[:30, :40]
  offsets = np.stack([columns, rows], axis=-1) - origin
  source = np.linalg.solve(matrix, offsets[..., None])[..., 0]
  border = np.minimum(
    np.minimum(source[..., 0] - 4.5, 34.5 - source[..., 0]),
    np.minimum(source[..., 1] - 4.5, 24.5 - source[..., 1]),
  )
  clear = abs(border) > 1e-3
  np.testing.assert_array_equal(shown[clear], (border > 0)[clear])
  assert 100 < shown.sum() < 1100


def test_no_turn_shows_the_same_frame():
  settings = MapSettings((30, 40), short_side=20, sigma=1.0)
  size = jnp.array([200, 300], jnp.int32)
  still = draw_of(flip=True, shift=(3, 2))
  np.testing.assert_array_equal(
    canvas.shows_frame(size, still.replace(linear=jnp.eye(2)), settings),
    canvas.shows_frame(size, still, settings),
  )


def test_vectors_of_stored_parts_turn_with_the_clip():
  settings = dataclasses.replace(LARGE, modalities=('parts',), part_width=3.0)
  positions = np.zeros((1, 1, 13, 2))
  scores = np.zeros((1, 1, 13))
  elbow, wrist = PENN.joints.index('left_elbow'), PENN.joints.index('left_wrist')
  limb = PENN.limbs.index(('left_elbow', 'left_wrist'))
  positions[0, 0, [elbow, wrist]] = [(120, 100), (200, 140)]
  scores[0, 0, [elbow, wrist]] = 0.8
  clip = PoseClip('clip', positions, scores, (240, 320), PENN)
  options = {
    'draw': bent(aspect=1.1, shear=0.3, degrees=40),
    'augmentation': BENT,
  }
  rendered = maps_of(clip, 'keypoints', settings, **options)[0, 0]
  stored = maps_of(clip, 'heatmaps', settings, **options)[0, 0]
  vector = slice(2 * limb, 2 * limb + 2)
  inside = (abs(rendered[..., vector]).sum(-1) > 0) & (
    np.linalg.norm(stored[..., vector], axis=-1) > 0.79
  )
  assert inside.sum() > 20
  np.testing.assert_allclose(
    stored[inside][:, vector], rendered[inside][:, vector], atol=0.02
  )
  still = maps_of(clip, 'keypoints', settings)[0, 0]
  kept = still[abs(still[..., vector]).sum(-1) > 0][0, vector]
  assert abs(rendered[inside][0, vector] - kept).max() > 0.3


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'rotation': 190.0}, r'rotation is 190\.0; it is in degrees, 0 to 180'),
    ({'rotation': float('nan')}, r'rotation is nan; it is in degrees'),
    ({'shear': -0.1}, r'shear is -0\.1; it is .* per cell of y, 0 or more'),
    ({'aspect': (0.0, 1.0)}, r'aspect is \(0\.0, 1\.0\); it is \(smallest, largest\)'),
    ({'aspect': (1.0,)}, r'aspect is \(1\.0,\); it is \(smallest, largest\)'),
    ({'scale': (1.0, float('inf'))}, r'scale is \(1\.0, inf\); it is'),
    ({'shift': float('inf')}, r"shift is inf; it is a share of the map's side, 0 or"),
    ({'flip_probability': 1.5}, r'flip_probability is 1\.5; it is a share, 0 to 1'),
  ],
)
def test_settings_out_of_range_are_refused(fields, message):
  with pytest.raises(ValueError, match=rf'config\.augment\.{message}'):
    AugmentSettings(**fields)
