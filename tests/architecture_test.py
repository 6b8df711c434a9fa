"""The house rules of docs/architecture.md, read from the source.

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

# Every room, ground floor first. A file may import from its own floor and from those
# below. A folder stands for all that is in it, except what has a floor of its own.
FLOORS = (
  'pose_action/host',
  'pose_action/plots',
  'configs/shared',
  'configs',
  'model_lib',
  'pa3d_jax',
  'jmrn_jax',
  'ddnet_jax',
  'input_pipeline/errors.py',
  'input_pipeline/poses/notes.py',
  'input_pipeline/text_files.py',
  'input_pipeline/text_tables.py',
  'input_pipeline/skeletons',
  'input_pipeline/poses',
  'input_pipeline/augmentation',
  'input_pipeline/maps',
  'input_pipeline/trajectories',
  'input_pipeline/model_input.py',
  'input_pipeline/loading',
  'input_pipeline/annotations',
  'input_pipeline/readers/options.py',
  'input_pipeline/readers/joints.py',
  'input_pipeline/readers/joint_choice.py',
  'input_pipeline/readers/axis_order.py',
  'input_pipeline/readers/frame_times.py',
  'input_pipeline/readers/frame_fields.py',
  'input_pipeline/readers/frame_order.py',
  'input_pipeline/readers/visibility.py',
  'input_pipeline/readers/files',
  'input_pipeline/readers/videos',
  'input_pipeline/readers/joint_tables',
  'input_pipeline/readers/formats',
  'input_pipeline/readers/recognition',
  'input_pipeline/readers/registry.py',
  'input_pipeline/catalog',
  'input_pipeline/storage',
  'input_pipeline/export',
  'input_pipeline/validation',
  'pose_action/runtime',
  'pose_action/evaluation',
  'pose_action/fusion',
  'pose_action/training',
  'pose_action/extraction',
  'pose_action/sources',
  'pose_action/video',
  'pose_action/inference',
  'pose_action/ensembles',
  'pose_action/sweeps',
  'pose_action/api.py',
  'pose_action/cli/launch',
  'pose_action/cli',
  'pose_action',
  'inference_lib',
  'main.py',
  'tools',
  'benchmarks',
)
MODEL_ROOMS = ('pa3d_jax', 'jmrn_jax', 'ddnet_jax', 'model_lib')
# Floors that lie below and are none of a room's business all the same.
MUST_NOT_KNOW = {
  'model_lib': ('configs', 'pose_action/plots', 'pose_action/host'),
  'pa3d_jax': ('configs', 'pose_action/plots', 'pose_action/host'),
  'jmrn_jax': ('configs', 'pose_action/plots', 'pose_action/host', 'pa3d_jax'),
  'ddnet_jax': (
    *('configs', 'pose_action/plots', 'pose_action/host'),
    *('pa3d_jax', 'jmrn_jax'),
  ),
  'input_pipeline': ('configs', 'pose_action/plots', *MODEL_ROOMS),
  'pose_action/extraction': ('pose_action/training', 'pose_action/inference'),
}
MAY_HAVE_40_FILES = (
  'input_pipeline/readers/formats',
  'pose_action/training',
  'configs',
)
DATA_LIBRARIES = ('grain', 'tensorflow_datasets', 'array_record', 'cv2', 'pooch')
ONLY_IMPORTERS = {
  'orbax': (
    'pose_action/training/checkpoints.py',
    'pose_action/training/saved_checkpoints.py',
  ),
  'clu.metric_writers': (),  # It imports TensorFlow.
  'tensorboard': ('pose_action/runtime/event_writer.py',),
  'tensorflow': ('pose_action/extraction/tf_graph.py',),
}
MESH_FILE = 'pose_action/runtime/sharding.py'
# Divides parts of a model over a mesh that it is given.
PARTS_FILE = 'model_lib/each_device.py'
MESH_CODE = re.compile(
  r'jax\.make_mesh|(.*\.)?(NamedSharding|PartitionSpec)|(.*\.)?Mesh\(\)'
)
VAGUE_NAMES = {'util', 'utils', 'helper', 'helpers', 'misc', 'common'}


def source_files(root: pathlib.Path) -> list[pathlib.Path]:
  rooms = {floor.partition('/')[0] for floor in FLOORS} - {'main.py'}
  files = [file for room in rooms for file in (root / room).rglob('*.py')]
  main = root / 'main.py'
  return sorted([*files, main] if main.exists() else files)


def place(root: pathlib.Path, file: pathlib.Path) -> str:
  return file.relative_to(root).as_posix()


def is_in(path: str, floor: str) -> bool:
  return path == floor or path.startswith(f'{floor}/')


def floor_of(path: str) -> str | None:
  """The floor of a file of the checkout: the longest name that it lies in."""
  floors = [floor for floor in FLOORS if is_in(path, floor)]
  return max(floors, key=len, default=None)


def imported(root: pathlib.Path, file: pathlib.Path) -> Iterator[tuple[int, str]]:
  """Line and full dotted name of all that a file imports, at any depth of the code.

  `from a.b import c` gives 'a.b.c', whether c is a module or something in it. What only
  the type checker reads is left out.
  """
  package = file.relative_to(root).parts[:-1]
  for node in _code_that_runs(ast.parse(file.read_text('utf-8'))):
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


def _code_that_runs(tree: ast.AST) -> Iterator[ast.AST]:
  if isinstance(tree, ast.If) and ast.unparse(tree.test).endswith('TYPE_CHECKING'):
    return
  yield tree
  for child in ast.iter_child_nodes(tree):
    yield from _code_that_runs(child)


def file_of(root: pathlib.Path, name: str) -> str | None:
  """The file that a dotted name is in: 'a.b.c' may be a/b/c.py, or c of a/b.py."""
  parts = name.split('.')
  for length in range(len(parts), 0, -1):
    stem = '/'.join(parts[:length])
    for path in (f'{stem}.py', f'{stem}/__init__.py'):
      if (root / path).exists():
        return path
  return None


def _arrows(root: pathlib.Path) -> Iterator[tuple[str, int, str, str]]:
  """(file, line, dotted name, file that it is in) of each import within the house.

  Of a room that is not there (in a checkout of one planted file) the floor is known all
  the same, by the name.
  """
  for file in source_files(root):
    for line, name in imported(root, file):
      target = file_of(root, name) or f'{name.replace(".", "/")}.py'
      if floor_of(target) is not None:
        yield place(root, file), line, name, target


def imports_that_run_up(root: pathlib.Path) -> list[str]:
  offences = []
  for path, line, name, target in _arrows(root):
    own, other = floor_of(path), floor_of(target)
    assert own is not None and other is not None
    if FLOORS.index(other) > FLOORS.index(own):
      offences.append(
        f'{path}:{line} imports {name}, and {other} is a floor above {own}: move the'
        ' code down, or pass the value in'
      )
  return offences


def imports_of_what_is_none_of_its_business(root: pathlib.Path) -> list[str]:
  return [
    f'{path}:{line} imports {name}; {room} must not know {other}: pass the value in'
    for path, line, name, target in _arrows(root)
    for room, others in MUST_NOT_KNOW.items()
    if is_in(path, room)
    for other in others
    if is_in(target, other)
  ]


def circles(root: pathlib.Path) -> list[str]:
  """Files that import themselves through others; one line a circle."""
  below: dict[str, set[str]] = {}
  for path, _, _, target in _arrows(root):
    if path != target and not target.endswith('__init__.py'):
      below.setdefault(path, set()).add(target)
  offences, done = [], set()

  def visit(path: str, way: list[str]):
    if path in way:
      circle = [*way[way.index(path) :], path]
      offences.append(f'{" → ".join(circle)} is a circle: split one of these files')
      return
    if path not in done:
      for target in sorted(below.get(path, ())):
        visit(target, [*way, path])
      done.add(path)

  for path in sorted(below):
    visit(path, [])
  return offences


def crowded_folders(root: pathlib.Path) -> list[str]:
  counts: dict[str, int] = {}
  for file in source_files(root):
    folder = place(root, file.parent)
    if file.name != '__init__.py' and folder != '.':
      counts[folder] = counts.get(folder, 0) + 1
  offences = []
  for folder, count in counts.items():
    limit = 40 if folder in MAY_HAVE_40_FILES else 15
    if count > limit:
      offences.append(
        f'{folder} has {count} files, at most {limit} are allowed: make rooms in it'
      )
  return offences


def data_code_in_model_rooms(root: pathlib.Path) -> list[str]:
  return [
    f'{place(root, file)}:{line} imports {name}; a model takes arrays: leave files and'
    ' batches to input_pipeline'
    for file in source_files(root)
    if any(is_in(place(root, file), room) for room in MODEL_ROOMS)
    for line, name in imported(root, file)
    if any(is_within(name, library) for library in DATA_LIBRARIES)
  ]


def is_within(name: str, module: str) -> bool:
  return name == module or name.startswith(f'{module}.')


def libraries_in_configs(root: pathlib.Path) -> list[str]:
  allowed = {*sys.stdlib_module_names, 'ml_collections', 'configs'}
  return [
    f'{place(root, file)}:{line} imports {name}; a config holds numbers and names, and'
    ' imports only ml_collections and other configs'
    for file in source_files(root)
    if is_in(place(root, file), 'configs')
    for line, name in imported(root, file)
    if name.split('.')[0] not in allowed
  ]


def libraries_outside_their_files(root: pathlib.Path) -> list[str]:
  return [
    f'{place(root, file)}:{line} imports {name}; '
    + (f'only {" and ".join(homes)} may: call what it offers' if homes else 'none may')
    for file in source_files(root)
    for line, name in imported(root, file)
    for library, homes in ONLY_IMPORTERS.items()
    if is_within(name, library) and place(root, file) not in homes
  ]


def mesh_code_outside_sharding(root: pathlib.Path) -> list[str]:
  """A mesh may be passed on, and so `Mesh` named as a type; not made or divided."""
  offences = []
  for file in source_files(root):
    if place(root, file) in (MESH_FILE, PARTS_FILE):
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


def long_functions(root: pathlib.Path) -> list[str]:
  """Functions of more than 60 lines, from `def` to the last line."""
  offences = []
  for file in source_files(root):
    for node in ast.walk(ast.parse(file.read_text('utf-8'))):
      if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > 60:
          offences.append(
            f'{place(root, file)}:{node.lineno} {node.name} has {lines} lines, at most'
            ' 60 are allowed: make functions of its steps'
          )
  return offences


RULES = (
  imports_that_run_up,
  imports_of_what_is_none_of_its_business,
  circles,
  crowded_folders,
  data_code_in_model_rooms,
  libraries_in_configs,
  libraries_outside_their_files,
  mesh_code_outside_sharding,
  vague_file_names,
  long_files,
  long_functions,
)


@pytest.mark.parametrize('rule', RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule):
  assert rule(ROOT) == []


def test_every_room_has_a_floor():
  files = [file for file in ROOT.glob('*/**/*.py') if '.' not in place(ROOT, file)[0]]
  rooms = {place(ROOT, file).partition('/')[0] for file in files}
  own = {floor.partition('/')[0] for floor in FLOORS}

  without = rooms - {*own, 'tests', 'docs', 'build'}
  assert not without, f'give these rooms a floor in FLOORS: {sorted(without)}'
  without = [
    path for file in source_files(ROOT) if not floor_of(path := place(ROOT, file))
  ]
  assert not [path for path in without if not path.endswith('__init__.py')]


_IMPORT_ALL = """
import importlib, pkgutil, sys
for room in ('pa3d_jax', 'jmrn_jax', 'ddnet_jax', 'input_pipeline'):
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
