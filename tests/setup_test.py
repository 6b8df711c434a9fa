"""setup.py: version bounds, extras, and that it lists every library imported."""

import ast
import re
import runpy
import sys
import types

import pytest
from places import ROOT

LIBRARY = (
  'configs',
  'ddnet_jax',
  'input_pipeline',
  'jmrn_jax',
  'model_lib',
  'pa3d_jax',
  'tools',
  'pose_action',
)
# Distributions whose name differs from the import name.
DISTRIBUTION = {
  'PIL': 'pillow',
  'absl': 'absl-py',
  'cv2': 'opencv-python-headless',
  'orbax': 'orbax-checkpoint',
  'pympi': 'pympi-ling',
  'sklearn': 'scikit-learn',
  'yaml': 'pyyaml',
}


@pytest.fixture
def packaging(monkeypatch) -> dict:
  """The arguments that setup.py passes to `setuptools.setup`, which is faked."""
  arguments = {}
  fake = types.SimpleNamespace(
    setup=lambda **given: arguments.update(given),
    find_packages=lambda include: include,
  )
  monkeypatch.setitem(sys.modules, 'setuptools', fake)
  runpy.run_path(str(ROOT / 'setup.py'))
  return arguments


def name_of(requirement: str) -> str:
  """Normalised name: 'ml-collections' for 'ml_collections[x]>=1,<2; marker'."""
  name = re.match(r'[\w.-]+', requirement)
  assert name, requirement
  return re.sub(r'[-_.]+', '-', name[0]).lower()


def third_party(statements) -> set[str]:
  """The distributions that some statements import."""
  modules = set()
  for node in statements:
    if isinstance(node, ast.Import):
      modules |= {alias.name.split('.')[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
      modules.add(node.module.split('.')[0])
  ours = {path.stem for path in ROOT.iterdir()}
  modules -= {*sys.stdlib_module_names, *ours}
  return {name_of(DISTRIBUTION.get(module) or module) for module in modules}


def library_trees() -> dict[str, ast.Module]:
  files = [file for room in LIBRARY for file in (ROOT / room).rglob('*.py')]
  files += [main] if (main := ROOT / 'main.py').exists() else []
  return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}


def test_every_requirement_has_both_bounds(packaging):
  requirements = [
    *packaging['install_requires'],
    *(r for extra in packaging['extras_require'].values() for r in extra),
  ]
  assert requirements
  for requirement in requirements:
    versions = requirement.split(';')[0]
    assert re.search(r'>=\d', versions), f'{requirement!r} needs a lower bound'
    assert re.search(r'<\d', versions), f'{requirement!r} needs an upper bound'


def test_extras(packaging):
  assert set(packaging['extras_require']) == {
    'all',
    'beam',
    'cuda12',
    'cuda13',
    'deeplabcut',
    'dev',
    'elan',
    'movement',
    'sleap',
    'tensorboard',
    'test',
    'torch',
    'tpu',
    'train',
    'video',
  }


def test_extras_contain_each_other(packaging):
  extras = {name: set(given) for name, given in packaging['extras_require'].items()}
  assert extras['train'] < extras['tensorboard'] < extras['test'] < extras['dev']
  assert extras['tensorboard'] | extras['torch'] | extras['beam'] <= extras['all']
  assert extras['video'] | extras['movement'] | extras['elan'] < extras['test']
  assert extras['deeplabcut'] <= extras['movement'] & extras['sleap']
  assert extras['movement'] | extras['sleap'] | extras['elan'] <= extras['all']


def test_every_package_is_installed(packaging):
  rooms = {file.parent.name for file in ROOT.glob('*/__init__.py')}
  # Only editable installs have inference_lib, the old import name.
  rooms -= {'tests', 'inference_lib'}
  missing = rooms - set(packaging['packages'])
  assert not missing, f'add to find_packages in setup.py: {sorted(missing)}'


def test_top_level_imports_need_at_most_the_extra_train(packaging):
  """A top-level import must not need any other extra.

  core_install_test.py tests which packages work without `train`.
  """
  train = packaging['extras_require']['train']
  installed = {name_of(r) for r in (*packaging['install_requires'], *train)}
  for file, tree in library_trees().items():
    missing = third_party(tree.body) - installed
    assert not missing, (
      f'{file} imports {sorted(missing)} at the top, but neither the core nor [train]'
      ' lists it: add it there, or import it in the function that needs the extra'
    )


def test_imports_in_functions_are_listed(packaging):
  extras = [r for extra in packaging['extras_require'].values() for r in extra]
  named = {name_of(r) for r in (*packaging['install_requires'], *extras)}
  for file, tree in library_trees().items():
    missing = third_party(ast.walk(tree)) - named
    assert not missing, f'{file} imports {sorted(missing)}: add it to setup.py'


def test_imports_are_recognised():
  tree = ast.parse('import cv2\nimport os\nfrom orbax import checkpoint\nimport main')
  tree.body.append(ast.parse('from input_pipeline import potion').body[0])
  assert third_party(tree.body) == {'opencv-python-headless', 'orbax-checkpoint'} | (
    set() if (ROOT / 'main.py').exists() else {'main'}
  )
