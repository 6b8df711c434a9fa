"""The rooms' rules (docs/architecture.md), read from the source, not from the docs.

Each rule is a function from a checkout's root to its offences, so that the same rule
runs on this checkout and on a small one with an offence planted in it.
"""

import ast
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from places import ROOT

# What a room may import of the other rooms. The order is the one way imports run.
_LEAVES = {'model_lib', 'pa3d_jax', 'jmrn_jax', 'input_pipeline'}
_LIBRARY = {*_LEAVES, 'train_lib'}
_EVERYTHING = {*_LIBRARY, 'inference_lib', 'pose_extraction', 'report_lib', 'configs'}
MAY_IMPORT = {
  'configs': set(),
  'input_pipeline': set(),
  'model_lib': set(),
  'pa3d_jax': {'model_lib'},
  'jmrn_jax': {'model_lib'},
  'train_lib': _LEAVES,
  'inference_lib': _LIBRARY,
  # Of train_lib, the devices alone (sharding).
  'pose_extraction': {'input_pipeline', 'pa3d_jax', 'model_lib', 'train_lib'},
  'report_lib': _LIBRARY,
  'benchmarks': _EVERYTHING,
  'tools': _EVERYTHING,
  'main': _EVERYTHING,
}
# Arrays in, figures out: anyone may import it, and it imports no room.
PLOTS = 'report_lib.plots'
MODEL_ROOMS = ('pa3d_jax', 'jmrn_jax', 'model_lib')
DATA_LIBRARIES = ('grain', 'tensorflow_datasets', 'array_record', 'cv2', 'pooch')
ONLY_IMPORTERS = {
  'orbax': ('train_lib/checkpoints.py',),
  'clu.metric_writers': ('train_lib/writers.py',),
  'tensorflow': ('train_lib/writers.py', 'pose_extraction/tf_graph.py'),
}
MESH_FILE = 'train_lib/sharding.py'
MESH_CODE = re.compile(
  r'jax\.make_mesh|(.*\.)?(NamedSharding|PartitionSpec)|(.*\.)?Mesh\(\)'
)
VAGUE_NAMES = {'util', 'utils', 'helper', 'helpers', 'misc', 'common'}


def source_files(root: pathlib.Path) -> list[pathlib.Path]:
  files = [file for room in MAY_IMPORT for file in (root / room).rglob('*.py')]
  main = root / 'main.py'
  return sorted([*files, main] if main.exists() else files)


def place(root: pathlib.Path, file: pathlib.Path) -> str:
  return file.relative_to(root).as_posix()


def room_of(root: pathlib.Path, file: pathlib.Path) -> str:
  return file.relative_to(root).with_suffix('').parts[0]


def module_of(root: pathlib.Path, file: pathlib.Path) -> str:
  """'report_lib/plots/a.py' to 'report_lib.plots.a'; of a package, its own name."""
  parts = file.relative_to(root).with_suffix('').parts
  return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def imported(root: pathlib.Path, file: pathlib.Path) -> Iterator[tuple[int, str]]:
  """Line and full dotted name of all that a file imports, at any depth of the code.

  `from a.b import c` gives 'a.b.c', whether c is a module or something in it.
  """
  package = file.relative_to(root).parts[:-1]
  for node in ast.walk(ast.parse(file.read_text('utf-8'))):
    if isinstance(node, ast.Import):
      yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      parents = package[: len(package) - node.level + 1] if node.level else ()
      module = [*parents, *([node.module] if node.module else [])]
      yield from ((node.lineno, '.'.join([*module, a.name])) for a in node.names)
    elif isinstance(node, ast.Call) and 'import_module' in ast.unparse(node.func):
      yield from (
        (node.lineno, str(argument.value))
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant)
      )


def is_within(name: str, module: str) -> bool:
  return name == module or name.startswith(f'{module}.')


def imports_against_the_way(root: pathlib.Path) -> list[str]:
  offences = []
  for file in source_files(root):
    room = room_of(root, file)
    is_plots = is_within(module_of(root, file), PLOTS)
    allowed = {room} if not is_plots else set()
    allowed |= MAY_IMPORT[room] if not is_plots else set()
    for line, name in imported(root, file):
      target = name.split('.')[0]
      if target in MAY_IMPORT and target not in allowed and not is_within(name, PLOTS):
        offences.append(
          f'{place(root, file)}:{line} imports {name}; {room} may import'
          f' {sorted(allowed) or "no room"}: move the code down, or pass the value in'
        )
  return offences


def data_code_in_model_rooms(root: pathlib.Path) -> list[str]:
  return [
    f'{place(root, file)}:{line} imports {name}; a model takes arrays: leave files and'
    ' batches to input_pipeline'
    for file in source_files(root)
    if room_of(root, file) in MODEL_ROOMS
    for line, name in imported(root, file)
    if any(is_within(name, library) for library in DATA_LIBRARIES)
  ]


def libraries_in_configs(root: pathlib.Path) -> list[str]:
  allowed = {*sys.stdlib_module_names, 'ml_collections', 'configs'}
  return [
    f'{place(root, file)}:{line} imports {name}; a config holds numbers and names, and'
    ' imports only ml_collections and other configs'
    for file in source_files(root)
    if room_of(root, file) == 'configs'
    for line, name in imported(root, file)
    if name.split('.')[0] not in allowed
  ]


def libraries_outside_their_files(root: pathlib.Path) -> list[str]:
  return [
    f'{place(root, file)}:{line} imports {name}; only {" and ".join(homes)} may: call'
    ' what it offers'
    for file in source_files(root)
    for line, name in imported(root, file)
    for library, homes in ONLY_IMPORTERS.items()
    if is_within(name, library) and place(root, file) not in homes
  ]


def train_lib_in_pose_extraction(root: pathlib.Path) -> list[str]:
  return [
    f'{place(root, file)}:{line} imports {name}; of train_lib, pose extraction may know'
    ' only where arrays live, train_lib.sharding'
    for file in source_files(root)
    if room_of(root, file) == 'pose_extraction'
    for line, name in imported(root, file)
    if is_within(name, 'train_lib') and not is_within(name, 'train_lib.sharding')
  ]


def mesh_code_outside_sharding(root: pathlib.Path) -> list[str]:
  """A mesh may be passed on, and so `Mesh` named as a type; not made or divided."""
  offences = []
  for file in source_files(root):
    if place(root, file) == MESH_FILE:
      continue
    used = list(imported(root, file))
    for node in ast.walk(ast.parse(file.read_text('utf-8'))):
      if isinstance(node, ast.Attribute):
        used.append((node.lineno, ast.unparse(node)))
      elif isinstance(node, ast.Call):
        used.append((node.lineno, f'{ast.unparse(node.func)}()'))
    offences += [
      f'{place(root, file)}:{line} uses {name}; only {MESH_FILE} makes or divides a mesh:'
      ' add a function there and call it'
      for line, name in used
      if MESH_CODE.fullmatch(name)
    ]
  return offences


def vague_file_names(root: pathlib.Path) -> list[str]:
  return [
    f'{place(root, file)}: call it by what it answers, not utils, helpers, misc, common'
    for file in source_files(root)
    for part in file.relative_to(root).with_suffix('').parts
    if VAGUE_NAMES & set(re.split(r'[_\d]+', part))
  ]


def long_files(root: pathlib.Path) -> list[str]:
  offences = []
  for file in source_files(root):
    limit = 79 if place(root, file) == 'main.py' else 400
    lines = len(file.read_text('utf-8').splitlines())
    if lines > limit:
      offences.append(
        f'{place(root, file)} has {lines} lines, at most {limit} are allowed: see'
        ' whether it answers two questions, and split it there'
      )
  return offences


def test_imports_run_one_way():
  assert imports_against_the_way(ROOT) == []


def test_model_rooms_are_free_of_data_code():
  assert data_code_in_model_rooms(ROOT) == []


def test_configs_import_only_ml_collections():
  assert libraries_in_configs(ROOT) == []


def test_orbax_tensorflow_and_metric_writers_have_few_importers():
  assert libraries_outside_their_files(ROOT) == []


def test_pose_extraction_knows_no_training():
  assert train_lib_in_pose_extraction(ROOT) == []


def test_only_sharding_knows_the_mesh():
  assert mesh_code_outside_sharding(ROOT) == []


def test_files_are_named_by_what_they_answer():
  assert vague_file_names(ROOT) == []


def test_files_are_short():
  assert long_files(ROOT) == []


def test_every_room_has_a_rule():
  folders = {file.parent.name for file in ROOT.glob('*/*.py')}
  without = folders - {*MAY_IMPORT, 'tests', 'docs'}
  assert not without, f'add these rooms to MAY_IMPORT: {sorted(without)}'


@pytest.mark.parametrize(
  ('rule', 'file', 'source'),
  [
    (imports_against_the_way, 'input_pipeline/a.py', 'from train_lib import step'),
    (imports_against_the_way, 'train_lib/a.py', 'def f():\n  import inference_lib.x'),
    (imports_against_the_way, 'report_lib/a.py', 'import tools.predict'),
    (imports_against_the_way, 'pa3d_jax/a.py', 'from jmrn_jax.model import Jmrn'),
    (imports_against_the_way, 'pa3d_jax/a.py', 'from input_pipeline import potion'),
    (imports_against_the_way, 'train_lib/a.py', 'from report_lib import tables'),
    (imports_against_the_way, 'report_lib/plots/a.py', 'from train_lib import metrics'),
    (
      imports_against_the_way,
      'report_lib/plots/__init__.py',
      'from report_lib import tables',
    ),
    (imports_against_the_way, 'jmrn_jax/a.py', 'from train_lib import losses'),
    (imports_against_the_way, 'train_lib/jmrn_jax.py', 'import inference_lib'),
    (imports_against_the_way, 'inference_lib/a.py', 'from report_lib import tables'),
    (imports_against_the_way, 'inference_lib/a.py', 'import tools.predict'),
    (imports_against_the_way, 'train_lib/a.py', "import_module('tools.report')"),
    (data_code_in_model_rooms, 'jmrn_jax/a.py', 'import grain'),
    (libraries_in_configs, 'configs/a.py', 'import jax.numpy as jnp'),
    (libraries_outside_their_files, 'train_lib/a.py', 'import orbax.checkpoint as ocp'),
    (libraries_outside_their_files, 'main.py', 'from clu import metric_writers'),
    (
      libraries_outside_their_files,
      'tools/a.py',
      'def f():\n  import tensorflow as tf',
    ),
    (
      libraries_outside_their_files,
      'pose_extraction/tf_graph.py',
      'from clu import metric_writers',
    ),
    (
      libraries_outside_their_files,
      'pose_extraction/openpose.py',
      'import tensorflow',
    ),
    (imports_against_the_way, 'pose_extraction/a.py', 'import inference_lib.predictor'),
    (imports_against_the_way, 'train_lib/a.py', 'from pose_extraction import peaks'),
    (
      train_lib_in_pose_extraction,
      'pose_extraction/a.py',
      'from train_lib import step',
    ),
    (mesh_code_outside_sharding, 'main.py', 'jax.make_mesh((8,), ("data",))'),
    (
      mesh_code_outside_sharding,
      'tools/a.py',
      'from jax.sharding import PartitionSpec as P',
    ),
    (mesh_code_outside_sharding, 'train_lib/a.py', 'mesh = jax.sharding.Mesh(devices)'),
    (mesh_code_outside_sharding, 'train_lib/a.py', 'f(sharding.NamedSharding)'),
    (vague_file_names, 'tools/utils.py', ''),
    (vague_file_names, 'train_lib/data_helpers.py', ''),
    (vague_file_names, 'train_lib/common2/a.py', ''),
    (long_files, 'tools/a.py', 'x = 1\n' * 401),
    (long_files, 'main.py', 'x = 1\n' * 80),
  ],
)
def test_planted_offence_is_found(tmp_path, rule, file, source):
  (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
  (tmp_path / file).write_text(source)
  (offence,) = rule(tmp_path)
  assert offence.startswith(file)


@pytest.mark.parametrize(
  ('file', 'source'),
  [
    ('tools/a.py', 'from inference_lib.predictor import Predictor'),
    ('report_lib/a.py', 'from train_lib import metrics'),
    ('report_lib/plots/a.py', 'from report_lib.plots import drawing'),
    ('report_lib/plotting.py', 'from train_lib import metrics'),
    ('train_lib/a.py', 'from jmrn_jax.contrastive import joint_contrastive_loss'),
    (
      'inference_lib/a.py',
      'import input_pipeline.skeletons.registry, jmrn_jax.model, pa3d_jax.model, train_lib.step',
    ),
    ('input_pipeline/a.py', 'from report_lib.plots import draw'),
    ('train_lib/a.py', 'from . import step'),
    ('train_lib/checkpoints.py', 'import orbax.checkpoint as ocp'),
    ('train_lib/writers.py', 'from clu import metric_writers\nimport tensorflow as tf'),
    ('pose_extraction/tf_graph.py', 'def f():\n  import tensorflow as tf'),
    ('pose_extraction/a.py', 'from train_lib import sharding'),
    ('tools/a.py', 'from pose_extraction import peaks'),
    ('train_lib/sharding.py', 'from jax.sharding import Mesh\njax.make_mesh(Mesh)'),
    ('train_lib/a.py', 'from jax.sharding import Mesh\ndef f(m: Mesh): pass'),
    ('train_lib/a.py', 'from train_lib import sharding\nsharding.make_mesh()'),
    ('input_pipeline/a.py', 'import tensorflow_datasets as tfds'),
    ('configs/a.py', 'import ml_collections\nfrom configs import demo'),
    ('main.py', 'x = 1\n' * 79),
    ('tools/a.py', 'x = 1\n' * 400),
  ],
)
def test_what_is_allowed_passes(tmp_path, file, source):
  (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
  (tmp_path / file).write_text(source)
  rules = (
    imports_against_the_way,
    data_code_in_model_rooms,
    libraries_in_configs,
    libraries_outside_their_files,
    mesh_code_outside_sharding,
    train_lib_in_pose_extraction,
    vague_file_names,
    long_files,
  )
  assert [offence for rule in rules for offence in rule(tmp_path)] == []


_IMPORT_ALL = """
import importlib, pkgutil, sys
for room in ('pa3d_jax', 'jmrn_jax', 'input_pipeline'):
  package = importlib.import_module(room)
  for module in pkgutil.walk_packages(package.__path__, f'{room}.'):
    importlib.import_module(module.name)
    assert 'tensorflow' not in sys.modules, f'{module.name} imports TensorFlow'
    print(module.name)
"""


def test_models_and_pipeline_run_without_tensorflow():
  """Also through libraries they import; TensorFlow costs seconds and 680 MB."""
  run = subprocess.run(
    [sys.executable, '-c', _IMPORT_ALL],
    cwd=ROOT,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu'},
    capture_output=True,
    text=True,
  )
  assert run.returncode == 0, run.stderr
  assert {'input_pipeline.poses.clip', 'jmrn_jax.model'} <= set(run.stdout.split())
