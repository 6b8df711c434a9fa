"""tools/evaluate_ava.py on files as a run writes them."""

import os
import subprocess
import sys

import ava_tree
import numpy as np
import pytest
from places import PYTHON_PATH, ROOT


def run(*flags):
  return subprocess.run(
    [sys.executable, str(ROOT / 'tools' / 'evaluate_ava.py'), *flags],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'JAX_PLATFORMS': 'cpu'},
    capture_output=True,
    text=True,
    check=False,
  )


@pytest.fixture
def files(tmp_path):
  """Flags for a run that found the left person in second 902 and nobody else."""
  folder = ava_tree.write(tmp_path / 'ava')
  np.savez(
    tmp_path / 'scores_val.npz',
    video_ids=np.array([f'{ava_tree.VAL},0902,{",".join(ava_tree.LEFT)}']),
    scores=np.array([[0.1, 0.9, 0.8]]),
    labels=np.array([[0, 1, 1]]),
    class_names=np.array(list(ava_tree.CLASSES.values())),
  )
  return [f'--scores={tmp_path}/scores_val.npz', f'--annotations={folder}']


def test_prints_the_frame_map_and_writes_the_classes(files, tmp_path):
  table = tmp_path / 'new' / 'classes.csv'
  done = run(*files, f'--per_class={table}')
  assert done.returncode == 0, done.stderr
  # Two classes have one of two people found, and the third has none.
  assert 'frame mAP at IoU 0.5: 33.33%, the mean over the 3 of 3 classes' in done.stdout
  assert f'Figures per class: {table}' in done.stdout
  assert table.read_text().splitlines()[2] == 'stand,12,2,0.5,0.5'


def test_an_error_is_one_line(files, tmp_path):
  done = run(files[0], f'--annotations={tmp_path}')
  assert done.returncode == 1
  assert f'error: {tmp_path} lacks ava_action_list_v2.1' in done.stderr
  assert 'Traceback' not in done.stderr
