"""What every test runs under: 8 virtual devices, strict dtypes and ranks, one cache."""

import os
import pathlib
import tempfile

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
# What tests compile, here or in processes that they start, stays out of the user's cache:
# all processes of one test run share this folder, which workers inherit.
if not os.environ.get('JAX_COMPILATION_CACHE_DIR'):
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
# The same programs with less optimisation: a JMRN compiles in a third of the time. The
# processes that tests start optimise as users' processes do.
jax.config.update('jax_disable_most_optimizations', True)


def pytest_configure():
  """Keeps all that any process of the test run compiles, for the others.

  A process that reads an entry which another is writing compiles instead, with a warning.
  """
  os.environ['JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS'] = '0'
  unread = 'ignore:Error reading persistent compilation cache entry:UserWarning'
  others = os.environ.get('PYTHONWARNINGS', unread)
  os.environ['PYTHONWARNINGS'] = others if unread in others else f'{others},{unread}'
  jax.config.update(
    'jax_compilation_cache_dir', os.environ['JAX_COMPILATION_CACHE_DIR']
  )
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0)


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
  # Whole runs are in the files directly in this folder. They go first: a worker that
  # began one last would leave the other idle.
  items.sort(key=lambda item: item.path.parent != here)
