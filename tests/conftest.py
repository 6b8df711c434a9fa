"""What every test runs under: 8 virtual devices, strict dtypes and ranks."""

import os
import pathlib

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
os.environ['XLA_FLAGS'] = (
  os.environ.get('XLA_FLAGS', '') + ' --xla_force_host_platform_device_count=8'
)

import jax
import pytest
from places import SHARED_DATA

jax.config.update('jax_numpy_dtype_promotion', 'strict')
jax.config.update('jax_numpy_rank_promotion', 'raise')


@pytest.fixture(scope='session')
def shared_data() -> pathlib.Path:
  """The development data beside the checkout; skips where it is absent."""
  if not SHARED_DATA.is_dir():
    pytest.skip(f'development data not found at {SHARED_DATA}')
  return SHARED_DATA
