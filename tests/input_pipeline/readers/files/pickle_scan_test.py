"""Pickles that would exhaust memory, time or the C stack; each is refused unloaded."""

import pickle
import struct

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files import pickle_scan, safe_pickle


@pytest.fixture
def refusal(tmp_path):
  """Loads bytes and returns the message with which they are refused."""

  def message(content: bytes) -> str:
    path = tmp_path / 'poses.pkl'
    path.write_bytes(content)
    with pytest.raises(PoseDataError, match=r'poses\.pkl is not a readable') as error:
      safe_pickle.load(path)
    return str(error.value)

  return message


def short_text(text: str) -> bytes:
  return b'\x8c' + bytes([len(text)]) + text.encode()


def global_(module: str, name: str) -> bytes:
  return short_text(module) + short_text(name) + b'\x93'


def array_state(shape: tuple[int, ...], code: str, content: bytes) -> bytes:
  """A pickled array with any shape, type and content."""
  dtype = global_('numpy', 'dtype') + short_text(code) + b'\x89\x88\x87R'
  dtype += b'(K\x03' + short_text('|') + b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb'
  sizes = b'(' + b''.join(b'J' + struct.pack('<i', n) for n in shape) + b't'
  made = global_('numpy._core.multiarray', '_reconstruct')
  made += global_('numpy', 'ndarray') + b'K\x00\x85C\x01b\x87R'
  return b'\x80\x04' + made + b'(K\x01' + sizes + dtype + b'\x89' + content + b'tb.'


def test_object_array_with_a_longer_shape_than_its_list(refusal):
  """numpy would read past the list and end the process."""
  message = refusal(array_state((1000,), 'O8', b']'))
  assert 'shape (1000,) needs 1,000 elements or bytes, but has 0' in message


def test_object_array_of_bytes_instead_of_a_list(refusal):
  assert 'holds a bytes, not a list' in refusal(
    array_state((1,), 'O8', b'C\x08' + b'\x01' * 8)
  )


@pytest.mark.parametrize(
  ('shape', 'code'),
  [((10**9, 0, 17, 3), 'f4'), ((2**20, 2**20, 0), 'f4'), ((10**9,), 'S0')],
)
def test_long_array_without_content(refusal, shape, code):
  assert 'but no content' in refusal(array_state(shape, code, b'C\x00'))


def test_nested_tuples(refusal):
  """Their hash would overflow the C stack."""
  content = b'\x80\x02}K\x01' + b'\x85' * 200_000 + b'K\x02s.'
  assert f'nested more than {pickle_scan.MAX_DEPTH} deep' in refusal(content)


def test_nested_lists_up_to_the_limit(tmp_path):
  value: list = []
  for _ in range(pickle_scan.MAX_DEPTH - 1):
    value = [value]
  path = tmp_path / 'poses.pkl'
  path.write_bytes(pickle.dumps(value))
  assert safe_pickle.load(path) == value


def laughs(make, levels: int = 30):
  value = make(['ha'] * 10)
  for _ in range(levels):
    value = make([value] * 10)
  return value


@pytest.mark.parametrize('make', [list, tuple])
def test_lists_that_share_lists(refusal, make):
  assert 'lists are shared many times' in refusal(pickle.dumps(laughs(make)))


def test_a_key_that_is_hashed_many_times(refusal):
  key = laughs(tuple, levels=4)
  entries = b'h\x00Ns' * 10_000
  content = pickle.dumps(key, 2)[:-1] + b'q\x00' + b'0}' + entries + b'.'
  assert 'lists are shared many times' in refusal(content)


def test_shared_names_and_arrays_are_read(tmp_path):
  array = np.ones((2, 3))
  path = tmp_path / 'poses.pkl'
  path.write_bytes(pickle.dumps([{'a': array, 'b': 'name'}] * 20_000))
  assert len(safe_pickle.load(path)) == 20_000


@pytest.mark.parametrize(
  ('content', 'why'),
  [
    (b'\x80\x05]q\x00h\x00a.', 'holds itself'),
    (b'\x80\x02]q\x00]q\x01h\x00ah\x00h\x01a.', 'after another one holds it'),
  ],
)
def test_lists_in_themselves(refusal, content, why):
  assert why in refusal(content)


@pytest.mark.parametrize('name', ['bytearray', 'bytes'])
def test_bytes_of_a_length(refusal, name):
  content = b'\x80\x04' + global_('builtins', name) + b'J\x00\x00\x00p\x85R.'
  assert f'{name} of a int' in refusal(content)


@pytest.mark.parametrize(
  ('content', 'why'),
  [
    (b'\x80\x05\x96' + struct.pack('<Q', 2 << 30) + b'.', 'announces 2,147,483,648'),
    (b'\x80\x04\x95' + struct.pack('<Q', 2 << 30) + b'.', 'announces 2,147,483,648'),
    (b'\x80\x04\x8e' + struct.pack('<Q', 1 << 62) + b'.', 'bytes, but 1 are left'),
    (b'\x80\x02Nr\xff\xff\xff\x7f.', 'remembers a value as number 2,147,483,647'),
    (b'\x80\x02h\x05.', 'recalls value 5'),
    (b'I' + b'9' * 5000 + b'\n.', 'more than 600 digits'),
    (
      b'\x80\x02\x8b\x00\x10\x00\x00' + b'\x7f' * 4096 + b'.',
      'an integer has 4,096 bytes',
    ),
    (
      b'\x80\x02' + b'(' * 3 + b'1e.',
      'closes a mark|has no value|empty stack|not a cont',
    ),
    (b'\x80\x02)\x81.', 'opcode'),
    (b'\x80\x02K\x01Q.', 'opcode'),
    (b'\x80\x02NNb.', 'sets the state'),
    (b'\x80\x02cnumpy\ndtype\n}b.', 'sets the state'),
    (b'\x80\x02NNR.', 'calls what is not a global'),
    (b'\x80\x04K\x01K\x02\x93.', 'names a global by what is not'),
    (b'\x80\x02N', 'ends before the pickle does'),
  ],
)
def test_opcodes(refusal, content, why):
  message = refusal(content)
  assert any(part in message for part in why.split('|')), message


def test_a_long_type_code(refusal):
  assert 'is not a type of numbers' in refusal(array_state((1,), 'f4,' * 9, b'C\x00'))
