"""Linear maps of the plane, against numpy's products and inverses."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from input_pipeline.augmentation import plane

RNG = np.random.default_rng(0)
STRETCH = RNG.uniform(0.5, 2, 7)
SHEAR = RNG.uniform(-1, 1, 7)
ANGLE = RNG.uniform(-math.pi, math.pi, 7)


def by_hand(stretch, shear, angle):
  turn = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
  return np.array(turn) @ [[1, shear], [0, 1]] @ [[stretch, 0], [0, 1]]


def drawn():
  arrays = (jnp.array(values, jnp.float32) for values in (STRETCH, SHEAR, ANGLE))
  return jax.jit(plane.linear_map)(*arrays)


def test_stretch_then_shear_then_turn():
  expected = [by_hand(*each) for each in zip(STRETCH, SHEAR, ANGLE, strict=True)]
  np.testing.assert_allclose(drawn(), expected, atol=1e-6)
  # A quarter turn brings +x to +y, which is down.
  quarter = plane.linear_map(jnp.ones(()), jnp.zeros(()), jnp.float32(math.pi / 2))
  np.testing.assert_allclose(
    plane.transformed(jnp.array([3.0, 0.0]), quarter), [0, 3], atol=1e-6
  )


def test_the_inverse_undoes_the_map():
  inverse = np.asarray(plane.inverse(drawn()))
  np.testing.assert_allclose(inverse, np.linalg.inv(np.asarray(drawn())), rtol=1e-4)
  np.testing.assert_allclose(plane.inverse(jnp.eye(2)), np.eye(2))


def test_products_as_in_numpy():
  offset = RNG.normal(size=(3, 7, 2)).astype(np.float32)
  one, each = np.asarray(drawn())[0], np.asarray(drawn())
  np.testing.assert_allclose(
    plane.transformed(jnp.array(offset), jnp.array(one)), offset @ one.T, atol=1e-5
  )
  np.testing.assert_allclose(
    plane.transformed(jnp.array(offset), jnp.array(each)[None]),
    np.einsum('jxy,tjy->tjx', each, offset),
    atol=1e-5,
  )
