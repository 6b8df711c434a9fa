"""tools/extract_poses.py as a user calls it, on a graph with known outputs."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT
from program_calls import call

from input_pipeline.storage.dataset import open_dataset
from pa3d_jax.spatial_pose_cnn import PAPER_SCALES
from pose_action.extraction.extract import ExtractionOptions
from pose_action.extraction.registry import EXTRACTORS
from pose_action.extraction.tf_graph import DEFAULT_INPUT_SIZE, PIXELS, GraphTensors

TOOL = ROOT / 'tools' / 'extract_poses.py'


def run(*args):
  return subprocess.run(
    [sys.executable, *map(str, args)],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
    check=False,
  )


@pytest.fixture
def flags(tmp_path):
  """Flags that extract a folder with two classes, one of which has a broken video."""
  cv2 = pytest.importorskip('cv2', reason='OpenCV is not installed')
  tf = pytest.importorskip('tensorflow', reason='TensorFlow is not installed')
  with tf.Graph().as_default() as graph:
    v1 = tf.compat.v1
    image = v1.placeholder(tf.float32, [None, None, None, 3], name='image')
    cells = tf.nn.avg_pool2d(image, 8, 8, 'SAME', name='feat_concat')
    # Red 19 times for the joints, then blue 38 times for the fields.
    tf.identity(tf.repeat(cells[..., ::-2], [19, 38], axis=-1), name='maps')
    (tmp_path / 'graph.pb').write_bytes(graph.as_graph_def().SerializeToString())
  frames = np.zeros((5, 48, 64, 3), np.uint8)
  frames[:, 16:24, 32:40, 2] = 255  # OpenCV's third channel is red.
  for place in ('run/a', 'sit/b'):
    folder = tmp_path / 'videos' / place
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
      cv2.imwrite(str(folder / f'{number}.png'), frame)
  (tmp_path / 'videos' / 'run' / 'broken.avi').write_bytes(b'?')
  return (
    f'--videos={tmp_path / "videos"}',
    '--extractor=tf_graph',
    f'--weights={tmp_path / "graph.pb"}',
    '--input_size=64x48',
    '--pixels=unit',
    '--tensors=image:0,maps:0,feat_concat:0',
    '--dataset=mine',
    f'--data_dir={tmp_path / "data"}',
  )


def test_extracts_then_refuses_to_replace(flags, tmp_path):
  more = (
    '--modalities=joints,parts',
    '--short_side=12',
    '--clip_frames=3',
    '--stride=1',
  )
  first = run(TOOL, *flags, *more)

  assert first.returncode == 0, first.stderr
  assert "left out 'broken'" in first.stdout
  assert '1 video left out:' in first.stdout
  assert 'all: 4 of 4 clips' in first.stdout
  maps = open_dataset(tmp_path / 'data', 'mine', 'heatmaps')
  assert maps.class_names == ('run', 'sit')
  assert maps.clips('all').video_ids == ('a_000', 'a_001', 'b_000', 'b_001')
  record = maps.records('all')[0]
  assert (record['maps'].shape, record['parts'].shape) == (
    (3, 12, 16, 19),
    (3, 12, 16, 38),
  )
  poses = open_dataset(tmp_path / 'data', 'mine', 'keypoints')
  keypoints = poses.records('all')[3]['keypoints']
  np.testing.assert_allclose(keypoints[:, 0], np.tile([35.5, 19.5, 1], (2, 18, 1)))

  again = call('extract', *flags, *more)

  assert again.returncode == 1
  assert again.stderr.splitlines()[-1].startswith("error: data set 'mine' already")
  assert 'Traceback' not in again.stderr


def test_help_is_quick_and_names_the_true_defaults():
  code = f"""
import runpy, sys
sys.argv = ['{TOOL}', '--helpshort']
try:
  runpy.run_path('{TOOL}', run_name='__main__')
finally:
  heavy = {{'jax', 'numpy', 'tensorflow', 'cv2'}} & set(sys.modules)
  print('loaded:', heavy or 'nothing')
"""
  text = ' '.join(run('-c', code).stdout.split())
  assert 'loaded: nothing' in text
  assert f'--extractor=<{"|".join(EXTRACTORS)}>' in text
  assert f'<{"|".join(PIXELS)}>' in text
  assert 'Default: {}x{}.'.format(*DEFAULT_INPUT_SIZE) in text
  defaults = ExtractionOptions()
  for flag, value in (
    ('modalities', ','.join(defaults.modalities)),
    ('stride', defaults.stride),
    ('short_side', defaults.short_side),
    ('threshold', defaults.threshold),
    ('clip_frames', defaults.clip_frames),
    ('batch_size', defaults.batch_size),
  ):
    described = next(p for p in text.split(' --') if p.startswith(f'{flag}=<'))
    assert f'(default: {value})' in described
  names = dataclasses.asdict(GraphTensors())
  del names['signed_features']
  assert f'Default: {",".join(names.values())}.' in text
  assert f'Default: {",".join(map(str, PAPER_SCALES))}.' in text


@pytest.mark.parametrize(
  ('flag', 'message'),
  [
    ('--scales=1', '--scales can only be set with --extractor=openpose'),
    ('--base_height=368', '--base_height can only be set with --extractor=openpose'),
    ('--input_size=400', "--input_size is '400', but must be WIDTHxHEIGHT"),
    (
      '--weights=gone.pb',
      "there is no file gone.pb; extractor 'tf_graph' expects a fr",
    ),
    ('--tensors=image:0,maps:0', '--tensors has 2 names, but needs 3'),
    ('--tensors=image:0,joints:0,', "no tensor 'joints:0'; its inputs are image:0"),
    ('--videos=gone', 'gone does not exist; give a folder, a video or a list'),
    ('--modalities=joints,depth', 'offers joints, parts, features'),
  ],
)
def test_wrong_flags_are_answered(flags, flag, message):
  done = call('extract', *flags, flag)
  assert done.returncode == 1
  assert message in done.stderr
  assert 'Traceback' not in done.stderr
