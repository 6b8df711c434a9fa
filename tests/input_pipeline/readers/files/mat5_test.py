"""MATLAB 5 files: the same arrays as scipy's, and no damage beyond an error."""

import contextlib

import numpy as np
import pytest
import scipy.io

from input_pipeline.readers.files.mat5 import Mat5Error, variables_in

VALUES = {
  'doubles': np.arange(6.0).reshape(2, 3),
  'singles': np.ones((1, 3), np.float32),
  'bytes': np.array([[0, 255]], np.uint8),
  'integers': np.arange(-6, 6, dtype=np.int16).reshape(2, 3, 2),
  'longs': np.array([[1 << 40]], np.int64),
  'flags': np.array([[True, False]]),
  'empty': np.zeros((0, 4)),
  'word': 'wave',
  'umlaut': 'grüßen',
  'rows': np.array(['ab  ', 'cdef']),
}


@pytest.fixture(params=[False, True], ids=['plain', 'compressed'])
def content(request, tmp_path):
  path = tmp_path / 'a.mat'
  scipy.io.savemat(path, VALUES, do_compression=request.param)
  return path.read_bytes()


def read(content: bytes, names=tuple(VALUES), largest: int = 1 << 20):
  found = variables_in(content, names, largest=largest)
  return {name: variable.read() for name, variable in found.items()}


def test_as_scipy_reads_them(content, tmp_path):
  expected = scipy.io.loadmat(tmp_path / 'a.mat')
  found = read(content)
  assert list(found) == list(VALUES)
  for name, value in found.items():
    np.testing.assert_array_equal(value, expected[name])
    assert value.dtype == expected[name].dtype


def test_big_endian():
  """Written by hand, as only MATLAB on old machines writes them."""
  name = b'\0\1\0\1x\0\0\0'
  numbers = b'\0\4\0\3' + b'\x01\x02\xff\xfe'
  flags = b'\0\0\0\6\0\0\0\x08' + b'\0\0\0\x0a' + bytes(4)
  sizes = b'\0\0\0\5\0\0\0\x08' + b'\0\0\0\1\0\0\0\2'
  matrix = flags + sizes + name + numbers
  matrix = b'\0\0\0\x0e' + len(matrix).to_bytes(4, 'big') + matrix
  content = bytes(124) + b'\x01\x00MI' + matrix
  np.testing.assert_array_equal(read(content, ('x',))['x'], [[258, -2]])


@pytest.mark.parametrize('change', [0x01, 0x80, 0xFF])
def test_one_changed_byte_is_an_error_or_other_numbers(content, change):
  """scipy ended the process for some of these."""
  refused = 0
  for place in range(len(content)):
    damaged = bytearray(content)
    damaged[place] ^= change
    try:
      read(bytes(damaged))
    except Mat5Error:
      refused += 1
  assert refused > 100


def test_cut_off(content):
  for length in range(0, len(content) - 8, 7):
    with contextlib.suppress(Mat5Error):
      assert len(read(content[:length])) < len(VALUES)


def test_a_file_that_unfolds_to_more_than_the_limit(tmp_path):
  path = tmp_path / 'a.mat'
  scipy.io.savemat(path, {'x': np.zeros((1, 200_000))}, do_compression=True)
  assert path.stat().st_size < 4096
  with pytest.raises(Mat5Error, match='more than 1,048,576 bytes'):
    read(path.read_bytes(), ('x',))


@pytest.mark.parametrize(
  ('value', 'why'),
  [
    (np.zeros((1, 2), complex), 'complex numbers'),
    (np.zeros((2_000_000, 0)), r'shape \(2000000, 0\), but no elements'),
  ],
)
def test_arrays_that_are_refused(tmp_path, value, why):
  path = tmp_path / 'a.mat'
  scipy.io.savemat(path, {'x': value})
  with pytest.raises(Mat5Error, match=why):
    read(path.read_bytes(), ('x',))


def test_version_7_3():
  with pytest.raises(Mat5Error, match=r'version 2\.0, but only version 1 .* -v7'):
    read(bytes(124) + b'\x00\x02IM' + bytes(8))
