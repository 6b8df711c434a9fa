"""tools/predict.py as a user calls it, on a workdir that has learned nothing."""

import json
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import tiny_run
import untrained_run
from places import PYTHON_PATH, ROOT
from program_calls import call

from input_pipeline.catalog.stick_actions.source import stick_actions_source
from input_pipeline.skeletons.registry import get_skeleton

CLASSES = ('wave', 'walk', 'sit')


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
  folder = tmp_path_factory.mktemp('predict') / 'run'
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  config.data.dataset = 'mine'
  config.data.format = 'pyskl'
  config.data.skeleton = 'coco_17'
  untrained_run.write_workdir(folder, config, get_skeleton('coco_17'), CLASSES)
  return folder


@pytest.fixture(scope='module')
def poses(tmp_path_factory):
  """Three clips, the second of them broken."""
  rng = np.random.default_rng(0)
  annotations = [
    {
      'frame_dir': name,
      'total_frames': 6,
      'img_shape': (48, 64),
      'label': 1,
      'keypoint': rng.uniform(0, 48, (1, 6, 17, 2)).astype(np.float32),
      'keypoint_score': np.ones((1, 6, 17), np.float32),
    }
    for name in ('first', 'broken', 'third')
  ]
  annotations[1]['keypoint'] = annotations[1]['keypoint'][:, :, :5]
  path = tmp_path_factory.mktemp('poses') / 'poses.pkl'
  content = {'split': {'train': ['first', 'broken', 'third']}}
  path.write_bytes(pickle.dumps(content | {'annotations': annotations}))
  return path


def predict(*flags):
  return call('predict', *flags)


def said(done):
  """What a program printed, after the line on the unknown frame rate of training."""
  first, *lines = done.stdout.splitlines()
  assert first.startswith('note: the frame rate of the training clips is unknown')
  return lines


def test_every_clip_and_the_broken_one_by_name(workdir, poses):
  done = predict(f'--workdir={workdir}', f'--poses={poses}', '--top=2')
  assert done.returncode == 1, done.stderr
  assert done.stderr.strip().endswith('error: 1 clip could not be used; see above')
  recognised, skeleton, broken, heading, *lines = said(done)
  assert recognised.startswith("note: poses are read in format 'pyskl'")
  assert skeleton.startswith("note: the skeleton is 'coco_17', which is the one of the")
  assert broken.startswith('broken: cannot be used: ')
  assert heading.split() == [
    'clip',
    'labelled',
    '1.',
    '2.',
    'joints',
    'that',
    'counted',
  ]
  # The reader names classes by number, the workdir by name.
  first, third, total = lines
  assert re.match(
    r'first +walk +\w+ +\d+\.\d% +\w+ +\d+\.\d%  \w+ 0\.\d\d, \w+ 0\.\d\d, \w+', first
  )
  assert third.startswith('third')
  assert ' of 2 labelled clips are predicted as labelled (' in total


def test_one_clip_in_a_process_of_its_own(workdir, poses):
  done = subprocess.run(
    [
      *(sys.executable, str(ROOT / 'tools' / 'predict.py')),
      *(f'--workdir={workdir}', f'--poses={poses}', '--video_ids=third'),
    ],
    capture_output=True,
    text=True,
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    check=False,
  )
  assert done.returncode == 0, done.stderr
  assert said(done)[3].startswith('third')


def test_each_person_of_a_video(workdir, tmp_path):
  rng = np.random.default_rng(0)
  for frame in range(8):
    people = [
      {'pose_keypoints_2d': np.c_[rng.uniform(x, x + 20, (17, 2)), np.ones(17)]}
      for x in (0, 25)
    ]
    text = json.dumps({'people': people}, default=lambda array: array.ravel().tolist())
    (tmp_path / f'{frame}.json').write_text(text)
  flags = (
    f'--workdir={workdir}',
    f'--poses={tmp_path}',
    '--format=openpose',
    '--top=1',
  )
  done = predict(*flags)
  assert 'give --frame_size=WIDTHxHEIGHT' in done.stdout
  done = predict(*flags, '--frame_size=64x48', '--per_person')
  assert done.returncode == 0, done.stderr
  size, _, _, _, *lines = done.stdout.splitlines()
  assert size.startswith('frames are read as 64 wide, 48 high')
  assert [line.split()[0] for line in lines] == [
    f'{tmp_path.name}#0',
    f'{tmp_path.name}#1',
  ]


def model_of(folder, dataset, skeleton):
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  config.data.dataset = dataset
  config.data.test_split = 'test1' if dataset == 'hmdb51' else 'test'
  untrained_run.write_workdir(folder, config, skeleton, CLASSES)
  return folder


def test_a_model_of_a_named_data_set_predicts_on_any_clips(tmp_path, poses):
  """Neither the splits, the classes nor the joints are those of HMDB51."""
  workdir = model_of(tmp_path / 'run', 'hmdb51', get_skeleton('coco_17'))
  done = predict(f'--workdir={workdir}', f'--poses={poses}', '--video_ids=third')
  assert done.returncode == 0, done.stderr + done.stdout
  video = {
    'meta_info': {'keypoint_id2name': dict(enumerate(get_skeleton('mpii_16').joints))},
    'instance_info': [
      {
        'frame_id': frame,
        'instances': [
          {
            'keypoints': [[10.0 + joint, 20.0] for joint in range(16)],
            'keypoint_scores': [0.9] * 16,
          }
        ],
      }
      for frame in range(1, 7)
    ],
  }
  (tmp_path / 'mine.json').write_text(json.dumps(video))
  done = predict(
    f'--workdir={workdir}', f'--poses={tmp_path}/mine.json', '--frame_size=64x48'
  )
  assert done.returncode == 0, done.stderr + done.stdout
  mapped = [
    line for line in done.stdout.splitlines() if "are mapped to 'coco_17'" in line
  ]
  assert len(mapped) == 1
  assert mapped[0].startswith("warning: poses of the skeleton 'mpii_16' are mapped")
  assert 'nose is about ' in mapped[0]
  assert 'left_ear, right_ear cannot be derived' in mapped[0]
  assert '\nmine ' in done.stdout


def test_a_model_of_the_demo_predicts_on_its_test_clips(tmp_path):
  source = stick_actions_source()
  workdir = model_of(tmp_path / 'run', 'stick_actions', source.skeleton)
  first = source.splits['test'][0]
  done = predict(
    f'--workdir={workdir}',
    f'--video_ids={first}',
    '--top=1',
    f'--data_dir={tmp_path}',
  )
  assert done.returncode == 0, done.stderr + done.stdout
  words, _, clip, *_ = said(done)
  assert words == 'clips are those of stick_actions, test'
  assert clip.startswith(first)
  done = predict(
    f'--workdir={workdir}',
    f'--video_ids={source.splits["train"][0]}',
    f'--data_dir={tmp_path}',
  )
  assert 'there is no clip' in done.stderr


def test_timelines(workdir, tmp_path):
  rng = np.random.default_rng(0)
  for video in ('one', 'two'):
    np.save(tmp_path / f'{video}.npy', rng.uniform(5, 40, (30, 17, 2)))
  (tmp_path / 'videos.csv').write_text('path,fps\none.npy,10\ntwo.npy,\n')
  (tmp_path / 'segments.csv').write_text('video,start,stop,label\none,0,3,walk\n')
  flags = (f'--workdir={workdir}', f'--poses={tmp_path}', '--frame_size=64x48')
  files = tmp_path / 'bouts.csv', tmp_path / 'lanes.png'
  done = predict(
    *(*flags, '--window=1s', '--stride=5', '--bout_threshold=0.1'),
    f'--segments={tmp_path}/segments.csv',
    f'--timeline={files[0]},{files[1]}',
  )
  # The second video has no frame rate, and the window is in seconds.
  assert done.returncode == 1
  assert '\ntwo: cannot be used: window is 1s, in seconds, but the frame' in done.stdout
  assert '1 person with labels in time: frame accuracy ' in done.stdout
  assert files[0].read_text().startswith('video,person,start,stop,label,score,')
  assert files[1].read_bytes().startswith(b'\x89PNG')
  assert '\n  0: 0.00-' in done.stdout
  done = predict(*flags, '--timeline=lanes.bmp')
  assert 'lanes.bmp is no form of a timeline' in done.stderr
  assert done.stderr.count('\n') == 1


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--workdir=nowhere', '--poses=x'], 'there is no checkpoint in'),
    ([], 'no SOURCE is given, and the own clips of this model'),
    (['--output=a.mov'], 'predictions are written to files *.csv, *.json, *.npz'),
    (
      ['{poses}', '--class_names=a,b'],
      'the classes of this model have names: wave, wa',
    ),
    (['nowhere', '--tiers=a'], '--tiers are those of a segment file; give --segments'),
    (['nowhere', '--weights=x'], '--weights needs --extractor too'),
    (['nowhere', '--pixels=raw'], '--pixels needs --extractor and --weights'),
    (['--poses=nowhere.pkl'], 'nowhere.pkl'),
    (['--poses={poses}', '--video_ids=fourth'], "there is no clip 'fourth'"),
    (['--poses={poses}', '--skeleton=jhmdb'], 'joints'),
  ],
)
def test_mistakes(workdir, poses, flags, message):
  flags = [flag.format(poses=poses) for flag in flags]
  done = predict(f'--workdir={workdir}', *flags)
  assert done.returncode == 1
  assert message in done.stderr + done.stdout
  assert 'Traceback' not in done.stderr


def test_one_failed_source_never_ends_the_rest(workdir, poses, tmp_path):
  video = tmp_path / 'own.mp4'
  video.write_bytes(b'no video')
  output = tmp_path / 'answers.csv'
  done = predict(
    f'--workdir={workdir}',
    str(video),
    'nowhere',
    str(poses),
    f'--output={output}',
    f'--data_dir={tmp_path}',
  )
  assert done.returncode == 1
  assert 'Traceback' not in done.stderr
  assert f'{video}: cannot be used: {video} is a video' in done.stdout
  assert 'nowhere: cannot be used: nowhere does not exist' in done.stdout
  assert done.stderr.endswith(
    'error: 2 sources and 1 clip could not be used; see above\n'
  )
  heading, first, third = output.read_text().splitlines()
  assert heading.startswith(
    'source,clip,labels,label,probability,p(wave),p(walk),p(sit),weight(nose),'
  )
  assert first.startswith(f'{poses},first,walk,')
  assert third.startswith(f'{poses},third,walk,')


def test_a_video_and_a_page_to_look_at(workdir, poses, tmp_path):
  pytest.importorskip('av', reason='PyAV is not installed')
  flags = (f'--workdir={workdir}', f'--poses={poses}', '--video_ids=first,third')
  done = predict(*flags, f'--output={tmp_path}/x.html')
  assert done.returncode == 0, done.stderr
  *_, rate, wrote = done.stdout.splitlines()
  assert rate.startswith('warning: clips whose frame rate is unknown are shown at 25')
  assert wrote == f'wrote {tmp_path}/x.html: 2 clips'
  assert (tmp_path / 'x.html').stat().st_size < 30_000
  done = predict(*flags, '--window=4', '--fps=10', f'--output={tmp_path}/x.mp4')
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines()[-1] == f'wrote {tmp_path}/x.mp4'
  assert (tmp_path / 'x.mp4').read_bytes()[4:8] == b'ftyp'


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (('--output=x.avi',), "x.avi ends in '.avi', but predictions are written to"),
    (('--output=x.csv', '--window=4'), 'write these with --timeline=FILE'),
    (('--video=v.mp4',), 'is drawn on, so it needs --output=*.mp4 or *.gif'),
    (('--output=no/x.mp4',), 'no/x.mp4 cannot be written: there is no folder'),
  ],
)
def test_outputs_that_are_refused_before_any_work(workdir, poses, flags, message):
  done = predict(f'--workdir={workdir}', f'--poses={poses}', *flags)
  assert done.returncode == 1
  (line,) = done.stderr.splitlines()
  assert line.startswith('error: ') and message in line
  assert not done.stdout
