"""The examples of docs/architecture.md: each diff is applied to a copy, and used."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from places import ROOT

HERE = pathlib.Path(__file__).parent
ROOMS = (
  'configs',
  'ddnet_jax',
  'input_pipeline',
  'jmrn_jax',
  'model_lib',
  'pa3d_jax',
  'pose_action',
)
USES = {
  'reader': """
import pose_action
source = pose_action.read_poses('walk.txt', 'joint_lines', skeleton='coco_17',
                                frame_size=(240, 320))
clip = source.load('walk')
print(clip.keypoints.shape, clip.keypoints[1, 0, 2].tolist(), clip.scores.sum())
try:
  pose_action.read_poses('torn.txt', 'joint_lines', skeleton='coco_17',
                         frame_size=(240, 320)).load('torn')
except pose_action.PoseDataError as error:
  print('line 1' in str(error))
""",
  'skeleton': """
from input_pipeline.skeletons.registry import get_skeleton
skeleton = get_skeleton('upper_body_8')
print(skeleton.num_joints, skeleton.limb_sides.count('left'))
""",
  'dataset': """
from input_pipeline.catalog.protocols import PROTOCOLS
from pose_action.training.shipped_configs import load_config
data = load_config('pa3d_gym_waves').data
print(data.dataset, (data.train_split, data.test_split) in PROTOCOLS[data.dataset].splits)
""",
  'model': """
import jax, jax.numpy as jnp
from pose_action.training.input_settings import example_input
from pose_action.training.model_registry import build_model, check_encoding
from pose_action.training.shipped_configs import load_config
from input_pipeline.skeletons.registry import get_skeleton
config = load_config('mean_maps_demo')
model = build_model(config.model, 12)
check_encoding(model, config.data.encoding)
maps = example_input(config, get_skeleton('jhmdb'))
output, _ = jax.eval_shape(
  lambda key, maps: model.init_with_output(key, maps, train=True),
  jax.random.key(0), maps)
print(output.logits.shape)
""",
}
SHOWN = {
  'reader': '(2, 1, 17, 2) [30.0, 40.0] 3.5\nTrue\n',
  'skeleton': '8 3\n',
  'dataset': 'gym_waves True\n',
  'model': '(1, 12)\n',
}


@pytest.fixture
def copy(tmp_path):
  """A copy of the library, and what the examples read."""
  for room in ROOMS:
    skip = shutil.ignore_patterns('__pycache__')
    shutil.copytree(ROOT / room, tmp_path / room, ignore=skip)
  (tmp_path / 'walk.txt').write_text(
    '0 2 28 38 1\n0 3 50 58 1\n1 2 30 40 0.5\n1 3 52 60 1\n'
  )
  (tmp_path / 'torn.txt').write_text('0 99 10 20 1\n')
  return tmp_path


@pytest.mark.parametrize('example', USES)
def test_the_example_works(copy, example):
  diff = HERE / f'{example}.diff'
  subprocess.run(['git', 'apply', diff], cwd=copy, check=True)
  done = subprocess.run(
    [sys.executable, '-c', USES[example]],
    cwd=copy,
    env={**os.environ, 'PYTHONPATH': str(copy)},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout == SHOWN[example]


@pytest.mark.parametrize('example', USES)
def test_the_page_shows_the_diff(example):
  page = (ROOT / 'docs' / 'architecture.md').read_text('utf-8')
  assert f'<!-- diff: {example} -->\n```diff\n{shown(example)}```\n' in page


def shown(example: str) -> str:
  """The diff without git's own lines."""
  lines = (HERE / f'{example}.diff').read_text('utf-8').splitlines(keepends=True)
  own = ('diff --git ', 'index ', 'new file mode ')
  return ''.join(line for line in lines if not line.startswith(own))


def test_all_diffs_are_used():
  assert {file.stem for file in HERE.glob('*.diff')} == set(USES)
