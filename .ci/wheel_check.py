"""Checks an installed wheel, by the interpreter that it is installed for.

  python -P wheel_check.py WHEEL INPUTS

INPUTS is what wheel_inputs.py wrote. Every check runs in a folder that knows nothing of
the checkout.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

WHEEL, INPUTS = (pathlib.Path(arg).resolve() for arg in sys.argv[1:3])
BIN = pathlib.Path(sys.executable).parent
COMMAND = str(BIN / 'pose-action')
ROOMS = {
  'configs',
  'ddnet_jax',
  'input_pipeline',
  'jmrn_jax',
  'model_lib',
  'pa3d_jax',
  'pose_action',
}
POSES = ('--format=numpy', f'--poses={INPUTS / "poses"}', '--skeleton=coco_17')
API = f"""
import pose_action
model = pose_action.load({str(INPUTS / 'jmrn')!r})
source = pose_action.read_poses({str(INPUTS / 'poses')!r}, format='numpy',
                                skeleton='coco_17', frame_size=(240, 320))
for prediction in model.predict(map(source.load, source.splits['all'])):
  print(prediction.video_id, prediction.label, len(prediction.top_joints()))
print(pose_action.validate(source).errors)
"""


def run(*command, cwd, status=0):
  """Runs a command that must end with this status; returns its output or errors."""
  environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
  done = subprocess.run(
    command,
    cwd=cwd,
    env=environment | {'JAX_PLATFORMS': 'cpu'},
    capture_output=True,
    text=True,
  )
  assert done.returncode == status, f'{command}: {done.stdout}{done.stderr}'
  return done.stdout if status == 0 else done.stderr


def check_contents():
  """The wheel holds the packages, with their types, and nothing else."""
  names = zipfile.ZipFile(WHEEL).namelist()
  top = {name.split('/')[0] for name in names}
  assert {name for name in top if not name.endswith('.dist-info')} == ROOMS, top
  assert {f'{room}/py.typed' for room in ROOMS} <= set(names)


def check_commands(folder):
  """`pose-action` predicts; to train, it asks for the extra in one line."""
  run(COMMAND, '--help', cwd=folder)  # Python compiles the files at the first.
  start = time.monotonic()
  assert 'predict' in run(COMMAND, '--help', cwd=folder)
  print(f'pose-action --help: {time.monotonic() - start:.2f} s')
  for command in ([COMMAND], [sys.executable, '-m', 'pose_action']):
    for model in ('pa3d', 'jmrn', 'ddnet'):
      workdir = f'--workdir={INPUTS / model}'
      shown = run(
        *command, 'predict', workdir, *POSES, '--frame_size=320x240', cwd=folder
      )
      assert 'clip1' in shown and 'clip2' in shown, shown
      assert ('joints that counted' in shown) == (model != 'pa3d')
    said = run(*command, 'train', '--config=demo', '--workdir=w', cwd=folder, status=1)
    assert "pip install 'pose-action-jax[train]'" in said, said
    assert said.count('\n') == 1, said


def check_api(folder):
  """`import pose_action` predicts and validates; the models can be imported."""
  shown = run(sys.executable, '-c', API, cwd=folder).splitlines()
  assert [line.split()[0] for line in shown[:2]] == ['clip1', 'clip2']
  assert all(line.endswith(' 17') for line in shown[:2])
  assert shown[2] == '()'
  for room, model in (('pa3d', 'PA3D'), ('jmrn', 'JMRN'), ('ddnet', 'DDNet')):
    run(sys.executable, '-c', f'from {room}_jax import {model}', cwd=folder)


def check_own_folders(folder):
  """A user's own packages of the same names."""
  for name in ('configs', 'tools', 'model_lib'):
    (folder / name).mkdir()
    (folder / name / '__init__.py').write_text('raise RuntimeError("mine")')
  check_commands(folder)
  for name in ('input_pipeline', 'configs'):
    place = folder / f'beside_{name}'
    (place / name).mkdir(parents=True)
    (place / name / '__init__.py').touch()
    (place / 'script.py').write_text('import pose_action\npose_action.load("x")\n')
    said = run(sys.executable, 'script.py', cwd=place, status=1).splitlines()[-1]
    assert f'{place.resolve() / name} hides the package {name!r}' in said, said


check_contents()
with tempfile.TemporaryDirectory() as folder:
  check_commands(pathlib.Path(folder))
  check_api(pathlib.Path(folder))
  check_own_folders(pathlib.Path(folder))
size = sum(f.stat().st_size for f in BIN.parent.rglob('*') if f.is_file())
print(f'the environment takes {size / 1e6:.0f} MB')
