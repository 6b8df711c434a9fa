"""Downloads from a local server that can be told to misbehave."""

import hashlib
import http.server
import io
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest
import scipy.io
from places import ROOT

from input_pipeline.catalog import jhmdb_download
from input_pipeline.catalog.downloads import DownloadError, download, extract_folder
from input_pipeline.readers.registry import read_poses

CONTENT = np.random.default_rng(0).bytes(1_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
  """Serves `files` by path.

  Attributes:
    script: what to do on the next requests: a number stops after that many bytes,
      'corrupt' changes the first byte. Later requests are served correctly.
    knows_ranges: whether the server supports the Range header.
    ranges: the Range header of each request so far.
    delay: seconds to wait in the middle of each body.
  """

  def __init__(self):
    super().__init__(('127.0.0.1', 0), Handler)
    self.files = {'/data.bin': CONTENT}
    self.script = []
    self.knows_ranges = True
    self.ranges = []
    self.delay = 0

  @property
  def url(self) -> str:
    return f'http://127.0.0.1:{self.server_port}'


class Handler(http.server.BaseHTTPRequestHandler):
  server: Server

  def do_GET(self):
    server = self.server
    server.ranges.append(self.headers['Range'])
    act = server.script.pop(0) if server.script else None
    content = server.files.get(self.path)
    if content is None:
      self.send_error(404)
      return
    start = 0
    if self.headers['Range'] and server.knows_ranges:
      start = int(self.headers['Range'].removeprefix('bytes=').removesuffix('-'))
      if start >= len(content):
        self.send_error(416)
        return
    body = content[start:]
    self.send_response(206 if start else 200)
    self.send_header('Content-Length', str(len(body)))
    self.end_headers()
    if act == 'corrupt':
      body = bytes([body[0] ^ 1]) + body[1:]
    body = body[:act] if isinstance(act, int) else body
    self.wfile.write(body[: len(body) // 2])
    time.sleep(server.delay)
    self.wfile.write(body[len(body) // 2 :])

  def log_message(self, *args):
    """Logs nothing."""


@pytest.fixture
def server(monkeypatch):
  monkeypatch.setenv('NO_PROXY', '127.0.0.1')
  with Server() as server:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()


def fetch(server, folder, md5=MD5):
  return download(f'{server.url}/data.bin', folder, md5=md5)


def names(folder):
  return sorted(path.name for path in folder.iterdir())


def test_fresh(server, tmp_path):
  path = fetch(server, tmp_path / 'new' / 'folder')
  assert path == tmp_path / 'new' / 'folder' / 'data.bin'
  assert path.read_bytes() == CONTENT
  assert names(path.parent) == ['data.bin']
  assert server.ranges == [None]


def test_what_is_there_is_not_fetched_again(server, tmp_path):
  fetch(server, tmp_path)
  fetch(server, tmp_path)
  assert len(server.ranges) == 1


def test_a_wrong_file_that_is_there_is_replaced(server, tmp_path):
  (tmp_path / 'data.bin').write_bytes(b'old')
  assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_resumed_within_one_call(server, tmp_path):
  server.script = [600_000, 200_000]
  assert fetch(server, tmp_path).read_bytes() == CONTENT
  assert names(tmp_path) == ['data.bin']
  starts = [int(r.removeprefix('bytes=').removesuffix('-')) for r in server.ranges[1:]]
  assert server.ranges[0] is None
  assert len(starts) == 2
  assert 0 < starts[0] < starts[1] < len(CONTENT)


def test_resumed_by_a_later_call(server, tmp_path):
  (tmp_path / 'data.bin.part').write_bytes(CONTENT[:123_456])
  assert fetch(server, tmp_path).read_bytes() == CONTENT
  assert server.ranges == ['bytes=123456-']
  assert names(tmp_path) == ['data.bin']


def test_what_came_is_kept_when_it_breaks_off_again_and_again(server, tmp_path):
  server.script = [100_000] * 100
  with pytest.raises(DownloadError, match=r'cannot download http.*/data\.bin: '):
    fetch(server, tmp_path)
  assert len(server.ranges) == 6  # One request, resumed five times.
  part = tmp_path / 'data.bin.part'
  assert names(tmp_path) == [part.name]
  assert part.stat().st_size > 5 * 50_000
  assert CONTENT.startswith(part.read_bytes())


def test_no_more_tries_once_nothing_comes(server, tmp_path):
  server.script = [100_000, 0, 100_000]
  with pytest.raises(DownloadError, match='cannot download'):
    fetch(server, tmp_path)
  assert len(server.ranges) == 2


def test_part_that_is_complete_already(server, tmp_path):
  (tmp_path / 'data.bin.part').write_bytes(CONTENT)
  assert fetch(server, tmp_path).read_bytes() == CONTENT
  assert server.ranges == ['bytes=1000000-']


def test_part_of_another_file(server, tmp_path):
  (tmp_path / 'data.bin.part').write_bytes(b'x' * 2_000_000)
  assert fetch(server, tmp_path).read_bytes() == CONTENT
  assert server.ranges == ['bytes=2000000-', None]


def test_server_that_does_not_know_ranges(server, tmp_path):
  server.knows_ranges = False
  (tmp_path / 'data.bin.part').write_bytes(CONTENT[:123_456])
  assert fetch(server, tmp_path).read_bytes() == CONTENT
  assert server.ranges == ['bytes=123456-']


def test_corrupted_once(server, tmp_path):
  server.script = ['corrupt']
  assert fetch(server, tmp_path).read_bytes() == CONTENT
  assert server.ranges == [None, None]  # From the beginning, not resumed.


def test_corrupted_always(server, tmp_path):
  server.script = ['corrupt'] * 10
  actual = hashlib.md5(bytes([CONTENT[0] ^ 1]) + CONTENT[1:]).hexdigest()
  with pytest.raises(
    DownloadError, match=rf'data\.bin arrived twice .*{MD5}.*{actual}'
  ):
    fetch(server, tmp_path)
  assert len(server.ranges) == 2
  assert names(tmp_path) == []


def test_nothing_at_the_url(server, tmp_path):
  with pytest.raises(DownloadError, match=r'cannot download .*/gone\.bin: 404'):
    download(f'{server.url}/gone.bin', tmp_path, md5=MD5)
  assert names(tmp_path) == []


def test_no_server(server, tmp_path):
  url = f'{server.url}/data.bin'
  server.socket.close()
  with pytest.raises(DownloadError, match=r'cannot download http'):
    download(url, tmp_path, md5=MD5)


def test_not_a_url(tmp_path):
  with pytest.raises(DownloadError, match=r'cannot download data\.bin'):
    download('data.bin', tmp_path, md5=MD5)


def zip_of(members: dict[str, bytes]) -> bytes:
  buffer = io.BytesIO()
  with zipfile.ZipFile(buffer, 'w') as archive:
    for name, content in members.items():
      archive.writestr(name, content)
  return buffer.getvalue()


@pytest.fixture
def archive(tmp_path):
  def write(members):
    path = tmp_path / 'a.zip'
    path.write_bytes(zip_of(members))
    return path

  return write


@pytest.mark.parametrize('top', ['splits/', ''])
def test_extract_folder(archive, tmp_path, top):
  path = archive({f'{top}one.txt': b'1', f'{top}deep/er.txt': b'2'})
  folder = extract_folder(path, 'splits', tmp_path / 'data')
  assert folder == tmp_path / 'data' / 'splits'
  assert (folder / 'one.txt').read_bytes() == b'1'
  assert (folder / 'deep' / 'er.txt').read_bytes() == b'2'
  assert names(tmp_path / 'data') == ['splits']


def test_extract_takes_the_named_folder_only(archive, tmp_path):
  path = archive({'splits/one.txt': b'1', '__MACOSX/splits/._one.txt': b'2'})
  extract_folder(path, 'splits', tmp_path / 'data')
  assert names(tmp_path / 'data') == ['splits']
  assert names(tmp_path / 'data' / 'splits') == ['one.txt']


def test_extract_leaves_what_is_there(archive, tmp_path):
  path = archive({'splits/one.txt': b'1'})
  extract_folder(path, 'splits', tmp_path)
  (tmp_path / 'splits' / 'one.txt').write_bytes(b'mine')
  extract_folder(path, 'splits', tmp_path)
  assert (tmp_path / 'splits' / 'one.txt').read_bytes() == b'mine'


@pytest.mark.parametrize(
  'member',
  ['../evil.txt', 'splits/../../evil.txt', '/evil.txt', '..\\evil.txt', 'C:\\evil.txt'],
)
def test_member_outside_the_folder(archive, tmp_path, member):
  path = archive({'splits/one.txt': b'1', member: b'2'})
  with pytest.raises(
    DownloadError, match=r'a\.zip holds .*evil\.txt.* written outside'
  ):
    extract_folder(path, 'splits', tmp_path / 'in' / 'data')
  assert not list(tmp_path.rglob('evil.txt'))
  assert names(tmp_path / 'in' / 'data') == []


def test_broken_archive(archive, tmp_path):
  path = archive({'splits/one.txt': b'1' * 1000})
  path.write_bytes(path.read_bytes()[:500])
  with pytest.raises(DownloadError, match=r'a\.zip is not a sound zip archive'):
    extract_folder(path, 'splits', tmp_path / 'data')
  assert names(tmp_path / 'data') == []


def test_archive_with_a_damaged_member(archive, tmp_path):
  path = archive({'splits/one.txt': b'1' * 1000})
  path.write_bytes(path.read_bytes().replace(b'1' * 10, b'2' * 10, 1))
  with pytest.raises(DownloadError, match=r'not a sound zip archive \(Bad CRC-32'):
    extract_folder(path, 'splits', tmp_path / 'data')
  assert names(tmp_path / 'data') == []


@pytest.fixture
def jhmdb_server(server, monkeypatch):
  joints = io.BytesIO()
  scipy.io.savemat(joints, {'pos_img': np.full((2, 15, 3), 9.0)})
  clip = 'joint_positions/wave/w/joint_positions.mat'
  server.files = {
    '/joint_positions.zip': zip_of({clip: joints.getvalue()}),
    '/splits.zip': zip_of({'splits/wave_test_split1.txt': b'w.avi 1\n'}),
  }
  md5 = {
    path[1:].removesuffix('.zip'): hashlib.md5(content).hexdigest()
    for path, content in server.files.items()
  }
  monkeypatch.setattr(jhmdb_download, '_URL', server.url)
  monkeypatch.setattr(jhmdb_download, '_ARCHIVES', md5)
  return server


def test_jhmdb_from_nothing_to_a_clip(jhmdb_server, tmp_path):
  folder = jhmdb_download.download_jhmdb(tmp_path)
  source = read_poses('jhmdb_tree', folder)
  assert source.splits['train1'] == ('w',)
  assert source.load('w').num_frames == 3

  assert jhmdb_download.download_jhmdb(tmp_path) == folder
  assert len(jhmdb_server.ranges) == 2  # The second call used the files on disk.


def test_jhmdb_from_zip_files_put_there_by_hand(jhmdb_server, tmp_path):
  folder = tmp_path / 'downloads' / 'jhmdb'
  folder.mkdir(parents=True)
  for path, content in jhmdb_server.files.items():
    (folder / path[1:]).write_bytes(content)
  assert jhmdb_download.download_jhmdb(tmp_path) == folder
  assert jhmdb_server.ranges == []


def test_jhmdb_without_a_network_says_how_to_continue(jhmdb_server, tmp_path):
  jhmdb_server.files = {}
  with pytest.raises(DownloadError) as caught:
    jhmdb_download.download_jhmdb(tmp_path)
  message = str(caught.value)
  assert message.startswith(f'cannot download {jhmdb_server.url}/joint_positions.zip')
  assert 'joint_positions.zip and splits.zip' in message
  assert str(tmp_path / 'downloads' / 'jhmdb') in message
  assert '--config.data.poses=FOLDER' in message


def test_jhmdb_archives_are_the_official_ones():
  assert jhmdb_download._URL == 'https://files.is.tue.mpg.de/jhmdb'
  assert jhmdb_download._ARCHIVES == {
    'joint_positions': '3d1ac91bcb8544ddfdd9547997db239f',
    'splits': '15b9f2f7a99d63c07f3be0c9ecde43b5',
  }


_DOWNLOAD = """
import sys
from input_pipeline.catalog.downloads import download
print(download(*sys.argv[1:3], md5=sys.argv[3]).stat().st_size)
"""


def test_two_processes_fetch_one_file(server, tmp_path):
  """The file is served slowly, so that both are at it at the same time."""
  server.delay = 0.3
  processes = [
    subprocess.Popen(
      [sys.executable, '-c', _DOWNLOAD, f'{server.url}/data.bin', tmp_path, MD5],
      cwd=ROOT,
      stdout=subprocess.PIPE,
      text=True,
    )
    for _ in range(2)
  ]
  said = [process.communicate(timeout=60)[0] for process in processes]
  assert said == [f'{len(CONTENT)}\n'] * 2
  assert (tmp_path / 'data.bin').read_bytes() == CONTENT
  assert [path.name for path in tmp_path.iterdir()] == ['data.bin']
  assert server.ranges == [None]  # The second process waited, and found the file.


def test_a_folder_that_another_process_unpacks_first(tmp_path, monkeypatch):
  with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
    archive.writestr('a/x', 'content')
  extractall = zipfile.ZipFile.extractall

  def another_is_faster(self, path):
    extractall(self, path)
    extractall(self, tmp_path)

  monkeypatch.setattr(zipfile.ZipFile, 'extractall', another_is_faster)
  folder = extract_folder(tmp_path / 'a.zip', 'a', tmp_path)
  assert (folder / 'x').read_text() == 'content'
