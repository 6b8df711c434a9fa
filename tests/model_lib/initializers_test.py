"""The initializer's range, and its exact numbers, on which seeded runs depend."""

import jax
import numpy as np

from model_lib.initializers import fan_in_uniform


def test_is_uniform_in_one_over_root_fan_in():
  scaled = 6 * np.sort(np.asarray(fan_in_uniform(36)(jax.random.key(0), (4000,))))
  np.testing.assert_allclose(scaled, np.linspace(-1, 1, 4000), atol=0.05)
  assert -1 <= scaled[0] < -0.99
  assert 0.99 < scaled[-1] <= 1


def test_a_seed_gives_the_same_numbers_as_in_earlier_versions():
  drawn = fan_in_uniform(8)(jax.random.key(0), (2, 3))
  wanted = jax.random.uniform(
    jax.random.key(0), (2, 3), np.float32, -(8**-0.5), 8**-0.5
  )
  np.testing.assert_array_equal(drawn, wanted)
