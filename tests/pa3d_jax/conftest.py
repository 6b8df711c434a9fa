"""Variables for model tests, made without compiling an initialisation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest


def structs_of(maps_shape):
  if isinstance(maps_shape, dict):
    return {name: structs_of(shape) for name, shape in maps_shape.items()}
  return jax.ShapeDtypeStruct(maps_shape, jnp.float32)


@pytest.fixture(scope='session')
def random_variables():
  """A function (model, shape of its maps) -> random variables.

  For several modalities, pass a dict of shapes. The values are far from the initial
  ones, whose means of 0 and scales of 1 would hide mistakes.
  """

  def variables_of(model, maps_shape):
    shapes = jax.eval_shape(
      functools.partial(model.init, train=False),
      jax.random.key(0),
      structs_of(maps_shape),
    )
    rng = np.random.default_rng(1)

    def params(leaf):
      return jnp.array(0.5 * rng.standard_normal(leaf.shape), leaf.dtype)

    def statistics(leaf):
      return jnp.array(rng.uniform(0.5, 1.5, leaf.shape), leaf.dtype)

    return {
      'params': jax.tree.map(params, shapes['params']),
      'batch_stats': jax.tree.map(statistics, shapes['batch_stats']),
    }

  return variables_of
