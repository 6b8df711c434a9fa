"""tools/visualize.py as a user calls it, on workdirs that have learned nothing."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import tiny_run
import untrained_run
from matplotlib import image as images
from places import PYTHON_PATH, ROOT
from program_calls import call

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.inference import clip_picture

CLASSES = ('wave', 'walk', 'sit')


@pytest.fixture(scope='module')
def workdirs(tmp_path_factory):
  """By name: PA3D of joints and parts, and a JMRN."""
  folder = tmp_path_factory.mktemp('visualize')
  for name, get_config in (
    ('pa3d', tiny_run.get_config),
    ('jmrn', tiny_run.get_jmrn_config),
  ):
    config = get_config().copy_and_resolve_references().unlock()
    config.data.dataset = 'mine'
    config.data.format = 'pyskl'
    config.data.skeleton = 'coco_17'
    if name == 'pa3d':
      config.data.modalities = ('joints', 'parts')
    untrained_run.write_workdir(folder / name, config, get_skeleton('coco_17'), CLASSES)
  return folder


@pytest.fixture(scope='module')
def poses(tmp_path_factory):
  """Three clips, the second of them broken, the third with a name of two folders."""
  rng = np.random.default_rng(0)
  names = ('first', 'broken', 'a/third')
  annotations = [
    {
      'frame_dir': name,
      'total_frames': 6,
      'img_shape': (48, 64),
      'label': 1,
      'keypoint': rng.uniform(0, 48, (1, 6, 17, 2)).astype(np.float32),
      'keypoint_score': np.ones((1, 6, 17), np.float32),
    }
    for name in names
  ]
  annotations[1]['keypoint'] = annotations[1]['keypoint'][:, :, :5]
  path = tmp_path_factory.mktemp('poses') / 'poses.pkl'
  content = {'split': {'train': list(names)}, 'annotations': annotations}
  path.write_bytes(pickle.dumps(content))
  return path


def visualize(*flags):
  return call('visualize', *flags)


def test_a_picture_of_every_clip_and_the_broken_one_by_name(workdirs, poses):
  workdir = workdirs / 'pa3d'
  before = {path.name for path in workdir.iterdir()}
  done = visualize(f'--workdir={workdir}', f'--poses={poses}')
  assert done.returncode == 1, done.stderr
  assert done.stderr.strip().endswith('error: 1 clip could not be used; see above')
  *_, first, broken, third = done.stdout.splitlines()
  folder = workdir / 'visualizations'
  assert first == f'first: {folder / "first.png"}'
  assert broken.startswith('broken: cannot be used: ')
  name = third.rpartition('/')[2]
  assert name.startswith('a_third_')
  pictures = {path.name for path in folder.glob('*.png')}
  assert pictures == {'first.png', name}
  height, width = images.imread(folder / 'first.png').shape[:2]
  assert height > 900 and width > 900  # Two modalities, filters and features.
  # Nothing that the run wrote is touched.
  assert {path.name for path in workdir.iterdir()} == before | {'visualizations'}
  check_events(folder)


def check_events(folder):
  accumulators = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator'
  )
  events = accumulators.EventAccumulator(str(folder)).Reload()
  tags = events.Tags()['tensors']
  assert set(tags) == {'visualizations/first', 'visualizations/a/third'}
  assert {events.Tensors(tag)[0].step for tag in tags} == {0}


def test_one_clip_of_a_jmrn_into_another_folder(workdirs, poses, tmp_path):
  done = subprocess.run(
    [
      *(sys.executable, str(ROOT / 'tools' / 'visualize.py')),
      f'--workdir={workdirs / "jmrn"}',
      f'--poses={poses}',
      '--video_ids=first',
      f'--output={tmp_path / "new" / "pictures"}',
    ],
    capture_output=True,
    text=True,
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    check=False,
  )
  assert done.returncode == 0, done.stderr
  (picture,) = (tmp_path / 'new' / 'pictures').iterdir()
  assert picture.name == 'first.png'
  assert images.imread(picture).shape[0] < 400  # One row: its maps.


def test_class_names_are_those_in_the_picture(poses, tmp_path, monkeypatch):
  """The model knows its classes by number only."""
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  numbers = ('0', '1', '2')
  untrained_run.write_workdir(
    tmp_path / 'run', config, get_skeleton('coco_17'), numbers
  )
  named, real = [], clip_picture.clip_picture

  def kept(model, clip):
    named.append(model.class_names)
    return real(model, clip)

  monkeypatch.setattr(clip_picture, 'clip_picture', kept)
  flags = (
    f'--workdir={tmp_path / "run"}',
    f'--poses={poses}',
    '--video_ids=first',
    f'--output={tmp_path / "pictures"}',
  )
  done = visualize(*flags, '--class_names=run,stand up,lie')
  assert done.returncode == 0, done.stderr
  assert named == [('run', 'stand up', 'lie')]
  done = visualize(*flags, '--class_names=run')
  assert done.returncode == 1
  assert done.stderr.count('\n') == 1 and '3' in done.stderr


def test_a_frame_size_is_repeated_and_doubted(workdirs, tmp_path):
  """The walker crosses frames 64 wide and 40 high."""
  joints = np.full((40, 17, 3), 9, np.float32)
  joints[..., 0] = np.linspace(1, 62, 40)[:, None]
  joints[..., 2] = 1
  np.save(tmp_path / 'v.npy', joints)
  done = visualize(
    f'--workdir={workdirs / "jmrn"}',
    f'--poses={tmp_path / "v.npy"}',
    '--format=numpy',
    '--frame_size=40x64',
    f'--output={tmp_path}',
  )
  assert done.returncode == 0, done.stderr
  said, *_, picture, doubt = done.stdout.splitlines()
  assert said.startswith('frames are read as 40 wide, 64 high')
  assert doubt.startswith('warning: many joints lie outside the frames')
  assert 'give --frame_size=64x40 (' in doubt
  assert doubt.endswith(' (1 clip: v)')
  assert picture == f'v: {tmp_path / "v.png"}'


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--workdir=nowhere', '--poses=x'], 'there is no checkpoint in'),
    (['--poses=nowhere.pkl'], 'nowhere.pkl'),
    (['--poses={poses}', '--video_ids=fourth'], "there is no clip 'fourth'"),
    (['--poses={poses}', '--skeleton=jhmdb'], 'joints'),
    (['--poses={poses}', '--output={poses}/folder'], 'Not a directory'),
  ],
)
def test_mistakes(workdirs, poses, flags, message):
  flags = [flag.format(poses=poses) for flag in flags]
  done = visualize(f'--workdir={workdirs / "jmrn"}', *flags)
  assert done.returncode == 1
  assert message in done.stderr + done.stdout
  assert 'Traceback' not in done.stderr
