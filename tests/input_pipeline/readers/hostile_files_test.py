"""Files made to break a reader: each ends in one line, soon, with little memory.

Each case opens a file in a process of its own (`limited_doors`), through Python, validate
and export, with its format given and recognised; and in one that holds a model
(`model_doors`), through predict, visualize and train.
"""

import pathlib
import re

import model_doors
import pytest
import tiny_run
import untrained_run
from hostile_files import make_kinds
from limited_doors import Outcome, outcomes
from places import SHARED_DATA

from input_pipeline.skeletons.registry import get_skeleton

HOSTILE = SHARED_DATA.parent / 'hostile'
_LONGEST_MESSAGE = 3000
_SKELETONS = {
  'jhmdb_tree': '',
  'jmrn_official': '',
  'mediapipe': '',
  'openpose': 'openpose_18',
  'openpose_maps': 'openpose_18',
  'penn_action': '',
}
_SIZE = '--frame_size=320x240'
_TAKES_NO_SIZE = ('ava', 'jhmdb_tree', 'jmrn_official', 'penn_action')
# What each input of the shared folder is read as, and what the message must say.
SHARED = [
  ('pyskl', 'pickle_object_array_short.pkl', r'shape \(1000,\) needs 1,000 elements'),
  ('pyskl', 'pickle_nested_tuple_dict_key/p.pkl', 'nested more than 100 deep'),
  ('pyskl', 'pickle_label_1e9_no_classes/p.pkl', 'label is 1000000000|class names are'),
  ('pyskl', 'pickle_bytearray_bomb/p.pkl', 'bytearray of a int'),
  ('pyskl', 'pickle_laughs_label/p.pkl', 'lists are shared many times'),
  (
    'pyskl',
    'kp_total_frames_1e9/p.pkl',
    r'total_frames is 1000000000, .* 1\.\.1000000',
  ),
  ('jmrn_official', 'jmrn_label_1e9', 'is 1000000000, but a class index is in'),
  ('numpy', 'npy_t1e9_m0', r'shape \(1000000000, 0, 17, 3\), which has no numbers'),
  ('alphapose', 'alphapose_gap_1e6_frames/v.json', 'only 2 of these 1000000 frames'),
  ('mediapipe', 'csv_frame_5000_digits/v.csv', '5000 digits'),
  ('ava', 'ava_field_limit', 'field|line 1'),
  ('penn_action', 'penn_dim_nan', 'dimensions are .*nan'),
  ('openpose_maps', 'op_float_inf', 'the first .*inf'),
  *(
    (format, 'json_deep_1e5/v.json', 'nested too deeply')
    for format in ('alphapose', 'coco', 'mediapipe', 'mmpose', 'ultralytics')
  ),
]
_DOORS = ('read', 'validate', 'recognised', 'export')
_MODEL_DOORS = ('predict', 'visualize', 'train')


def to_train(format: str, path: pathlib.Path, folder: pathlib.Path) -> list[str]:
  """A case of `model_doors`: the file in place of the config's data set."""
  skeleton = _SKELETONS.get(format, 'coco_17')
  run = f'run_{len(list(folder.glob("run_*")))}'
  (folder / run).mkdir()
  fields = {
    'poses': path,
    'format': format,
    'dataset': run,
    'data_dir': folder / 'data',
    'train_split': 'all',
    'test_split': '',
    **({'skeleton': skeleton} if skeleton else {}),
    **({} if format in _TAKES_NO_SIZE else {'frame_size': '320x240'}),
  }
  return [
    'train',
    '--config=tests/support/tiny_run.py',
    f'--workdir={folder / run}',
    *(f'--config.data.{name}={value}' for name, value in fields.items()),
  ]


def words(
  door: str, format: str, path: pathlib.Path, folder: pathlib.Path
) -> list[str]:
  """A case for `outcomes`, here and of `model_doors`."""
  if door == 'train':
    return to_train(format, path, folder)
  skeleton = _SKELETONS.get(format, 'coco_17')
  if door == 'read':
    return ['read', format, str(path), skeleton]
  flags = [f'--poses={path}', *([f'--skeleton={skeleton}'] if skeleton else [])]
  if door == 'recognised':
    return ['validate', *flags]
  flags += [f'--format={format}', *([] if format in _TAKES_NO_SIZE else [_SIZE])]
  if door == 'export':
    flags += ['--dataset=mine', f'--data_dir={folder}']
  return [door, *flags]


def check(outcome: Outcome):
  """Checks that a case ended in one line per fault, without a traceback."""
  assert outcome.fault == ''
  assert 'Traceback' not in outcome.printed
  for line in outcome.error.splitlines():
    assert len(line) < _LONGEST_MESSAGE


@pytest.fixture(scope='module')
def made(tmp_path_factory):
  folder = tmp_path_factory.mktemp('hostile')
  keys = [
    (door, format, path)
    for format, path in make_kinds(folder)
    for door in ('read', 'export')
  ]
  found = outcomes([words(*key, folder / 'data') for key in keys])
  return list(zip(keys, found, strict=True))


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
  if not HOSTILE.is_dir():
    pytest.skip(f'hostile files not found at {HOSTILE}')
  data_dir = tmp_path_factory.mktemp('data')
  keys = [(door, format, name) for format, name, _ in SHARED for door in _DOORS]
  found = outcomes([words(d, f, HOSTILE / name, data_dir) for d, f, name in keys])
  return dict(zip(keys, found, strict=True))


@pytest.mark.parametrize('door', _DOORS)
@pytest.mark.parametrize(('format', 'name', 'message'), SHARED)
def test_shared_files(shared, door, format, name, message):
  outcome = shared[door, format, name]
  check(outcome)
  assert outcome.error
  if door in ('validate', 'export'):  # The others lack the frame size, or the format.
    assert re.search(message, outcome.error), outcome.error


def test_files_of_other_kinds(made):
  for (door, format, path), outcome in made:
    try:
      check(outcome)
    except AssertionError as error:
      raise AssertionError(f'{door} {format} {path}: {error}') from error


@pytest.fixture(scope='module')
def to_a_model(tmp_path_factory):
  """All cases of the doors with a model, in one process; by door, format and name."""
  folder = tmp_path_factory.mktemp('model')
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  config.data.dataset = 'mine'
  config.data.format = 'pyskl'
  config.data.skeleton = 'coco_17'
  untrained_run.write_workdir(
    folder / 'run', config, get_skeleton('coco_17'), tiny_run.CLASS_NAMES
  )
  (folder / 'frames').mkdir()
  (folder / 'frames' / '0.json').write_text('{"people": []}')
  flags = [f'--poses={folder}/frames', '--format=openpose']
  kinds = make_kinds(folder / 'kinds')
  cases = {}
  for door in _MODEL_DOORS:
    for format, path in kinds:
      cases[door, format, str(path)] = words(door, format, path, folder)
    for format, name, _ in SHARED if HOSTILE.is_dir() else ():
      cases[door, format, name] = words(door, format, HOSTILE / name, folder)
    for name in _SHARED_SKELETONS:
      cases[door, 'skeleton', name] = [door, *flags, f'--skeleton={HOSTILE}/{name}']
      if door == 'train':
        case = to_train('openpose', folder / 'frames', folder)
        case[-2] = f'--config.data.skeleton={HOSTILE}/{name}'
        cases[door, 'skeleton', name] = case
  found = model_doors.outcomes(folder / 'run', list(cases.values()))
  return dict(zip(cases, found, strict=True))


_SHARED_SKELETONS = {
  'yaml_laughs_name/s.yaml': 'aliases repeat values',
  'yaml_deep_1e5/s.yaml': 'nested more than 20 deep',
}


@pytest.mark.parametrize('door', _MODEL_DOORS)
@pytest.mark.parametrize(
  ('format', 'name', 'message'),
  [*SHARED, *(('skeleton', *item) for item in _SHARED_SKELETONS.items())],
)
def test_shared_files_to_a_model(to_a_model, door, format, name, message):
  if not HOSTILE.is_dir():
    pytest.skip(f'hostile files not found at {HOSTILE}')
  outcome = to_a_model[door, format, name]
  check(outcome)
  assert outcome.error
  assert re.search(message, outcome.printed), outcome.printed  # Also of single clips.


def test_files_of_other_kinds_to_a_model(to_a_model):
  for key, outcome in to_a_model.items():
    try:
      check(outcome)
    except AssertionError as error:
      raise AssertionError(f'{key}: {error}') from error


@pytest.fixture(scope='module')
def other_doors(tmp_path_factory):
  """Skeleton files and official annotations of the shared folder."""
  if not HOSTILE.is_dir():
    pytest.skip(f'hostile files not found at {HOSTILE}')
  folder = tmp_path_factory.mktemp('other')
  poses = folder / 'poses/v/v_000000000000_keypoints.json'
  poses.parent.mkdir(parents=True)
  poses.write_text('{"people": []}')
  dates = folder / 'dates.yaml'
  dates.write_text('name: 2023-02-30\njoints: [a]\nlimbs: []')
  charades = ['--dataset=charades', f'--annotations={HOSTILE}/charades_latin1']
  cases = {
    'laughs': ['skeleton', f'{HOSTILE}/yaml_laughs_name/s.yaml'],
    'deep': ['skeleton', f'{HOSTILE}/yaml_deep_1e5/s.yaml'],
    'deep_flag': [
      'validate',
      f'--poses={folder}/poses',
      f'--skeleton={HOSTILE}/yaml_deep_1e5/s.yaml',
    ],
    'date': ['skeleton', str(dates)],
    'no_user': ['skeleton', '~nosuchuser/s.yaml'],
    'mat': ['read', 'penn_action', str(_one_mat(folder)), ''],
    'charades': [
      'validate',
      *charades,
      '--format=openpose',
      f'--poses={folder}/poses',
      '--skeleton=openpose_18',
    ],
  }
  return dict(zip(cases, outcomes(list(cases.values())), strict=True))


def _one_mat(folder: pathlib.Path) -> pathlib.Path:
  labels = folder / 'labels'
  labels.mkdir()
  source = HOSTILE / 'mat_segfault_one_byte.mat'
  (labels / '0001.mat').write_bytes(source.read_bytes())
  return labels


@pytest.mark.parametrize(
  ('case', 'message'),
  [
    ('laughs', 'aliases repeat values'),
    ('deep', 'nested more than 20 deep'),
    ('deep_flag', 'nested more than 20 deep'),
    ('date', 'a value cannot be read: day is out of range'),
    ('no_user', 'nosuchuser'),
    ('mat', 'is not a readable MATLAB 5 file'),
    ('charades', 'charades_latin1'),
  ],
)
def test_shared_files_through_other_doors(other_doors, case, message):
  check(other_doors[case])
  assert message in other_doors[case].error
