"""Damaged data sets: every kind of damage ends in one line that names the file."""

import functools
import json
import pathlib
import shutil

import pytest
from tiny_export import export_tiny

from input_pipeline.errors import PoseDatasetError
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.validation.stored_dataset import check_stored, datasets_at

SHARD = 'tiny-train1.array_record-00000-of-00001'
INFO, FEATURES, METADATA = 'dataset_info.json', 'features.json', 'metadata.json'
DIGESTS, LABELS = 'digests.json', 'label.labels.txt'


def flipped(at, path):
  content = bytearray(path.read_bytes())
  content[int(at * len(content))] ^= 0x5A
  path.write_bytes(content)


def truncated(path):
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
  path.write_bytes(b'')


def longer(path):
  path.write_bytes(path.read_bytes() + b'\n ')


def edited(change, path):
  fields = json.loads(path.read_text())
  change(fields)
  path.write_text(json.dumps(fields))


def relabelled(fields):
  fields['splits']['train1']['labels'][0] = 2


def relabelled_unknown(fields):
  fields['splits']['train1']['labels'][0] = 99


def lost_clip(fields):
  fields['splits']['train1']['video_ids'].pop()


def lost_all(fields):
  for column in fields['splits']['train1'].values():
    column.pop()


def lost_skeleton(fields):
  del fields['skeleton']


def another_version(fields):
  fields['version'] = '7.0.0'


def lost_splits(fields):
  fields['splits'] = []


DAMAGE = {
  'a flip in a shard': (SHARD, functools.partial(flipped, 0.0009)),
  'a flip at the end of a shard': (SHARD, functools.partial(flipped, 0.9999)),
  'a flip in the middle of a shard': (SHARD, functools.partial(flipped, 0.5)),
  'half a shard': (SHARD, truncated),
  'an empty shard': (SHARD, emptied),
  'a shard that is too long': (SHARD, longer),
  'no shard': (SHARD, pathlib.Path.unlink),
  **{
    f'{what} {name}': (name, how)
    for name in (INFO, FEATURES, METADATA)
    for what, how in {
      'no': pathlib.Path.unlink,
      'an empty': emptied,
      'half a': truncated,
      'a flip in': functools.partial(flipped, 0.5),
    }.items()
  },
  'not an object': (METADATA, lambda path: path.write_text('[1, 2]')),
  'not UTF-8': (METADATA, lambda path: path.write_bytes(b'\xff\xfe{')),
  'deep nesting': (METADATA, lambda path: path.write_text('[' * 100_000)),
  'another label': (METADATA, functools.partial(edited, relabelled)),
  'an impossible label': (METADATA, functools.partial(edited, relabelled_unknown)),
  'one name less': (METADATA, functools.partial(edited, lost_clip)),
  'one clip less': (METADATA, functools.partial(edited, lost_all)),
  'no skeleton': (METADATA, functools.partial(edited, lost_skeleton)),
  'another version': (INFO, functools.partial(edited, another_version)),
  'no splits': (INFO, functools.partial(edited, lost_splits)),
  'no labels': (LABELS, pathlib.Path.unlink),
  'other labels': (LABELS, longer),
  'no digests': (DIGESTS, pathlib.Path.unlink),
  'empty digests': (DIGESTS, emptied),
  'a flip in the digests': (DIGESTS, functools.partial(flipped, 0.5)),
}
# Data sets without digests show these only as other content, or not at all.
NOT_SEEN_WITHOUT_DIGESTS = {
  'a flip at the end of a shard',
  'a shard that is too long',
  'another label',
  'no labels',
  'other labels',
  'another version',
  'a flip in features.json',
  'a flip in dataset_info.json',
  'a flip in metadata.json',
}


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
  folder = tmp_path_factory.mktemp('sound')
  export_tiny(folder)
  return folder


@pytest.fixture
def dataset(sound, tmp_path):
  """The directory of a sound data set, to be damaged."""
  shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
  return tmp_path / 'tiny' / 'keypoints' / '1.0.0'


def without_digests(directory):
  """The data set as an earlier release wrote it."""
  (directory / DIGESTS).unlink()
  edited(
    lambda fields: [fields.pop('digests'), fields.pop('source')], directory / METADATA
  )


def read_all(directory):
  opened = open_dataset(directory.parents[2], 'tiny', 'keypoints')
  for split in opened.splits:
    opened.clips(split)
    list(opened.records(split))


def check_line(line, directory, name):
  assert '\n' not in line
  assert f'{directory / name} is damaged: ' in line


@pytest.mark.parametrize('kind', DAMAGE)
def test_damage_is_named_when_the_data_set_is_read(dataset, kind):
  name, damage = DAMAGE[kind]
  damage(dataset / name)
  if kind == 'a flip at the end of a shard':
    read_all(dataset)  # In bytes that no record uses; `validate` finds it.
    return
  with pytest.raises(PoseDatasetError) as refused:
    read_all(dataset)
  message = str(refused.value)
  if kind == f'no {INFO}':
    assert 'only an unfinished export' in message
  else:
    check_line(message, dataset, name)
  assert 'export_dataset.py' in message


@pytest.mark.parametrize('kind', DAMAGE)
def test_validate_finds_all_damage(dataset, kind):
  name, damage = DAMAGE[kind]
  damage(dataset / name)
  assert datasets_at(dataset.parents[1]) == datasets_at(dataset) == (dataset,)
  lines, is_whole = check_stored(datasets_at(dataset)[0], lambda line: None)
  assert not is_whole
  check_line(lines[0], dataset, name)
  assert 'make the data set again: ' in lines[-1]
  assert '--overwrite' in lines[-1]


@pytest.mark.parametrize(
  'kind', [kind for kind, (name, _) in DAMAGE.items() if name != DIGESTS]
)
def test_damage_to_a_data_set_made_before(dataset, kind):
  """Without digests some damage stays unseen, but no other error appears."""
  without_digests(dataset)
  name, damage = DAMAGE[kind]
  damage(dataset / name)
  try:
    read_all(dataset)
  except PoseDatasetError as error:
    assert '\n' not in str(error) or 'only an unfinished export' in str(error)
  else:
    assert kind in NOT_SEEN_WITHOUT_DIGESTS


@pytest.mark.parametrize('name', [INFO, FEATURES, METADATA])
def test_no_flip_ends_in_another_error(dataset, name):
  without_digests(dataset)
  content = (dataset / name).read_bytes()
  for place in range(0, len(content), 37):
    (dataset / name).write_bytes(
      content[:place] + bytes([content[place] ^ 0x11]) + content[place + 1 :]
    )
    try:
      read_all(dataset)
    except PoseDatasetError as error:
      assert f'{dataset}/' in str(error)


def test_a_sound_data_set(dataset):
  read_all(dataset)
  lines, is_whole = check_stored(datasets_at(dataset)[0], lambda line: None)
  assert is_whole
  assert lines == [
    f'{dataset}: clips per split: train1 3, test1 2; every file is as it was written'
  ]


def test_a_data_set_made_before_opens_and_says_that_it_cannot_be_verified(dataset):
  without_digests(dataset)
  read_all(dataset)
  assert not open_dataset(dataset.parents[2], 'tiny', 'keypoints').verifiable
  (found, note), is_whole = check_stored(datasets_at(dataset)[0], lambda line: None)
  assert is_whole
  assert found.endswith('every record can be read')
  assert note.startswith('note: ')
  assert 'damage to its files cannot be detected' in note
