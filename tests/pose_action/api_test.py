"""`import pose_action`: cheap, typed, documented by examples that run."""

import doctest
import importlib
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tiny_run
import untrained_run
from places import PYTHON_PATH

import pose_action
from input_pipeline.readers import registry as readers
from input_pipeline.skeletons import registry as skeletons
from input_pipeline.skeletons.registry import get_skeleton
from pose_action.training import model_registry

CLASSES = ('sit', 'walk', 'wave')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """What the examples read: `run`, an untrained JMRN; `poses`; scores; `my_run`."""
  folder = tmp_path_factory.mktemp('api')
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  config.data.dataset = 'mine'
  untrained_run.write_workdir(folder / 'run', config, get_skeleton('coco_17'), CLASSES)
  (folder / 'poses').mkdir()
  rng = np.random.default_rng(0)
  for clip in ('clip1', 'clip2'):
    joints = rng.uniform(20, 200, (8, 17, 2))
    clip_of_scores = np.concatenate([joints, np.ones((8, 17, 1))], axis=-1)
    np.save(folder / 'poses' / f'{clip}.npy', clip_of_scores.astype(np.float32))
  (folder / 'poses' / 'videos.csv').write_text(
    'id,path,label\nclip1,clip1.npy,sit\nclip2,clip2.npy,wave\n'
  )
  for stream, share in (('jmrn', 0.9), ('i3d', 0.6)):
    np.savez(
      folder / f'{stream}.npz',
      video_ids=np.array(['a', 'b']),
      scores=np.array([[share, 1 - share], [0.2, 0.8]], np.float32),
      labels=np.array([0, 1]),
      class_names=np.array(['run', 'wave']),
    )
  tiny_run.export(folder / 'tiny')
  (folder / 'my_config.py').write_text(f"""
import tiny_run

def get_config():
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.data_dir = {str(folder / 'tiny')!r}
  config.train.epochs = 1
  return config.lock()
""")
  pose_action.train(str(folder / 'my_config.py'), folder / 'my_run')
  return folder


def run_python(code, cwd, **environment):
  return subprocess.run(
    [sys.executable, '-c', code],
    cwd=cwd,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, **environment},
    capture_output=True,
    text=True,
  )


def test_import_costs_nothing(tmp_path):
  code = """
import sys, time
start = time.perf_counter()
import pose_action
took = time.perf_counter() - start
heavy = {'numpy', 'jax', 'tensorflow', 'tensorflow_datasets', 'grain'} & set(sys.modules)
print(took < 0.1, heavy or 'nothing heavy', pose_action.__version__)
"""
  done = run_python(code, tmp_path)
  assert done.stdout.strip() == f'True nothing heavy {pose_action.__version__}'


def test_every_public_name_is_there_and_documented():
  for name in pose_action.__all__:
    value = getattr(pose_action, name)
    assert name == '__version__' or value.__doc__, name
  assert set(dir(pose_action)) == set(pose_action.__all__)
  with pytest.raises(AttributeError, match="no attribute 'laod'"):
    pose_action.laod  # noqa: B018 # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
  'module',
  [
    'pose_action.api',
    'pose_action.fusion.fuse',
    'pose_action.inference.call',
    'pose_action.inference.prediction',
    'pose_action.inference.predictor',
    'input_pipeline.poses.clip',
    'input_pipeline.readers.registry',
    'input_pipeline.skeletons.registry',
    'input_pipeline.export.export',
    'pose_action.training.model_registry',
  ],
)
def test_examples_run(module, folder, monkeypatch):
  monkeypatch.chdir(folder)
  for home, registry in (
    (readers, 'READERS'),
    (skeletons, 'SKELETONS'),
    (model_registry, 'MODELS'),
  ):  # What an example registers is not for the tests that follow.
    monkeypatch.setattr(home, registry, dict(getattr(home, registry)))
  found = doctest.testmod(importlib.import_module(module))
  assert found.attempted > 0
  assert found.failed == 0


def test_the_format_is_recognised(folder):
  source = pose_action.read_poses(folder / 'poses', skeleton='coco_17')
  assert "in format 'numpy': clip1.npy" in source.notes[0].message
  with pytest.raises(pose_action.PoseDataError, match=r'does not name its joints'):
    pose_action.read_poses(folder / 'poses')
  with pytest.raises(pose_action.PoseDataError, match='give the path of a file'):
    pose_action.read_poses(format='numpy')
  with pytest.raises(pose_action.PoseDataError, match='give dataset too'):
    pose_action.read_poses('x', format='numpy', annotations='y')


def test_a_known_data_set_needs_no_path():
  source = pose_action.read_poses(dataset='stick_actions')
  assert source.splits.keys() == {'train', 'test'}


def test_options_reach_the_reader(folder):
  source = pose_action.read_poses(
    folder / 'poses', 'numpy', skeleton='coco_17', frame_size=(240, 320), max_people=1
  )
  assert source.load('clip1').frame_size == (240, 320)
  with pytest.raises(pose_action.PoseDataError, match='takes no short_side'):
    pose_action.read_poses(folder / 'poses', 'numpy', skeleton='coco_17', short_side=32)


def test_a_trained_model_is_evaluated_again_by_its_own_config(tmp_path):
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.data_dir = str(tmp_path / 'data')
  config.train.epochs = 1
  tiny_run.export(tmp_path / 'data')
  first = pose_action.train(config, tmp_path / 'run')
  kept = {
    f: f.read_bytes()
    for f in (tmp_path / 'run' / 'checkpoints').rglob('*')
    if f.is_file()
  }
  again = pose_action.evaluate(tmp_path / 'run')
  assert again == first
  assert kept == {
    f: f.read_bytes()
    for f in (tmp_path / 'run' / 'checkpoints').rglob('*')
    if f.is_file()
  }
  with pytest.raises(ValueError, match="did you mean 'demo'"):
    pose_action.train('demp', tmp_path / 'other')


def test_the_old_name_of_the_predictor_warns(tmp_path):
  code = 'from inference_lib.predictor import Predictor; print(Predictor.__name__)'
  done = run_python(code, tmp_path)
  assert done.stdout == 'Predictor\n'
  assert 'FutureWarning: inference_lib.predictor is gone in the next rel' in done.stderr


@pytest.mark.parametrize('name', ['input_pipeline', 'configs'])
def test_a_folder_that_hides_one_of_ours_is_named(tmp_path, name):
  (tmp_path / name).mkdir()
  (tmp_path / name / '__init__.py').touch()
  (tmp_path / 'script.py').write_text('import pose_action\npose_action.load("x")\n')
  done = subprocess.run(
    [sys.executable, 'script.py'],
    cwd=tmp_path,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
  )
  last = done.stderr.splitlines()[-1]
  assert f'{tmp_path / name} hides the package {name!r} of pose_action' in last


def test_python_m_ignores_the_users_own_packages(tmp_path):
  for name in ('configs', 'tools', 'model_lib'):
    (tmp_path / name).mkdir()
    (tmp_path / name / '__init__.py').write_text('raise RuntimeError')
  done = subprocess.run(
    [sys.executable, '-m', 'pose_action', 'train', '--config=demo'],
    cwd=tmp_path,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 1
  assert done.stderr.startswith('error: --workdir is missing')


def test_doubtful_files_give_python_warnings(folder):
  joints = np.full((4, 17, 3), 40.0)
  joints[..., 2] = 55
  (folder / 'doubtful').mkdir()
  np.save(folder / 'doubtful' / 'v.npy', joints)
  source = pose_action.read_poses(
    folder / 'doubtful', 'numpy', skeleton='coco_17', frame_size=(240, 320)
  )
  with pytest.warns(pose_action.PoseWarning, match=r"clip 'v': scores go up to 55"):
    assert source.load('v').notes[0].kind == 'large_scores'
  with warnings.catch_warnings():
    warnings.simplefilter('error')
    (finding, *_) = pose_action.validate(source).warnings
  assert (finding.check, finding.clips) == ('large_scores', ('v',))
