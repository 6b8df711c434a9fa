"""Rendering against plain loops, and worked by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.maps.rendering import (
  append_background,
  map_size_of_frame,
  occupied_lines,
  pixels_to_cells,
  render_joint_maps,
)

# Jitted, same as in runs; compiling each operation separately would take far longer.
render = jax.jit(
  render_joint_maps, static_argnames=('map_size', 'sigma', 'background', 'truncate')
)


def rendered_by_loops(cells, scores, map_size, sigma, truncate=3.0):
  """The maps for one frame, `[h, w, j]`, directly from the definition."""
  persons, joints = scores.shape
  maps = np.zeros((*map_size, joints))
  for row in range(map_size[0]):
    for column in range(map_size[1]):
      for joint in range(joints):
        for person in range(persons):
          x, y = cells[person, joint]
          distance = math.hypot(column - x, row - y)
          if distance <= truncate * sigma:
            value = scores[person, joint] * math.exp(-(distance**2) / (2 * sigma**2))
            maps[row, column, joint] = max(maps[row, column, joint], value)
  return maps


def one_joint(x, y, score=1.0, *, map_size=(20, 24), sigma=2.0, **settings):
  cells = jnp.array([[[x, y]]], jnp.float32)
  scores = jnp.full((1, 1), score, jnp.float32)
  maps = render(cells, scores, map_size=map_size, sigma=sigma, **settings)
  return np.asarray(maps)[..., 0]


@pytest.mark.parametrize(('persons', 'truncate'), [(1, 3.0), (2, 3.0), (3, 1.5)])
def test_equals_plain_loops_on_random_people(persons, truncate):
  rng = np.random.default_rng(persons)
  # Some joints are completely outside the map, some only partly.
  cells = rng.uniform(-6, 22, (2, persons, 4, 2)).astype(np.float32)
  scores = rng.uniform(0.1, 1, (2, persons, 4)).astype(np.float32)
  scores[rng.random(scores.shape) < 0.3] = 0
  maps = render(
    jnp.array(cells), jnp.array(scores), map_size=(12, 17), sigma=1.7, truncate=truncate
  )
  expected = [
    rendered_by_loops(c, s, (12, 17), 1.7, truncate)
    for c, s in zip(cells, scores, strict=True)
  ]
  assert maps.dtype == jnp.float32
  np.testing.assert_allclose(maps, expected, atol=1e-6)
  assert np.count_nonzero(expected) > 20


def test_leading_axes_are_clips_and_frames():
  rng = np.random.default_rng(0)
  cells = jnp.array(rng.uniform(0, 8, (3, 2, 1, 2, 2)), jnp.float32)
  scores = jnp.ones((3, 2, 1, 2))
  maps = render(cells, scores, map_size=(8, 9), sigma=1.0, background=True)
  assert maps.shape == (3, 2, 8, 9, 3)
  alone = render(cells[1, 1], scores[1, 1], map_size=(8, 9), sigma=1.0, background=True)
  np.testing.assert_array_equal(maps[1, 1], alone)


def test_the_peak_is_the_score_and_x_is_the_column():
  maps = one_joint(10, 7, 0.625)
  assert maps[7, 10] == 0.625
  assert maps.max() == 0.625
  # One σ away: e^-½ of the peak, in every direction.
  np.testing.assert_allclose(maps[7, 12], 0.625 * 0.60653067, rtol=1e-6)
  np.testing.assert_allclose(maps[5, 10], 0.625 * 0.60653067, rtol=1e-6)


def test_is_exactly_zero_beyond_three_sigma():
  maps = one_joint(10, 10)  # σ = 2: the radius is 6 cells.
  np.testing.assert_allclose(maps[10, 16], math.exp(-4.5), rtol=1e-5)
  assert maps[10, 17] == 0
  assert maps[15, 13] > 0  # 5² + 3² = 34, within 36;
  assert maps[15, 14] == 0  # 5² + 4² = 41, beyond.


def test_two_people_keep_their_peaks():
  cells = jnp.array([[[5.0, 5.0]], [[7.0, 5.0]]])
  scores = jnp.array([[0.5], [1.0]])
  maps = render(cells, scores, map_size=(10, 12), sigma=2.0)[..., 0]
  assert maps[5, 7] == 1.0  # A sum would give 1.303.
  np.testing.assert_allclose(maps[5, 5], 0.60653067, rtol=1e-6)  # A sum: 1.107.


def test_a_missing_joint_leaves_nothing():
  assert not one_joint(5, 5, score=0.0).any()


def test_a_joint_outside_the_map_is_rendered_where_it_reaches_in():
  maps = one_joint(-2, 10)
  np.testing.assert_allclose(maps[10, 0], 0.60653067, rtol=1e-6)
  assert not one_joint(-7, 10).any()


def test_background_is_1_minus_the_maximum():
  rng = np.random.default_rng(3)
  cells = jnp.array(rng.uniform(0, 10, (1, 3, 2)), jnp.float32)
  scores = jnp.array([[0.9, 0.4, 0.0]])
  settings = {'map_size': (10, 11), 'sigma': 1.5}
  joints = render(cells, scores, **settings)
  maps = render(cells, scores, **settings, background=True)
  np.testing.assert_array_equal(maps[..., :3], joints)
  np.testing.assert_allclose(maps[..., 3], 1 - np.asarray(joints).max(axis=-1))
  np.testing.assert_array_equal(append_background(joints), maps)


@pytest.mark.parametrize(
  ('frame_size', 'short_side', 'map_size'),
  [
    ((240, 320), 64, (64, 85)),  # 85.33
    ((240, 320), 32, (32, 43)),  # 42.67
    ((320, 240), 64, (85, 64)),
    ((270, 480), 64, (64, 114)),  # 113.78
    ((100, 100), 64, (64, 64)),
    ((2, 5), 1, (1, 3)),  # 2.5, half up
    ((4, 6), 1, (1, 2)),  # 1.5, half up
  ],
)
def test_map_size_by_hand(frame_size, short_side, map_size):
  for numbers in (np.array(frame_size, np.int32), jnp.array(frame_size)):
    assert tuple(int(n) for n in map_size_of_frame(numbers, short_side)) == map_size


@pytest.mark.parametrize('short_side', [32, 64, 67])
def test_map_size_is_the_same_on_host_and_device(short_side):
  sizes = np.random.default_rng(0).integers(1, 4320, (3000, 2), dtype=np.int32)
  device = jax.vmap(map_size_of_frame, (0, None))(jnp.array(sizes), short_side)
  host = np.stack([map_size_of_frame(size, short_side) for size in sizes])
  np.testing.assert_array_equal(host, device)
  exact = np.floor(sizes * short_side / sizes.min(axis=1, keepdims=True) + 0.5)
  np.testing.assert_array_equal(host, exact)


def one_position(x, y, frame_size, map_size):
  keypoints = jnp.array([[[[x, y]]]], jnp.float32)
  cells = pixels_to_cells(keypoints, jnp.array(frame_size), jnp.array(map_size))
  assert cells.dtype == jnp.float32
  return np.asarray(cells)[0, 0, 0]


@pytest.mark.parametrize(
  ('pixel', 'cell'),
  [
    ((0, 0), (-0.25, -0.25)),  # The first pixel's centre, a quarter from the corner.
    ((0.5, 0.5), (0, 0)),  # The first cell covers pixels 0 and 1 in both directions.
    ((127, 63), (63.25, 31.25)),
    ((1, 2), (0.25, 0.75)),
  ],
)
def test_pixels_to_cells_at_half_the_size(pixel, cell):
  np.testing.assert_allclose(one_position(*pixel, (64, 128), (32, 64)), cell)


def test_x_follows_the_width_and_y_the_height():
  # JHMDB: x by 85 / 320 = 0.265625, y by 64 / 240 = 0.266667.
  cell = one_position(319, 0, (240, 320), (64, 85))
  np.testing.assert_allclose(cell, [84.8671875 - 0.5, 0.13333333 - 0.5], rtol=1e-6)
  # Clearly different scales: x by 1 / 4, y by 1 / 10.
  np.testing.assert_allclose(one_position(9.5, 9.5, (100, 80), (10, 20)), [2, 0.5])


@pytest.mark.parametrize(
  ('pixel', 'row', 'column'),
  [((319, 0), 0, 84), ((0, 239), 63, 0), ((319, 239), 63, 84), ((160, 0), 0, 42)],
)
def test_a_joint_lands_on_its_own_side_of_the_map(pixel, row, column):
  frame_size = np.array([240, 320], np.int32)
  map_size = map_size_of_frame(frame_size, 64)
  x, y = one_position(*pixel, frame_size, map_size)
  maps = one_joint(x, y, map_size=(64, 85))
  assert np.unravel_index(maps.argmax(), maps.shape) == (row, column)


@pytest.mark.parametrize('sigma', [0.7, 1.5])
def test_occupied_lines_are_those_of_rendered_maps(sigma):
  """Joints inside, at the border, outside and missing; a joint that is always missing."""
  rng = np.random.default_rng(0)
  cells = rng.uniform(-4, 22, (5, 2, 6, 2)).astype(np.float32)
  scores = rng.choice([0, 0.5], (5, 2, 6)).astype(np.float32)
  scores[:, :, 5] = 0
  cells[:, :, 4] = [-30, 5]  # Outside in all frames.
  maps = render_joint_maps(cells, scores, map_size=(14, 19), sigma=sigma)
  occupied = (np.asarray(maps) != 0).any(axis=0)  # [h, w, j]
  rows, columns = occupied_lines(cells, scores, map_size=(14, 19), sigma=sigma)
  np.testing.assert_array_equal(rows, occupied.any(axis=1).T)
  np.testing.assert_array_equal(columns, occupied.any(axis=0).T)
  assert 0 < np.asarray(rows).mean() < 1
