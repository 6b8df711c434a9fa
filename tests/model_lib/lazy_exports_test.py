"""The public names of the model packages: lazy, listed, and with working examples."""

import doctest
import importlib
import os
import subprocess
import sys

import pytest
from places import ROOT

PUBLIC = {
  'pa3d_jax': {
    'PA3D': 'pa3d_jax.model',
    'TemporalPoseConv': 'pa3d_jax.temporal_pose_conv',
  },
  'jmrn_jax': {
    'JMRN': 'jmrn_jax.model',
    'joint_contrastive_loss': 'jmrn_jax.contrastive',
  },
  'model_lib': {'ModelOutput': 'model_lib.output'},
}
NAMES = [
  (package, name, module)
  for package, modules in PUBLIC.items()
  for name, module in modules.items()
]


def in_new_process(code):
  return subprocess.run(
    [sys.executable, '-c', code],
    cwd=ROOT,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', 'XLA_FLAGS': ''},
    capture_output=True,
    text=True,
  )


@pytest.mark.parametrize('package', PUBLIC)
def test_importing_a_package_imports_no_library(package):
  done = in_new_process(
    f'import sys, {package}\n'
    'heavy = {"jax", "flax", "numpy", "jaxtyping"} & sys.modules.keys()\n'
    'assert not heavy, heavy\n'
    f'assert {package}.__doc__ and "\\n" not in {package}.__doc__'
  )
  assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(('package', 'name', 'module'), NAMES)
def test_a_public_name_is_that_of_its_module(package, name, module):
  found = getattr(importlib.import_module(package), name)
  assert found is getattr(importlib.import_module(module), name)
  assert vars(importlib.import_module(package))[name] is found  # Kept for later uses.


@pytest.mark.parametrize('package', PUBLIC)
def test_public_names_are_listed(package):
  room = importlib.import_module(package)
  assert sorted(room.__all__) == sorted(PUBLIC[package])
  assert set(room.__all__) <= set(dir(room))
  assert '__doc__' in dir(room)


def test_all_names_and_submodules_can_be_imported():
  done = in_new_process(
    'from pa3d_jax import *\n'
    'from pa3d_jax import model\n'
    'assert PA3D is model.PA3D and TemporalPoseConv'
  )
  assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('package', PUBLIC)
def test_an_unknown_name_is_refused_with_the_public_names(package):
  known = ', '.join(sorted(PUBLIC[package]))
  message = f"module '{package}' has no attribute 'Pa3d'; public names: {known}"
  with pytest.raises(AttributeError, match=message):
    importlib.import_module(package).Pa3d  # noqa: B018
  with pytest.raises(ImportError):
    exec(f'from {package} import Pa3d')


@pytest.mark.parametrize(
  ('name', 'module'),
  [(name, module) for _, name, module in NAMES if name != 'ModelOutput'],
)
def test_the_example_of_a_public_name_works(name, module):
  tests = {
    test.name: test
    for test in doctest.DocTestFinder().find(importlib.import_module(module))
  }
  example = tests[f'{module}.{name}']
  assert len(example.examples) >= 4
  said = []
  result = doctest.DocTestRunner().run(example, out=said.append)
  assert result.failed == 0, ''.join(said)
