"""Variables for the tests of models, without compiling an initialisation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope='session')
def random_variables():
  """(module, shape of its input) to variables far from where training starts.

  There means are 0 and scales 1, which would hide a mistake.
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
        fan_in = np.prod(leaf.shape[-4:-1])  # Without an axis of joints before it.
        return jnp.array(rng.standard_normal(leaf.shape) * (2 / fan_in) ** 0.5, 'f4')
      return jnp.array(0.5 * rng.standard_normal(leaf.shape), 'f4')

    def statistics(leaf):
      return jnp.array(rng.uniform(0.5, 1.5, leaf.shape), 'f4')

    return {
      'params': jax.tree_util.tree_map_with_path(params, shapes['params']),
      'batch_stats': jax.tree.map(statistics, shapes.get('batch_stats', {})),
    }

  return variables_of
