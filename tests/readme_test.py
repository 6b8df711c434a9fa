"""The documents: commands run (on less data), and flags, configs and files exist."""

import functools
import importlib
import os
import pathlib
import pickle
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT

from input_pipeline.readers.registry import READERS
from input_pipeline.skeletons.registry import SKELETONS

README = (ROOT / 'README.md').read_text('utf-8')
DOCUMENTS = [*sorted(ROOT.glob('*.md')), *sorted((ROOT / 'docs').glob('*.md'))]
each_document = pytest.mark.parametrize(
  'document', DOCUMENTS, ids=lambda path: path.name
)


def block(marker: str) -> str:
  """The fenced block directly under `<!-- command: marker -->`."""
  found = re.search(rf'<!-- command: {marker} -->\n```\n(.*?)\n```', README, re.DOTALL)
  assert found, f'README.md has no command marked {marker!r}'
  return found[1]


def without_diffs(document: pathlib.Path) -> str:
  """The page without its diffs, which name files that do not exist yet."""
  return re.sub(r'```diff\n.*?```', '', document.read_text('utf-8'), flags=re.DOTALL)


def command_of(program: str) -> list[str]:
  """The first command line for a program in docs/training.md, without `python`."""
  lines = (ROOT / 'docs' / 'training.md').read_text('utf-8').splitlines()
  line = next(x for x in lines if x.startswith(f'python {program}'))
  return shlex.split(line)[1:]


def run(command: list[str], *more: str, cwd: pathlib.Path = ROOT) -> str:
  command = [sys.executable, str(ROOT / command[0]), *command[1:], *more]
  environment = os.environ | {'PYTHONPATH': PYTHON_PATH, 'XLA_FLAGS': ''}
  done = subprocess.run(
    command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
  )
  assert done.returncode == 0, done.stdout + done.stderr
  return done.stdout


def test_the_demo_trains_evaluates_and_names_its_files(tmp_path):
  install, _, main = block('demo').partition(' && ')
  assert install == "pip install -e '.[tensorboard]'"
  command = [x for x in shlex.split(main)[1:] if not x.startswith('--workdir')]
  shown = run(
    command,
    f'--workdir={tmp_path}/run',
    f'--config.data.data_dir={tmp_path}/data',
    '--config.train.epochs=1',
    '--config.eval.views=1',
    '--config.model.features=(8,16,32)',
  )
  assert re.search(r'^split +checkpoint +step +clips', shown, re.MULTILINE)
  assert f'{tmp_path}/run/confusion_matrix.png' in shown
  assert f'{tmp_path}/run/motion_maps.png' in shown
  assert f'tensorboard --logdir={tmp_path}/run' in shown
  check_the_python_lines(tmp_path / 'run')


def check_the_python_lines(workdir):
  """Runs the README's Python lines on the run that its first command left."""
  found = re.search(r'<!-- python: predict -->\n```python\n(.*?)```', README, re.DOTALL)
  assert found
  lines = found[1].replace('/tmp/pose_action_demo', str(workdir))
  done = subprocess.run(
    [sys.executable, '-c', lines],
    env=os.environ | {'PYTHONPATH': str(ROOT), 'XLA_FLAGS': ''},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  shape, prediction, many = done.stdout.splitlines()
  assert re.fullmatch(r'\(\d+, 1, 15, 2\)', shape)
  assert re.match(r"\w+ \[\('\w+', 0\.\d+\), ", prediction)
  assert many.count(',') == 19


def test_the_readme_is_short():
  assert len(README.splitlines()) < 150


def test_the_test_command_is_the_one_ci_runs():
  assert block('test') == "pip install -e '.[test]' && python -m pytest"


def test_the_export_command_makes_the_data_set(tmp_path):
  names = [f'clip{i}' for i in range(4)]
  annotations = [
    {
      'frame_dir': name,
      'label': i % 2,
      'img_shape': (240, 320),
      'total_frames': 6,
      'keypoint': np.full((1, 6, 15, 2), 10.0 * i + 5, np.float32),
      'keypoint_score': np.ones((1, 6, 15), np.float32),
    }
    for i, name in enumerate(names)
  ]
  content = {'split': {'train1': names}, 'annotations': annotations}
  (tmp_path / 'jhmdb.pkl').write_bytes(pickle.dumps(content))
  shown = run(
    command_of('tools/export_dataset.py'), f'--data_dir={tmp_path}/data', cwd=tmp_path
  )
  assert 'train1: 4 of 4 clips' in shown


@each_document
def test_configs_that_a_page_names_load(document):
  for name, options in re.findall(
    r'--config=configs/(\w+)\.py(?::([\w=,+.]+))?', without_diffs(document)
  ):
    module = importlib.import_module(f'configs.{name}')
    getattr(module, 'get_sweep' if name.endswith('_sweep') else 'get_config')(options)


@each_document
def test_tools_know_the_flags_that_a_page_gives_them(document):
  calls: dict[str, set[str]] = {}
  for tool, verb, flags in re.findall(
    r'(?:python (tools/\w+\.py)|\bpose-action ([a-z-]+))((?: [^\n`]|\\\n)*)',
    document.read_text('utf-8'),
  ):
    given = re.findall(r' --(\w+)', flags.partition(' -- ')[0])
    calls.setdefault(tool or verb, set()).update(given)
  for program, given in calls.items():
    # A config's fields are flags too: --config.data.data_dir.
    assert given - {'help'} <= known_flags(program), program


@functools.cache
def known_flags(program: str) -> set[str]:
  command = [program] if program.endswith('.py') else ['-m', 'pose_action', program]
  shown = subprocess.run(
    [sys.executable, *command, '--help'],
    cwd=ROOT,
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  return set(re.findall(r'--(?:\[no\])?(\w+)', shown))


@each_document
def test_files_that_a_page_links_to_exist(document):
  links = re.findall(r'\]\(([^)#:]+)\)', document.read_text('utf-8'))
  missing = [link for link in links if not (document.parent / link).exists()]
  assert not missing


@each_document
def test_paths_that_a_page_names_exist(document):
  folders = '|'.join(path.name for path in ROOT.iterdir() if path.is_dir())
  named = re.findall(
    rf'(?<![\w/.])(?:{folders})/[\w/]+\.(?:py|md|png)\b', without_diffs(document)
  )
  missing = [path for path in named if not (ROOT / path).exists()]
  assert not missing


@pytest.mark.parametrize('name', [*READERS, *SKELETONS])
def test_the_page_of_data_formats_names_every_format_and_skeleton(name):
  page = (ROOT / 'docs' / 'data_formats.md').read_text('utf-8')
  assert re.search(rf'`(--format=)?{name}`', page)
