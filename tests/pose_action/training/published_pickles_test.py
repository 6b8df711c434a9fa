"""The commands of docs/data_formats.md that train on published pickles, at small size."""

import pickle
import re
import shlex

import jax
import numpy as np
import pytest
from places import ROOT

from configs import pa3d_hmdb51
from pose_action.training import experiment

pytestmark = pytest.mark.usefixtures('no_tensorboard')

PAGE = (ROOT / 'docs' / 'data_formats.md').read_text('utf-8')
SPLITS = {
  'ntu60': ('xsub_train', 'xsub_val', 'xview_train', 'xview_val'),
  'finegym': ('train', 'val'),
}


def commands() -> dict[str, dict[str, str]]:
  """The flags of each training command, by its data set."""
  block = re.search(r'<!-- published pickles -->\n```\n(.*?)\n```', PAGE, re.DOTALL)
  assert block, 'docs/data_formats.md has no commands for published pickles'
  lines = [shlex.split(line)[2:] for line in block[1].splitlines() if 'main.py' in line]
  flags = [
    dict(flag.removeprefix('--').split('=', 1) for flag in line) for line in lines
  ]
  return {of_line['config.data.dataset']: of_line for of_line in flags}


def write_pickle(path, splits):
  """Six clips of three classes in half precision; every second split has the same."""
  rng = np.random.default_rng(0)
  names = {split: [f'S{i % 2}P{n}' for n in range(6)] for i, split in enumerate(splits)}
  annotations = [
    {
      'frame_dir': name,
      'label': np.int64(int(name[-1]) % 3),
      'img_shape': (1080, 1920),
      'total_frames': 6,
      'keypoint': rng.uniform(200, 1000, (2, 6, 17, 2)).astype(np.float16),
      'keypoint_score': rng.uniform(0.3, 1, (2, 6, 17)).astype(np.float16),
    }
    for name in dict.fromkeys(name for own in names.values() for name in own)
  ]
  path.write_bytes(pickle.dumps({'split': names, 'annotations': annotations}))


@pytest.mark.parametrize('dataset', SPLITS)
def test_the_commands_train_and_test_on_the_splits_they_name(
  dataset, tmp_path, one_device
):
  flags = commands()[dataset]
  assert flags['config'].startswith('configs/pa3d_hmdb51.py:')
  config = pa3d_hmdb51.get_config(flags['config'].partition(':')[2]).unlock()
  config = config.copy_and_resolve_references()
  for name, value in flags.items():
    if name.startswith('config.data.'):
      config.data[name.removeprefix('config.data.')] = value
  file = tmp_path / config.data.poses
  write_pickle(file, SPLITS[dataset])
  config.data.poses = str(file)
  config.data.data_dir = str(tmp_path / 'data')
  config.data.map_short_side = 16
  config.data.map_size = (16, 16)
  config.data.map_sigma = 1.0
  config.model.features = (8, 16)
  config.train.batch_size = 2
  config.train.epochs = 1
  config.train.fast_cpu_convolutions = False
  config.eval.views = 1

  with jax.numpy_dtype_promotion('standard'):
    results = experiment.train_and_evaluate(
      config, str(tmp_path / 'run'), mesh=one_device
    )

  train, test = flags['config.data.train_split'], flags['config.data.test_split']
  assert f'trained on {train}' in results['protocol']
  entries = [e for e in results['evaluations'] if e['split'] == test]
  assert {(e['num_clips'], 'mean_class_accuracy' in e) for e in entries} == {(6, True)}
