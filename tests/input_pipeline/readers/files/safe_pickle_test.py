"""Pickles that are read, and programs disguised as pickles that are refused."""

import gzip
import os
import pickle
import struct
import sys

import numpy as np
import pytest

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files import safe_pickle

ARRAYS = {
  'float32': np.arange(6, dtype=np.float32).reshape(2, 3),
  'float16': np.array([0.5, -2], np.float16),
  'big endian': np.array([1, 2, 300], '>i2'),
  'uint8': np.array([[0, 255]], np.uint8),
  'bool': np.array([True, False]),
  'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
  'transposed': np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0),
  'scalar array': np.array(3.5),
  'empty': np.zeros((0, 17, 2), np.float32),
  'text': np.array(['wave', 'sit']),
  'bytes': np.array([b'ab', b'c']),
}
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture
def load_bytes(tmp_path):
  def load(content: bytes):
    path = tmp_path / 'poses.pkl'
    path.write_bytes(content)
    return safe_pickle.load(path)

  return load


def by_numpy_1(content: bytes, protocol: int) -> bytes:
  """Rewrites a pickle to the form that numpy 1 writes."""
  if protocol < 4:
    return content.replace(b'cnumpy._core.', b'cnumpy.core.')
  for module in (b'multiarray', b'numeric'):
    new, old = b'numpy._core.' + module, b'numpy.core.' + module
    content = content.replace(
      b'\x8c' + bytes([len(new)]) + new, b'\x8c' + bytes([len(old)]) + old
    )
  # Protocol 4 begins with one frame, preceded by its length.
  return content[:3] + struct.pack('<Q', len(content) - 11) + content[11:]


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('array', ARRAYS.values(), ids=ARRAYS)
def test_arrays(load_bytes, array, protocol):
  content = pickle.dumps({'keypoint': array}, protocol)
  loaded = load_bytes(content)['keypoint']
  np.testing.assert_array_equal(loaded, array)
  # numpy too converts numbers from other machines to this machine's byte order.
  assert loaded.dtype.newbyteorder('=') == array.dtype.newbyteorder('=')


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('name', ['float32', 'fortran', 'text'])
def test_arrays_written_by_numpy_1(load_bytes, name, protocol):
  content = by_numpy_1(pickle.dumps(ARRAYS[name], protocol), protocol)
  assert b'_core' not in content
  assert b'numpy.core' in content
  np.testing.assert_array_equal(load_bytes(content), ARRAYS[name])


def test_array_written_by_python_2(load_bytes):
  content = (
    b'\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b'
    b'\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN'
    b'J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\xc8tb.'
  )
  np.testing.assert_array_equal(load_bytes(content), np.array([1, 200], np.uint8))


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_object_array(load_bytes, protocol):
  array = np.empty(2, object)
  array[:] = ['clip', {'label': 3}]
  loaded = load_bytes(pickle.dumps(array, protocol))
  assert loaded.tolist() == ['clip', {'label': 3}]


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('scalar', [np.float32(0.25), np.int64(-7), np.bool_(True)])
def test_numpy_scalars(load_bytes, scalar, protocol):
  loaded = load_bytes(pickle.dumps(scalar, protocol))
  assert loaded == scalar
  assert loaded.dtype == scalar.dtype


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_plain_values(load_bytes, protocol):
  values = {
    'dict': {'a': [1, 2.5, None, True]},
    'tuple': ('ü', b'\xff\x00', 1 << 80),
    'sets': [{1, 2}, frozenset('ab')],
    'others': [bytearray(b'ab'), 1 + 2j, slice(1, 5)],
  }
  assert load_bytes(pickle.dumps(values, protocol)) == values


class Call:
  """An object whose pickle calls a function when it is loaded."""

  def __init__(self, function, *arguments):
    self._call = function, arguments

  def __reduce__(self):
    return self._call


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_os_system_is_refused_and_not_run(load_bytes, tmp_path, protocol):
  marker = tmp_path / 'marker'
  content = pickle.dumps([Call(os.system, f'echo > "{marker}"')], protocol)
  named = f'{os.system.__module__}.system'
  with pytest.raises(
    PoseDataError, match=rf'poses\.pkl names {named}, which is refused'
  ):
    load_bytes(content)
  assert not marker.exists()


@pytest.mark.parametrize(
  ('function', 'arguments'),
  [
    (eval, ('1',)),
    (exec, ('1',)),
    (getattr, (1, 'real')),
    (open, (os.devnull,)),
    (np.load, (os.devnull,)),
    (np.frombuffer, (b'12345678',)),
  ],
  ids=lambda value: getattr(value, '__name__', ''),
)
def test_functions_are_refused(load_bytes, function, arguments):
  with pytest.raises(PoseDataError, match=rf'\.{function.__name__}, which is refused'):
    load_bytes(pickle.dumps(Call(function, *arguments)))


def stack_global(module: str, name: str) -> bytes:
  texts = (b'\x8c' + bytes([len(t)]) + t.encode() for t in (module, name))
  return b'\x80\x04' + b''.join(texts) + b'\x93.'


@pytest.mark.parametrize(
  ('module', 'name'),
  [
    ('numpy', 'f2py.os.system'),
    ('numpy', 'ndarray.__class__'),
    ('numpy', 'dtype.__init__.__globals__'),
    ('builtins', 'set.__class__'),
    ('_codecs', 'encode.__self__'),
    ('numpy._core.multiarray', 'scalar.__globals__'),
    ('numpy.core', 'multiarray._reconstruct'),
    ('', 'set'),
  ],
)
def test_dotted_names_are_not_followed(load_bytes, module, name):
  with pytest.raises(PoseDataError, match=r'which is refused'):
    load_bytes(stack_global(module, name))


def test_nothing_is_imported(load_bytes):
  sys.modules.pop('this', None)
  with pytest.raises(PoseDataError, match=r'names this\.s, which is refused'):
    load_bytes(b'cthis\ns\n.')
  assert 'this' not in sys.modules


def test_numpy_array_of_raw_memory_is_refused(load_bytes):
  """numpy.ndarray would take these bytes for pointers to objects."""
  content = pickle.dumps(Call(np.ndarray, (1,), 'O', b'\x00' * 8))
  with pytest.raises(PoseDataError, match='not a readable pickle'):
    load_bytes(content)


def test_structured_array_is_refused(load_bytes):
  """Its dtype could declare numbers to be objects."""
  content = pickle.dumps(np.zeros(2, [('x', 'f4')]))
  with pytest.raises(PoseDataError, match=r'only numbers, text, objects are read'):
    load_bytes(content)


def test_codec_other_than_latin1_is_refused(load_bytes):
  content = b'c_codecs\nencode\n(Vab\nVrot13\ntR.'
  with pytest.raises(PoseDataError, match=r"'rot13', but pickles use latin1 only"):
    load_bytes(content)


@pytest.mark.parametrize(
  'content',
  [b'', b'not a pickle', pickle.dumps(ARRAYS['float32'])[:-20]],
  ids=['empty', 'text', 'cut off'],
)
def test_broken_file(load_bytes, content):
  with pytest.raises(PoseDataError, match=r'poses\.pkl is not a readable pickle'):
    load_bytes(content)


def test_compressed_file(load_bytes):
  content = gzip.compress(pickle.dumps({'keypoint': ARRAYS['float32']}))
  np.testing.assert_array_equal(load_bytes(content)['keypoint'], ARRAYS['float32'])


def test_a_small_file_that_unpacks_to_a_huge_pickle_is_refused(load_bytes, monkeypatch):
  monkeypatch.setattr(text_files, '_SMALL', 1 << 20)
  with pytest.raises(PoseDataError, match=r'more than 1,048,576 bytes when decompress'):
    load_bytes(gzip.compress(bytes(8 << 20)))
