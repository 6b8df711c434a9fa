"""MATLAB 5 files: arrays of numbers and text; every size is checked before it is used.

scipy's reader ends the process for some files in which a single byte is changed. Format:
MathWorks, "MAT-File Format", the Level 5 format.
"""

from __future__ import annotations

import dataclasses
import math
import struct
import zlib
from collections.abc import Container, Iterator

import numpy as np

_HEADER_BYTES = 128
_VERSION = 1
# By data type of an element.
_NUMBERS = {
  1: 'i1',
  2: 'u1',
  3: 'i2',
  4: 'u2',
  5: 'i4',
  6: 'u4',
  7: 'f4',
  9: 'f8',
  12: 'i8',
  13: 'u8',
}
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_ENCODINGS = {1: 'utf-8', 2: 'utf-8', 4: 'utf-16', 16: 'utf-8', 17: 'utf-16'}
# By class of an array.
_TEXT_CLASS = 4
_NUMBER_CLASSES = range(6, 16)
_OPAQUE_CLASS = 17  # Its parts have another order.
_COMPLEX_FLAG = 0x08
# Enough for the axes and the name of any variable.
_NAME_BYTES = 4096
# Our choices: MATLAB names have at most 63 characters, label files at most 3 axes.
_MOST_AXES = 32
_LONGEST_EMPTY = 1_000_000


class Mat5Error(ValueError):
  """A file that is not in this format; the message says why."""


def variables_in(
  content: bytes, names: Container[str], *, largest: int
) -> dict[str, Variable]:
  """The variables with these names, not yet read.

  Args:
    content: a file's bytes.
    largest: the most bytes that a variable may have when decompressed.

  Raises:
    Mat5Error: if the file, or a variable with one of the names, is malformed.
  """
  order = _byte_order(content)
  found = {}
  for kind, data in _elements(content[_HEADER_BYTES:], order):
    if kind not in (_MATRIX, _COMPRESSED):
      raise Mat5Error(
        f'it holds an element of type {kind} where variables are expected'
      )
    if kind == _MATRIX:
      variable = _variable(data, order)
    else:
      start = _decompressed(data, _NAME_BYTES, is_whole=False)
      variable = _variable(_of_matrix(start, order), order)
      if variable.name in names:
        whole = _of_matrix(_decompressed(data, largest), order, is_whole=True)
        variable = _variable(whole, order)
    if variable.name in names:
      found[variable.name] = variable
  return found


@dataclasses.dataclass(frozen=True)
class Variable:
  """A variable whose elements are not read yet.

  Attributes:
    name: the variable's name.
    kind: MATLAB's number for the class of arrays.
    shape: the sizes of the axes.
    is_complex: whether the array has an imaginary part.
    parts: what follows the name: elements with the numbers.
    order: '<' or '>', the byte order.
  """

  name: str
  kind: int
  shape: tuple[int, ...]
  is_complex: bool
  parts: bytes
  order: str

  @property
  def is_array(self) -> bool:
    """Whether it holds numbers or text, and no cells, structures or objects."""
    return self.kind == _TEXT_CLASS or self.kind in _NUMBER_CLASSES

  def read(self) -> np.ndarray:
    """The numbers, or text with its last axis joined to strings.

    Raises:
      Mat5Error: if the elements do not fill the shape, or are complex.
    """
    if self.is_complex:
      raise Mat5Error(f'{self.name} has complex numbers, but must have real ones')
    count = math.prod(self.shape)
    if not count and math.prod(size or 1 for size in self.shape) > _LONGEST_EMPTY:
      raise Mat5Error(f'{self.name} has shape {self.shape}, but no elements')
    kind, data = next(_elements(self.parts, self.order), (_INT8, b''))
    if self.kind == _TEXT_CLASS:
      return self._text(kind, data)
    if kind not in _NUMBERS:
      raise Mat5Error(f'{self.name} has elements of type {kind}, which are no numbers')
    dtype = np.dtype(f'{self.order}{_NUMBERS[kind]}')
    if len(data) != count * dtype.itemsize:
      raise Mat5Error(
        f'{self.name} has shape {self.shape}, but {len(data)} bytes of {dtype.name}'
      )
    values = np.frombuffer(data, dtype) if data else np.empty(0, dtype)
    return values.astype(dtype.newbyteorder('=')).reshape(self.shape, order='F')

  def _text(self, kind: int, data: bytes) -> np.ndarray:
    if kind not in _ENCODINGS:
      raise Mat5Error(f'{self.name} has elements of type {kind}, which are no text')
    encoding = _ENCODINGS[kind]
    if encoding == 'utf-16':
      encoding += '-le' if self.order == '<' else '-be'
    try:
      letters = list(data.decode(encoding))
    except UnicodeDecodeError as error:
      raise Mat5Error(
        f'{self.name} is not text in {encoding}: {error.reason}'
      ) from error
    if len(letters) != math.prod(self.shape):
      raise Mat5Error(
        f'{self.name} has shape {self.shape}, but {len(letters)} characters'
      )
    rows = np.array(letters, 'U1').reshape(self.shape, order='F')
    if not rows.size:
      return np.empty(0, 'U1')
    flat = rows.reshape(-1, self.shape[-1])
    return np.array([''.join(row) for row in flat]).reshape(self.shape[:-1])


def _byte_order(content: bytes) -> str:
  order = {b'IM': '<', b'MI': '>'}.get(content[_HEADER_BYTES - 2 : _HEADER_BYTES])
  if order is None:
    raise Mat5Error('it lacks the header of this format')
  (version,) = struct.unpack_from(f'{order}H', content, _HEADER_BYTES - 4)
  if version >> 8 != _VERSION:
    raise Mat5Error(
      f'it has version {version >> 8}.{version & 0xFF}, but only version 1 is read; save'
      ' it in MATLAB with -v7'
    )
  return order


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
  """(type, content) of each element."""
  at = 0
  while at < len(data):
    if len(data) - at < 8:
      raise Mat5Error(
        f'it ends inside an element, {len(data) - at} bytes after its start'
      )
    first, count = struct.unpack_from(f'{order}II', data, at)
    if first >> 16:  # A small element, with its content in the second word.
      kind, count, start, end = first & 0xFFFF, first >> 16, at + 4, at + 8
      if count > 4:
        raise Mat5Error(f'a small element has {count} bytes, at most 4 fit')
    else:
      kind, start = first, at + 8
      padding = 0 if kind == _COMPRESSED else -count % 8
      end = start + count + padding
    if start + count > len(data):
      raise Mat5Error(
        f'an element has {count:,} bytes, but only {len(data) - start:,} are left'
      )
    yield kind, data[start : start + count]
    at = end


def _decompressed(data: bytes, largest: int, *, is_whole: bool = True) -> bytes:
  """At most `largest` bytes; an error if `is_whole` and there are more.

  The end of the stream may be missing, as in Penn Action's 1605.mat, if all numbers are
  there, which the caller checks.
  """
  stream = zlib.decompressobj()
  try:
    content = stream.decompress(data, largest)
  except zlib.error as error:
    raise Mat5Error(f'a compressed variable is damaged: {error}') from error
  if is_whole and stream.unconsumed_tail:
    raise Mat5Error(f'a compressed variable has more than {largest:,} bytes')
  return content


def _of_matrix(content: bytes, order: str, *, is_whole: bool = False) -> bytes:
  """What a decompressed element holds, which must be a variable."""
  if len(content) < 8:
    raise Mat5Error('a compressed variable is empty')
  kind, count = struct.unpack_from(f'{order}II', content)
  if kind != _MATRIX or (is_whole and count > len(content) - 8):
    raise Mat5Error('a compressed element is not one whole variable')
  return content[8 : 8 + count]


def _variable(data: bytes, order: str) -> Variable:
  """Reads a variable's class, shape and name, from its beginning or the whole of it."""
  at = 0

  def part(expected: int) -> bytes:
    nonlocal at
    kind, content = next(_elements(data[at : at + _NAME_BYTES], order), (0, b''))
    if kind != expected:
      raise Mat5Error(f'a variable has a part of type {kind}, expected {expected}')
    is_small = struct.unpack_from(f'{order}I', data, at)[0] >> 16
    at += 8 if is_small else 8 + len(content) + -len(content) % 8
    return content

  flags = part(_UINT32)
  if len(flags) != 8:
    raise Mat5Error(f'a variable has {len(flags)} bytes of flags, but must have 8')
  (word,) = struct.unpack_from(f'{order}I', flags)
  kind = word & 0xFF
  shape = () if kind == _OPAQUE_CLASS else _shape(part(_INT32), order)
  name = part(_INT8).decode('utf-8', 'replace')
  return Variable(name, kind, shape, bool(word >> 8 & _COMPLEX_FLAG), data[at:], order)


def _shape(data: bytes, order: str) -> tuple[int, ...]:
  axes = len(data) // 4
  if len(data) % 4 or not 2 <= axes <= _MOST_AXES:
    raise Mat5Error(f'a variable has {len(data)} bytes of sizes, 4 for each axis')
  shape = struct.unpack(f'{order}{axes}i', data)
  if min(shape) < 0:
    raise Mat5Error(f'a variable has shape {shape}, but sizes are at least 0')
  return shape
