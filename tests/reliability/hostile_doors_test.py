"""Hostile files in the doors for labels, segments and videos: one line, soon, with little
memory. POSE_ACTION_FUZZ=N tries more damaged tables."""

import collections
import os
import pickle
import shutil

import model_doors
import numpy as np
import pytest
import tiny_run
import untrained_run
from fake_pose_network import FakePoseNetwork, frames_with_dots
from hostile_files import annotation, make_kinds
from hostile_tables import LABELS, SEGMENTS, filled, write_hostile
from limited_doors import outcomes
from places import SHARED_DATA

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.extraction.extract import ExtractionOptions, extract_dataset
from pose_action.extraction.video_list import list_videos

pytestmark = pytest.mark.long

HOSTILE = SHARED_DATA.parent / 'hostile'
_SEEDS = 4 * int(os.environ.get('POSE_ACTION_FUZZ', '1'))
_LONGEST = 3000


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """A sound pickle with the clip `a`, and an untrained model of its skeleton."""
  folder = tmp_path_factory.mktemp('doors')
  poses = annotation(
    total_frames=4,
    keypoint=np.full((1, 4, 17, 2), 20, np.float32),
    keypoint_score=np.ones((1, 4, 17), np.float32),
  )
  (folder / 'a.pkl').write_bytes(pickle.dumps([poses]))
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  config.data.dataset, config.data.format = 'mine', 'pyskl'
  config.data.skeleton = 'coco_17'
  untrained_run.write_workdir(
    folder / 'run', config, get_skeleton('coco_17'), tiny_run.CLASS_NAMES
  )
  return folder


@pytest.fixture(scope='module')
def files(folder):
  """Hostile files of all kinds, and copies of the smaller ones as *.csv and *.eaf."""
  found = [path for _, path in make_kinds(folder / 'kinds')]
  if HOSTILE.is_dir():
    found += sorted(HOSTILE.iterdir())
  found = [
    file
    for path in found
    for file in (sorted(path.rglob('*')) if os.path.isdir(path) else [path])
    if not os.path.isdir(file)
  ]
  (folder / 'copies').mkdir()
  copies = []
  for number, file in enumerate(dict.fromkeys(found)):
    for suffix in ('.csv', '.eaf'):
      if os.path.isfile(file) and file.suffix != suffix:
        copies.append(folder / 'copies' / f'{number}{suffix}')
        shutil.copyfile(file, copies[-1])
  return [*dict.fromkeys(found), *copies]


def check(keys, found, capsys, *, name):
  faults = []
  for key, outcome in zip(keys, found, strict=True):
    longest = max(map(len, outcome.error.splitlines() or ['']))
    if outcome.fault or 'Traceback' in outcome.printed or longest > _LONGEST:
      faults.append(f'{key}: {outcome.fault or outcome.printed[-1500:]}')
  kinds = collections.Counter(bool(outcome.error) for outcome in found)
  with capsys.disabled():
    print(
      f'\n{name}: {len(found)} files, {kinds[True]} refused, at most'
      f' {max(o.seconds for o in found):.1f} s,'
      f' {max(o.memory for o in found) >> 20} MiB'
    )
  assert not faults, '\n\n'.join(faults[:20]) + f'\n{len(faults)} faults'
  assert kinds[True]


def segments(folder, file, data):
  return [
    'export',
    f'--poses={folder / "a.pkl"}',
    '--format=pyskl',
    '--skeleton=coco_17',
    '--fps=50',
    '--dataset=mine',
    f'--data_dir={data}',
    '--window=2',
    '--stride=1',
    f'--segments={file}',
  ]


def test_sound_segments_are_exported(folder):
  """Else the tests below would refuse for another reason."""
  cases = []
  for name, text in SEGMENTS.items():
    file = folder / 'sound' / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(filled(text))
    cases.append(segments(folder, file, folder / 'sound_data' / name))
  for outcome in outcomes(cases):
    assert (outcome.fault, outcome.error) == ('', ''), outcome


def test_segments_of_export(folder, files, capsys):
  tables = write_hostile(folder / 'segments', SEGMENTS, _SEEDS)
  keys = [*files, *tables]
  found = outcomes(
    [segments(folder, f, folder / 'data' / str(n)) for n, f in enumerate(keys)]
  )
  check(keys, found, capsys, name='segments of export')


def test_segments_and_videos_of_predict(folder, files, capsys):
  tables = write_hostile(folder / 'again', SEGMENTS, _SEEDS)
  poses = [str(folder / 'a.pkl'), '--format=pyskl', '--skeleton=coco_17']
  keys, cases = [], []
  for file in [*files, *tables]:
    keys.append(('segments', file))
    cases.append(['predict', *poses, '--fps=50', '--window=2', f'--segments={file}'])
  for file in files:
    keys.append(('video', file))
    picture = folder / 'seen' / f'{len(keys)}.gif'
    picture.parent.mkdir(exist_ok=True)
    cases.append(['predict', *poses, f'--video={file}', f'--output={picture}'])
  check(keys, model_doors.outcomes(folder / 'run', cases), capsys, name='predict')


@pytest.fixture(scope='module')
def extracted(tmp_path_factory):
  """The data set `mine` of one video, with its poses to edit."""
  folder = tmp_path_factory.mktemp('extracted')
  cv2 = pytest.importorskip('cv2', reason='OpenCV is not installed')
  (folder / 'videos' / 'a').mkdir(parents=True)
  for number, frame in enumerate(frames_with_dots(3), start=1):
    assert cv2.imwrite(str(folder / 'videos' / 'a' / f'{number}.png'), frame)
  extract_dataset(
    list_videos(folder / 'videos'),
    FakePoseNetwork(),
    dataset='mine',
    data_dir=folder / 'data',
    options=ExtractionOptions(frame_rate=25.0, stride=1),
    progress=lambda line: None,
  )
  # Records cannot be read in a fork of a process that has read some itself.
  shutil.rmtree(folder / 'data' / 'mine' / 'heatmaps')
  return folder / 'data'


def test_labels_and_edited_files(folder, files, extracted, capsys):
  keys, cases = [], []
  tables = write_hostile(folder / 'labels', LABELS, 5 * _SEEDS)
  for place in ('labels', 'mine/poses/videos.csv', 'mine/poses/a.json'):
    for file in [*files, *(tables if place != 'mine/poses/a.json' else ())]:
      data = folder / 'extracted' / str(len(keys))
      shutil.copytree(extracted, data)
      case = ['label', '--dataset=mine', f'--data_dir={data}']
      if place == 'labels':
        case.append(f'--labels={file}')
      elif os.path.isfile(file):
        shutil.copyfile(file, data / place)
      keys.append((place, file))
      cases.append(case)
  check(keys, outcomes(cases), capsys, name='label')
