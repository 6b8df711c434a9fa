"""What all tests of DD-Net's room share."""

import jax
import pytest


@pytest.fixture(scope='session', autouse=True)
def quick_compilation():
  """The same programs with less optimisation: narrow networks compile much faster."""
  jax.config.update('jax_disable_most_optimizations', True)
  yield
  jax.config.update('jax_disable_most_optimizations', False)
