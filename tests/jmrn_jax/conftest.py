"""Variables for model tests, made without compiling an initialisation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope='session')
def random_variables():
  """A function (module, shape of its input) -> random variables.

  The values are far from the initial ones, whose means of 0 and scales of 1 would hide
  mistakes.
  """

  def variables_of(module, shape):
    shapes = jax.eval_shape(
      functools.partial(module.init, train=False),
      jax.random.key(0),
      jax.ShapeDtypeStruct(shape, jnp.float32),
    )
    rng = np.random.default_rng(1)

    def params(path, leaf):
      if path[-1].key == 'kernel':
        fan_in = np.prod(leaf.shape[-4:-1])  # Excludes a leading joint axis.
        return jnp.array(rng.standard_normal(leaf.shape) * (2 / fan_in) ** 0.5, 'f4')
      return jnp.array(0.5 * rng.standard_normal(leaf.shape), 'f4')

    def statistics(leaf):
      return jnp.array(rng.uniform(0.5, 1.5, leaf.shape), 'f4')

    return {
      'params': jax.tree_util.tree_map_with_path(params, shapes['params']),
      'batch_stats': jax.tree.map(statistics, shapes.get('batch_stats', {})),
    }

  return variables_of
