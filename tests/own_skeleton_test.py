"""main.py on a skeleton of the user's own, from a file, given in the config."""

import os
import subprocess
import sys

import numpy as np
from places import ROOT, WITHOUT_TENSORBOARD

SKELETON = """
name: stick_4
joints: [head, hip, left_foot, right_foot]
limbs: [[head, hip], [hip, left_foot], [hip, right_foot]]
"""


def train(folder):
  done = subprocess.run(
    [
      *(sys.executable, str(ROOT / 'main.py')),
      f'--config={ROOT}/configs/pa3d_jhmdb.py:quick,test=false',
      *(f'--workdir={folder}/run', '--mode=train'),
      *('--config.data.dataset=mine', '--config.data.train_split=all'),
      *(f'--config.data.data_dir={folder}/data', f'--config.data.poses={folder}/poses'),
      *('--config.data.skeleton=my.yaml', '--config.data.frame_size=64x48'),
      *('--config.data.map_size=(8,8)', '--config.data.map_short_side=8'),
      '--config.data.num_frames=4',
      *('--config.train.epochs=1', '--config.train.batch_size=4'),
      *('--config.model.features=(4,4,4)', '--config.data.validation_folds=0'),
    ],
    cwd=folder,
    env={
      **os.environ,
      'JAX_PLATFORMS': 'cpu',
      'XLA_FLAGS': '',
      'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',  # Compiles faster.
      'PYTHONPATH': WITHOUT_TENSORBOARD,
    },
    capture_output=True,
    text=True,
    timeout=300,
    check=False,
  )
  return done.returncode, done.stdout + done.stderr


def test_a_skeleton_file_in_the_config(tmp_path):
  rng = np.random.default_rng(0)
  for number in range(4):
    folder = tmp_path / 'poses' / ('run', 'sit')[number % 2]
    folder.mkdir(parents=True, exist_ok=True)
    joints = rng.uniform(5, 45, (12, 1, 4, 2))
    scored = np.concatenate([joints, np.ones((12, 1, 4, 1))], axis=-1)
    np.save(folder / f'v{number}.npy', scored)
  (tmp_path / 'my.yaml').write_text(SKELETON)
  for _ in range(2):  # The second time, the data set exists.
    status, said = train(tmp_path)
    assert status == 0, said
  (tmp_path / 'my.yaml').write_text(SKELETON.replace('head', 'nose'))
  status, said = train(tmp_path)
  assert status == 1
  assert "skeleton 'stick_4' in my.yaml has joints nose, " in said
