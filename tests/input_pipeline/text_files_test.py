"""Text files in every dress: encodings, line ends, marks, gzip."""

import gzip

import pytest

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError

TEXT = 'cartwheel, José\nhandstand\n'


@pytest.mark.parametrize(
  'encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-32', 'cp1252']
)
@pytest.mark.parametrize('line_end', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize('zipped', [False, True])
def test_the_text_is_the_same_in_every_dress(tmp_path, encoding, line_end, zipped):
  content = TEXT.replace('\n', line_end).encode(encoding)
  file = tmp_path / 'list.txt'
  file.write_bytes(gzip.compress(content, mtime=0) if zipped else content)

  assert text_files.read_text(file) == TEXT


def test_only_text_that_is_not_utf_8_has_a_guessed_encoding(tmp_path):
  file = tmp_path / 'list.txt'
  file.write_bytes(TEXT.encode('latin-1'))
  assert text_files.read(file) == (TEXT, 'cp1252')
  assert text_files.read(file).is_guessed

  file.write_bytes(TEXT.encode('utf-8'))
  assert not text_files.read(file).is_guessed


def test_marks_inside_joined_files_are_removed(tmp_path):
  file = tmp_path / 'list.txt'
  file.write_bytes('one\n'.encode('utf-8-sig') + 'two\n'.encode('utf-8-sig'))

  assert text_files.read_text(file) == 'one\ntwo\n'


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b'PK\x03\x04\x00\x00', 'is not a text file: character 4 is NUL'),
    (b'caf\xe9 \x81', 'is not a text file: byte 5 does not fit'),
    (
      gzip.compress(b'wave' * 99, mtime=0)[:-9],
      'cannot be read: Compressed file ended',
    ),
    (b'\x1f\x8b no gzip', 'cannot be read'),
  ],
)
def test_what_is_no_text_is_refused_in_one_line(tmp_path, content, message):
  file = tmp_path / 'list.txt'
  file.write_bytes(content)

  with pytest.raises(PoseDataError, match=message) as raised:
    text_files.read_text(file)
  assert '\n' not in str(raised.value) and str(file) in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(PoseDataError, match=r'gone\.txt cannot be read: No such file'):
    text_files.read_text(tmp_path / 'gone.txt')


def test_a_small_file_that_unpacks_to_a_huge_text_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(text_files, '_SMALL', 1 << 20)
  file = tmp_path / 'bomb.json.gz'
  file.write_bytes(gzip.compress(bytes(8 << 20)))

  with pytest.raises(PoseDataError, match=r'more than 1,048,576 bytes when decompress'):
    text_files.read_text(file)


@pytest.mark.parametrize('encoding', ['utf-16-le', 'utf-16-be'])
def test_utf_16_without_a_mark(tmp_path, encoding):
  (tmp_path / 'a.csv').write_bytes('frame,x0,y0\r\n0,1,2\n'.encode(encoding))
  text = text_files.read(tmp_path / 'a.csv')
  assert text == ('frame,x0,y0\n0,1,2\n', encoding)
