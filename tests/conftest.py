"""What every test runs under: 8 virtual devices, strict dtypes and ranks."""

import os
import pathlib
import tempfile

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
# What tests compile, here or in processes that they start, stays out of the user's cache.
if 'JAX_COMPILATION_CACHE_DIR' not in os.environ:
  COMPILED = tempfile.TemporaryDirectory(prefix='compiled')  # Removed at the end.
  os.environ['JAX_COMPILATION_CACHE_DIR'] = COMPILED.name
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


# What `-m fast` runs: rooms whose tests compile little, under two minutes on two cores.
_FAST = (
  'architecture_planted_test.py',
  'architecture_test.py',
  'configs/shared',
  'how_to_add',
  'input_pipeline/annotations',
  'input_pipeline/catalog',
  'input_pipeline/export',
  'input_pipeline/loading',
  'input_pipeline/poses',
  'input_pipeline/readers',
  'input_pipeline/skeletons',
  'input_pipeline/storage',
  'input_pipeline/validation',
  'main_test.py',
  'pose_action/cli/launch',
  'pose_action/ensembles/fit_test.py',
  'pose_action/ensembles/fused_results_test.py',
  'pose_action/ensembles/member_runs_test.py',
  'pose_action/ensembles/members_test.py',
  'pose_action/evaluation',
  'pose_action/fusion',
  'pose_action/host',
  'pose_action/plots',
  'pose_action/sweeps',
  'pose_action/training/shipped_configs_test.py',
  'setup_test.py',
)


def pytest_collection_modifyitems(items):
  here = pathlib.Path(__file__).parent
  for item in items:
    place = item.path.relative_to(here).as_posix()
    if any(place == name or place.startswith(f'{name}/') for name in _FAST):
      item.add_marker('fast')
