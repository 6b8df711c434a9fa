"""Part affinity fields against plain loops, and worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.maps.part_fields import render_part_fields

render = jax.jit(render_part_fields, static_argnames=('limbs', 'map_size', 'width'))


def field_by_loops(cells, scores, limbs, map_size, width):
  """The fields for one frame, `[h, w, 2·limbs]`, directly from Cao et al. Eq. 8-10."""
  fields = np.zeros((*map_size, 2 * len(limbs)))
  for row, column, limb in np.ndindex(*map_size, len(limbs)):
    p = np.array([column, row])
    vectors = []
    for person, score in zip(cells, scores, strict=True):
      a, b = limbs[limb]
      length = np.linalg.norm(person[b] - person[a])
      if score[a] == 0 or score[b] == 0 or length == 0:
        continue
      v = (person[b] - person[a]) / length
      across = np.array([-v[1], v[0]])
      if 0 <= v @ (p - person[a]) <= length and abs(across @ (p - person[a])) <= width:
        vectors.append(min(score[a], score[b]) * v)
    if vectors:
      fields[row, column, 2 * limb : 2 * limb + 2] = np.mean(vectors, axis=0)
  return fields


@pytest.mark.parametrize(('persons', 'width'), [(1, 1.5), (2, 1.0), (3, 2.3)])
def test_equals_plain_loops_on_random_people(persons, width):
  rng = np.random.default_rng(persons)
  cells = rng.uniform(-4, 18, (2, persons, 4, 2)).astype(np.float32)
  scores = rng.uniform(0.1, 1, (2, persons, 4)).astype(np.float32)
  scores[rng.random(scores.shape) < 0.15] = 0
  limbs = ((0, 1), (3, 2), (1, 3))
  fields = render(
    jnp.array(cells), jnp.array(scores), limbs=limbs, map_size=(12, 15), width=width
  )
  expected = [
    field_by_loops(c.astype(float), s, limbs, (12, 15), width)
    for c, s in zip(cells, scores, strict=True)
  ]
  assert fields.dtype == jnp.float32
  np.testing.assert_allclose(fields, expected, atol=1e-5)
  assert np.count_nonzero(expected) > 50


def one_limb(start, end, *, map_size=(7, 9), width=1.0, scores=(1, 1)):
  fields = render(
    jnp.array([[start, end]], jnp.float32),
    jnp.array([scores], jnp.float32),
    limbs=((0, 1),),
    map_size=map_size,
    width=width,
  )
  return np.asarray(fields)


def test_a_level_limb_points_to_the_right():
  fields = one_limb((2, 3), (6, 3))
  expected = np.zeros((7, 9, 2))
  expected[2:5, 2:7, 0] = 1  # 1 cell on each side of row 3, columns 2..6.
  np.testing.assert_array_equal(fields, expected)


def test_a_limb_that_points_down_has_positive_y_and_its_score():
  fields = one_limb((4, 1), (4, 5), scores=(0.5, 0.75))
  assert not fields[..., 0].any()
  np.testing.assert_array_equal(fields[1:6, 3:6, 1], np.full((5, 3), 0.5))
  assert np.count_nonzero(fields) == 15


def test_where_people_cross_their_fields_are_averaged():
  fields = render(
    jnp.array([[[0, 3], [8, 3]], [[4, 0], [4, 6]]], jnp.float32),
    jnp.ones((2, 2)),
    limbs=((0, 1),),
    map_size=(7, 9),
    width=0.5,
  )
  np.testing.assert_allclose(fields[3, 4], [0.5, 0.5])
  np.testing.assert_allclose(fields[3, 0], [1, 0])
  np.testing.assert_allclose(fields[0, 4], [0, 1])


@pytest.mark.parametrize('scores', [(0, 1), (1, 0)])
def test_a_limb_without_one_of_its_joints_leaves_nothing(scores):
  assert not one_limb((2, 3), (6, 3), scores=scores).any()


def test_a_limb_without_length_points_nowhere():
  assert not one_limb((2, 3), (2, 3)).any()


def test_leading_axes_are_clips_and_frames():
  fields = render(
    jnp.zeros((3, 2, 1, 2, 2)),
    jnp.ones((3, 2, 1, 2)),
    limbs=((0, 1), (1, 0)),
    map_size=(4, 5),
    width=1.0,
  )
  assert fields.shape == (3, 2, 4, 5, 4)
