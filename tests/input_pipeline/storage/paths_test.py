import os

import pytest

from input_pipeline.errors import PoseDatasetError
from input_pipeline.storage import paths
from input_pipeline.storage.paths import (
  cache_of,
  copy_missing,
  data_path,
  is_read_in_place,
  is_remote,
)


@pytest.mark.parametrize(
  ('path', 'text', 'remote', 'in_place'),
  [
    ('/data', '/data', False, True),
    ('~/data', '/home/me/data', False, True),
    ('file:///data/x', '/data/x', False, True),
    ('gs://bucket/x', 'gs://bucket/x', True, True),
    ('s3://bucket/x', 's3://bucket/x', True, False),
    ('hf://datasets/me/x', 'hf://datasets/me/x', True, False),
  ],
)
def test_folders_and_stores(monkeypatch, path, text, remote, in_place):
  monkeypatch.setenv('HOME', '/home/me')
  monkeypatch.setenv('EPATH_USE_TF', 'false')
  assert os.fspath(data_path(path)) == text
  assert os.fspath(data_path(data_path(path))) == text
  assert is_remote(path) is is_remote(data_path(path)) is remote
  assert is_read_in_place(path) is is_read_in_place(data_path(path)) is in_place


def test_another_scheme_is_no_folder():
  message = r'scheme memory://, but data sets must be in a folder or .* gs://, s3://'
  with pytest.raises(PoseDatasetError, match=message):
    data_path('memory://x')


def test_what_tensorflow_cannot_read_is_not_left_to_it(monkeypatch):
  monkeypatch.delenv('EPATH_USE_TF', raising=False)
  monkeypatch.setattr(paths, 'find_spec', lambda name: name == 'tensorflow')
  with pytest.raises(
    PoseDatasetError, match=r'not support s3://; set EPATH_USE_TF=false'
  ):
    data_path('s3://bucket/x')
  assert os.fspath(data_path('gs://bucket/x')) == 'gs://bucket/x'
  monkeypatch.setattr(paths, 'find_spec', lambda name: None)
  assert os.fspath(data_path('s3://bucket/x')) == 's3://bucket/x'


def test_a_replaced_data_set_has_another_cache(tmp_path, monkeypatch):
  monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path / 'cache'))
  directory = data_path(tmp_path / 'tiny' / 'keypoints' / '1.0.0')
  directory.mkdir(parents=True)
  (directory / 'dataset_info.json').write_text('one')
  first = cache_of(directory)
  assert first == cache_of(directory)
  assert first.parent == data_path(tmp_path / 'cache')
  assert first.name.startswith('tiny-')

  (directory / 'dataset_info.json').write_text('two')
  assert cache_of(directory) != first


def test_files_are_copied_once_and_whole(tmp_path):
  files = [data_path(tmp_path / name) for name in ('a', 'b')]
  for file in files:
    file.write_text(f'content of {file.name}')
  folder = data_path(tmp_path / 'copies')

  copy_missing(files, folder)
  (folder / 'a').write_text('kept')
  copy_missing(files, folder)

  assert {f.name: f.read_text() for f in folder.iterdir()} == {
    'a': 'kept',
    'b': 'content of b',
  }


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path):
  folder = data_path(tmp_path / 'copies')
  with pytest.raises(FileNotFoundError):
    copy_missing([data_path(tmp_path / 'missing')], folder)
  assert list(folder.iterdir()) == []
