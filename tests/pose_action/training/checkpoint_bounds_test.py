"""Checkpoints made to exhaust the machine: each is named as damaged before it is read."""

import contextlib
import json
import os
import shutil

import pytest
import small_checkpoints
import tensorstore

from pose_action.training.checkpoint_bounds import check_description, check_files
from pose_action.training.checkpoint_digests import (
  DamagedCheckpointError,
  check_arrays,
  read_left_open,
)
from pose_action.training.checkpoints import Checkpoints


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('saved')
  with contextlib.closing(Checkpoints(workdir)) as checkpoints:
    small_checkpoints.save(checkpoints, 3)
  return workdir / 'checkpoints' / '3'


@pytest.fixture
def step(saved, tmp_path):
  return shutil.copytree(saved, tmp_path / '3')


def test_a_whole_checkpoint_is_within_bounds_also_as_links(step):
  check_files(step)
  (step / 'state').rename(step.with_name('elsewhere'))
  (step / 'state').symlink_to(step.with_name('elsewhere'))
  check_files(step)
  check_arrays(step)


def _replaced(step, by):
  file = step / 'state/_sharding'
  file.unlink()
  by(file)


@pytest.mark.parametrize(
  ('by', 'message'),
  [
    (os.mkfifo, 'state/_sharding is no file, and no folder'),
    (lambda file: file.symlink_to('/dev/zero'), 'state/_sharding is no file'),
    (lambda file: file.symlink_to(file.name), 'state/_sharding is no file'),
    (lambda file: file.symlink_to('nowhere'), 'state/_sharding is no file'),
    (lambda file: file.symlink_to('..'), 'is nested too deep'),
    (
      lambda file: (file.touch(), os.truncate(file, 3 << 30)),
      'state/_sharding has 3,221,225,472 bytes, at most 16,777,216 are read',
    ),
  ],
  ids=['pipe', 'device', 'circle', 'nowhere', 'up', 'large'],
)
def test_files_out_of_bounds(step, by, message):
  _replaced(step, by)
  with pytest.raises(DamagedCheckpointError, match=message) as error:
    check_files(step)
  assert str(step) in str(error.value)


@pytest.mark.parametrize('shape', [[10**12], [1 << 28]])
def test_an_array_far_larger_than_its_files(step, shape):
  """It has no chunks, so that all of it is zeros."""
  shutil.rmtree(step / 'digests')
  database = {'driver': 'ocdbt', 'base': f'file://{step / "state"}/'}
  store = tensorstore.KvStore.open(database).result()
  header = json.loads(store['params.w/.zarray'])
  header |= {'shape': shape, 'chunks': [1 << 20], 'dtype': '<f4'}
  store['params.w/.zarray'] = json.dumps(header).encode()
  message = r'array params\.w would have [\d,]+ bytes, but the files of all arrays have'
  with pytest.raises(DamagedCheckpointError, match=message):
    check_arrays(step)


def _described(**config):
  model = {'name': 'pa3d', 'features': [8], **config.get('model', {})}
  return {
    'config': {'data': config.get('data', {}), 'model': model},
    'class_names': ['a'],
    'skeleton': {},
  }


def test_descriptions_within_bounds(tmp_path):
  check_description(tmp_path, _described())
  check_description(tmp_path, _described(data={'num_frames': 16_384, 'fps': 29.97}))


@pytest.mark.parametrize(
  ('description', 'message'),
  [
    (_described() | {'class_names': 'ab'}, 'class_names in run/metadata is no list'),
    (_described() | {'class_names': [1]}, 'class_names in run/metadata are no names'),
    (_described() | {'skeleton': []}, 'skeleton in run/metadata is no dict'),
    (_described() | {'config': {'model': 5}}, r'config\.model in run/metadata is no'),
    (
      _described() | {'config': {'eval': 'x'}},
      r'config\.eval in run/metadata is no dict',
    ),
    (
      _described(model={'convolutions': 10**6}),
      r'config\.model\.convolutions in run/metadata is 1000000, but at most 64',
    ),
    (
      _described(model={'features': [8, 10**9]}),
      r'config\.model\.features in run/metadata is 1000000000, but at most 65,536',
    ),
    (_described(model={'features': [8] * 2000}), 'has 2,000 items, at most 1,024'),
    (_described(data={'num_frames': 10**9}), r'num_frames in .* but at most 16,384'),
    (_described(data={'map_sigma': float('nan')}), 'map_sigma in .* is nan, but'),
    (_described(data={'potion': {'channels': -(10**9)}}), 'potion.channels in .* -100'),
  ],
)
def test_descriptions_out_of_bounds(tmp_path, description, message):
  with pytest.raises(DamagedCheckpointError, match=message):
    check_description(tmp_path, description)


@pytest.mark.parametrize(
  'content', [{}, {'metrics': 1, 'evaluation': True}, {'metrics': {}}]
)
def test_what_a_stop_left_open_has_one_form(tmp_path, content):
  (tmp_path / 'left_open').mkdir()
  (tmp_path / 'left_open/metadata').write_text(json.dumps(content))
  with pytest.raises(DamagedCheckpointError, match='left_open/metadata has another fo'):
    read_left_open(tmp_path)


def test_a_description_nested_without_end(step):
  """Orbax reads it, and ends in a RecursionError."""
  deep = '{"a":' * 100_000 + '1' + '}' * 100_000
  (step / '_CHECKPOINT_METADATA').write_text(deep)
  message = '_CHECKPOINT_METADATA is nested too deep'
  with pytest.raises(DamagedCheckpointError, match=message):
    check_files(step)


def test_an_array_of_texts_of_a_gigabyte_each(step):
  """TensorStore makes room for their declared length, and ended the process."""
  shutil.rmtree(step / 'digests')
  database = {'driver': 'ocdbt', 'base': f'file://{step / "state"}/'}
  store = tensorstore.KvStore.open(database).result()
  name = next(k for k in store.list().result() if k.endswith(b'/.zarray'))
  store[name] = json.dumps(json.loads(store[name]) | {'dtype': '|S1000000000'}).encode()
  with pytest.raises(DamagedCheckpointError, match='is no array of numbers'):
    check_arrays(step)
