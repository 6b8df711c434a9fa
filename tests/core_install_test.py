"""What works with the core install: predictions, without any library of the extras."""

import os
import subprocess
import sys

import numpy as np
import tiny_run
import untrained_run
from places import PYTHON_PATH

from input_pipeline.skeletons.registry import get_skeleton

# Python runs a module of this name at its start: the extras are not installed.
_HIDE_EXTRAS = """
import importlib.machinery

HIDDEN = {
  'PIL', 'apache_beam', 'array_record', 'av', 'clu', 'cv2', 'grain', 'h5netcdf', 'h5py',
  'importlib_resources', 'matplotlib', 'pooch', 'requests', 'sklearn', 'sleap_io',
  'tensorboard', 'tensorflow', 'tensorflow_datasets', 'torch', 'xarray',
}
find = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = lambda name, *more: (
  None if name in HIDDEN else find(name, *more)
)
"""
_PREDICT = """
import pose_action
source = pose_action.read_poses(
  'poses', format='numpy', skeleton='coco_17', frame_size=(240, 320))
for model in ('pa3d', 'jmrn'):
  predictions = pose_action.load(model).predict(map(source.load, source.splits['all']))
  print(model, [p.video_id for p in predictions])
print(len(pose_action.validate(source).errors))
"""
_TRAIN = """
import pose_action
pose_action.train('demo', 'run')
"""


def run(folder, *command):
  site = folder / 'site'
  site.mkdir(exist_ok=True)
  (site / 'sitecustomize.py').write_text(_HIDE_EXTRAS)
  return subprocess.run(
    [sys.executable, *command],
    cwd=folder,
    env={
      **os.environ,
      'PYTHONPATH': f'{site}{os.pathsep}{PYTHON_PATH}',
      'XLA_FLAGS': '--xla_backend_optimization_level=0',
    },
    capture_output=True,
    text=True,
  )


def write_inputs(folder):
  for name, config in (
    ('pa3d', tiny_run.get_config()),
    ('jmrn', tiny_run.get_jmrn_config()),
  ):
    config = config.copy_and_resolve_references().unlock()
    config.data.dataset = 'mine'
    skeleton = get_skeleton('coco_17')
    untrained_run.write_workdir(folder / name, config, skeleton, ('sit', 'wave'))
  (folder / 'poses').mkdir()
  poses = np.random.default_rng(0).uniform(20, 200, (8, 17, 3)).astype(np.float32)
  poses[..., 2] = 1
  np.save(folder / 'poses' / 'clip1.npy', poses)


def test_the_core_predicts_and_names_what_training_needs(tmp_path):
  write_inputs(tmp_path)
  done = run(tmp_path, '-c', _PREDICT)
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines() == ["pa3d ['clip1']", "jmrn ['clip1']", '0']

  flags = ('--format=numpy', '--poses=poses', '--skeleton=coco_17')
  done = run(
    tmp_path,
    '-m',
    'pose_action',
    'predict',
    '--workdir=jmrn',
    *flags,
    '--frame_size=320x240',
  )
  assert done.returncode == 0, done.stderr
  assert '\nclip1 ' in done.stdout

  done = run(tmp_path, '-m', 'pose_action', 'train', '--config=demo', '--workdir=w')
  assert done.returncode == 1
  assert done.stderr.count('\n') == 1
  assert done.stderr.startswith('error: ')
  assert "pip install 'pose-action-jax[train]'" in done.stderr

  done = run(tmp_path, '-c', _TRAIN)
  assert "pip install 'pose-action-jax[train]'" in done.stderr.splitlines()[-1]
