"""Data sets in object stores: s3:// through fsspec, gs:// through array_record."""

import http.server
import os
import subprocess
import sys
import threading
import urllib.parse
from importlib.util import find_spec

import fsspec
import numpy as np
import pytest
from etils import epath
from etils.epath import gpath
from fsspec.implementations.memory import MemoryFileSystem

from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.export import export_dataset
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage import paths
from input_pipeline.storage.dataset import open_dataset

SKELETON = Skeleton('duo', ('head', 'neck'), (('head', 'neck'),))


class StoreInMemory(MemoryFileSystem):
  """An s3:// file system for fsspec, kept in this process's memory."""

  protocol = 's3'
  store: dict = {}  # noqa: RUF012 (fsspec's convention)
  pseudo_dirs = ['']  # noqa: RUF012

  @classmethod
  def _strip_protocol(cls, path):
    return super()._strip_protocol(os.fspath(path).removeprefix('s3:'))


@pytest.fixture
def bucket(monkeypatch, tmp_path):
  """An empty store, whose copies go to `tmp_path / 'cache'`."""
  monkeypatch.setenv('EPATH_USE_TF', 'false')
  monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path / 'cache'))
  gpath._is_tf_installed.cache_clear()
  fsspec.register_implementation('s3', StoreInMemory, clobber=True)
  StoreInMemory.store.clear()
  StoreInMemory.pseudo_dirs[:] = ['']
  epath.Path('s3://bucket').mkdir(parents=True, exist_ok=True)
  yield epath.Path('s3://bucket/data')
  gpath._is_tf_installed.cache_clear()


def make_clip(video_id):
  number = int(video_id[1:])
  rng = np.random.default_rng(number)
  shape = (3 + number, 1, 2)
  keypoints, scores = rng.uniform(0, 60, (*shape, 2)), rng.uniform(0.1, 1, shape)
  return PoseClip(video_id, keypoints, scores, (60, 80), SKELETON, (number % 2,))


def make_source(load=make_clip):
  splits = {'train': ('v4', 'v0', 'v7'), 'test': ('v2',)}
  return PoseSource(SKELETON, ('run', 'sit'), splits, load)


def export_tiny(data_dir, source=None, **kwargs):
  return export_dataset(
    source or make_source(),
    dataset='tiny',
    representation='keypoints',
    data_dir=data_dir,
    min_shards=2,
    progress=lambda line: None,
    **kwargs,
  )


def names(folder):
  return sorted(file.name for file in folder.iterdir())


def test_a_data_set_is_written_to_a_store_and_read_from_it(bucket, tmp_path):
  export_tiny(tmp_path / 'folder')
  summary = export_tiny(bucket)

  assert os.fspath(summary.directory) == 's3://bucket/data/tiny/keypoints/1.0.0'
  assert names(bucket) == ['tiny']
  here = tmp_path / 'folder' / 'tiny' / 'keypoints' / '1.0.0'
  assert {file.name: file.read_bytes() for file in summary.directory.iterdir()} == {
    file.name: file.read_bytes() for file in here.iterdir()
  }
  dataset = open_dataset('s3://bucket/data', 'tiny', 'keypoints')
  assert dataset.clips('train').video_ids == ('v4', 'v0', 'v7')
  records = dataset.records('train')
  assert len(records) == 3
  assert records[2]['video_id'] == b'v7'
  np.testing.assert_array_equal(
    records[2]['keypoints'][..., :2], make_clip('v7').keypoints
  )


def test_only_the_splits_that_are_read_are_copied(bucket, tmp_path):
  export_tiny(bucket)
  open_dataset(bucket, 'tiny', 'keypoints').records('test')
  (cache,) = (tmp_path / 'cache').iterdir()
  assert [n for n in names(cache) if 'array_record' in n] == [
    'tiny-test.array_record-00000-of-00001'
  ]
  dataset = open_dataset(bucket, 'tiny', 'keypoints')
  for file in dataset.directory.glob('*array_record*'):
    file.unlink()
  assert dataset.records('test')[0]['video_id'] == b'v2'  # From the copy.


def test_without_its_metadata_a_data_set_is_not_there(bucket):
  directory = export_tiny(bucket).directory
  (directory / 'dataset_info.json').unlink()
  with pytest.raises(PoseDatasetError, match='only an unfinished export'):
    open_dataset(bucket, 'tiny', 'keypoints')
  export_tiny(bucket)
  assert len(open_dataset(bucket, 'tiny', 'keypoints').records('train')) == 3


def test_metadata_are_written_last(bucket, monkeypatch):
  copied = []
  copy = gpath.PosixGPath.copy

  def spy(self, dst, overwrite=False):
    copied.append(epath.Path(dst).name)
    return copy(self, dst, overwrite=overwrite)

  monkeypatch.setattr(gpath.PosixGPath, 'copy', spy)
  export_tiny(bucket)
  assert copied[-1] == 'dataset_info.json'
  assert sum('array_record' in name for name in copied) == 3


def test_an_error_leaves_nothing_in_the_store(bucket):
  def load(video_id):
    if video_id == 'v7':
      raise KeyboardInterrupt('clip v7 it was')
    return make_clip(video_id)

  with pytest.raises(KeyboardInterrupt, match='clip v7 it was'):
    export_tiny(bucket, make_source(load))
  assert StoreInMemory.store == {}


def test_replaces_only_when_told_to(bucket):
  export_tiny(bucket)
  with pytest.raises(PoseDatasetError, match=r'already there as keypoints, at s3://'):
    export_tiny(bucket)
  splits = {'new': ('v1',)}
  source = PoseSource(SKELETON, ('run', 'sit'), splits, make_clip)
  directory = export_tiny(bucket, source, overwrite=True).directory
  assert not [name for name in names(directory) if 'train' in name]
  assert open_dataset(bucket, 'tiny', 'keypoints').splits == ('new',)


def test_the_old_data_set_stays_until_the_new_one_is_complete(bucket):
  directory = export_tiny(bucket).directory
  before = dict(StoreInMemory.store)

  def load(video_id):
    if video_id == 'v7':
      raise KeyboardInterrupt('clip v7 it was')
    return make_clip(video_id)

  with pytest.raises(KeyboardInterrupt, match='clip v7 it was'):
    export_tiny(bucket, make_source(load), overwrite=True)
  assert StoreInMemory.store == before
  assert names(bucket) == ['tiny']
  assert len(open_dataset(bucket, 'tiny', 'keypoints').records('train')) == 3
  assert export_tiny(bucket, overwrite=True).directory == directory
  assert names(bucket) == ['tiny']


def test_a_copy_that_fails_leaves_the_new_files_beside_their_place(bucket, monkeypatch):
  export_tiny(bucket)
  copy, built = gpath.PosixGPath.copy, '.export-tiny-keypoints/built/'

  def fail_at_metadata(self, dst, overwrite=False):
    if f'{built}dataset_info.json' in os.fspath(self):
      raise OSError('the network is gone')
    return copy(self, dst, overwrite=overwrite)

  monkeypatch.setattr(gpath.PosixGPath, 'copy', fail_at_metadata)
  with pytest.raises(OSError, match='the network is gone'):
    export_tiny(bucket, overwrite=True)
  with pytest.raises(PoseDatasetError, match='only an unfinished export'):
    open_dataset(bucket, 'tiny', 'keypoints')
  assert (bucket / built / 'dataset_info.json').exists()


@pytest.mark.skipif(find_spec('adlfs') is not None, reason='adlfs is installed')
def test_a_store_without_its_package_says_so(bucket):
  message = r'az://bucket/data/tiny.* cannot be read: .*adlfs'
  with pytest.raises(PoseDatasetError, match=message):
    open_dataset('az://bucket/data', 'tiny', 'keypoints')


@pytest.fixture
def storage_service(tmp_path):
  """Address of a stand-in for Google's service, which serves byte ranges of `tmp_path`."""

  class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
      place = urllib.parse.urlparse(self.path).path  # /storage/v1/b/BUCKET/o/NAME
      name = urllib.parse.unquote(place.split('/o/', 1)[1])
      content = (tmp_path / name).read_bytes()
      start, _, end = self.headers['Range'].removeprefix('bytes=').partition('-')
      if start:
        first, last = int(start), min(int(end or len(content)), len(content) - 1)
      else:
        first, last = max(len(content) - int(end), 0), len(content) - 1
      body = content[first : last + 1]
      self.send_response(206)
      self.send_header('Content-Range', f'bytes {first}-{last}/{len(content)}')
      self.send_header('Content-Length', str(len(body)))
      self.end_headers()
      self.wfile.write(body)

    def log_message(self, *args):
      pass

  server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  yield f'http://127.0.0.1:{server.server_port}'
  server.shutdown()
  server.server_close()


def test_array_record_reads_gs_by_itself(tmp_path, storage_service):
  shard = next(export_tiny(tmp_path / 'd').directory.glob('*train*-00001-of-00002'))
  code = """
import sys
from array_record.python.array_record_module import ArrayRecordReader
reader = ArrayRecordReader(sys.argv[1], 'readahead_buffer_size:0')
print(reader.num_records(), b'v7' in reader.read([1])[0])
"""
  name = f'gs://bucket/{shard.relative_to(tmp_path)}'
  done = subprocess.run(
    [sys.executable, '-c', code, name],
    env={**os.environ, 'CLOUD_STORAGE_EMULATOR_ENDPOINT': storage_service},
    capture_output=True,
    text=True,
    timeout=60,
    check=False,
  )
  assert done.stdout == '2 True\n', done.stderr
