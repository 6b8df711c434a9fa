"""Reads pickles that hold only numpy arrays and plain Python values.

A pickle is a program. Here it may name only the globals in `_ALLOWED`, looked up by
their full (module, name): nothing is imported, and dotted names are not followed.
numpy's own constructors are replaced by narrow ones, because `numpy.ndarray` would
interpret raw memory as an object array if asked to. Before it runs, `pickle_scan` checks
that it stays within the limits of memory and stack.
"""

from __future__ import annotations

import contextlib
import io
import math
import mmap
import os
import pathlib
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files import pickle_scan

# Booleans, integers, floats, complex numbers, bytes, text and Python objects; no
# structures and no dates.
_DTYPE_KINDS = 'biufcSUO'
# An array without elements may still have long axes (our choice).
_LONGEST_EMPTY = 1_000_000


def load(path: str | os.PathLike[str]) -> Any:
  """Loads a pickle file that holds only numpy arrays and plain Python values.

  Reads every pickle protocol, written with numpy 1 or 2 and Python 2 or 3, also
  compressed with gzip. Arrays are returned as a subclass of `numpy.ndarray`.

  Raises:
    PoseDataError: naming the file, and either the global that is not allowed or why the
      file cannot be read, such as nesting, sharing or sizes beyond `pickle_scan`'s limits.
  """
  with text_files.open_binary(pathlib.Path(path)) as file:
    return _load(file, path)


def loads(content: bytes, path: str | os.PathLike[str]) -> Any:
  """Loads a pickle that is stored in another file; same as `load`.

  Args:
    path: the file, for messages.
  """
  return _load(io.BytesIO(content), path)


def _load(file: BinaryIO, path: str | os.PathLike[str]) -> Any:
  try:
    with _content(file) as content:
      pickle_scan.scan(content, _ALLOWED)
    file.seek(0)
    return _NumpyUnpickler(file).load()
  except pickle_scan.RefusedGlobalError as error:
    raise PoseDataError(
      f'{path} names {error}, which is refused: a pickle can run any program, so only'
      ' numpy arrays and plain Python values are read; write the file again with only'
      ' those'
    ) from None
  # A broken pickle can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'{path} is not a readable pickle: {type(error).__name__}: {error}'
    ) from error


@contextlib.contextmanager
def _content(file: BinaryIO) -> Iterator[bytes | mmap.mmap]:
  """A file's bytes; a file on disk is not read into memory."""
  if isinstance(file, io.BytesIO):
    yield file.getvalue()
  elif not os.fstat(file.fileno()).st_size:  # Cannot be mapped.
    yield b''
  else:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
      yield content


class _NumpyUnpickler(pickle.Unpickler):
  """Resolves the globals in `_ALLOWED` and refuses all others."""

  def __init__(self, file):
    # Python 2 wrote array data as text; Latin-1 gives every byte back unchanged.
    super().__init__(file, encoding='latin1')

  def find_class(self, module_name: str, global_name: str) -> Any:
    try:
      return _ALLOWED[module_name, global_name]
    except KeyError:
      raise pickle_scan.RefusedGlobalError(f'{module_name}.{global_name}') from None


class _Dtype:
  """Replaces `numpy.dtype` while loading; keeps its code and byte order."""

  def __init__(self, code: str, align: bool = False, copy: bool = False):
    del align, copy  # Only structures use these.
    self._code = code
    self._byte_order = '='

  def __setstate__(self, state: tuple):
    self._byte_order = state[1]

  def to_numpy(self) -> np.dtype:
    code = f'{self._byte_order}{self._code}'
    if not re.fullmatch(r'[<>=|][a-zA-Z?]\d{0,9}', code):
      raise ValueError(f'{code[:20]!r} is not a type of numbers, text or objects')
    dtype = np.dtype(code)
    if dtype.kind not in _DTYPE_KINDS:
      raise TypeError(f'array of {dtype}, but only numbers, text, objects are read')
    return dtype


class _Array(np.ndarray):
  """An array whose pickled state holds its dtype as a `_Dtype`."""

  def __setstate__(self, state: tuple):
    version, shape, dtype, is_fortran, content = state
    kind = dtype.to_numpy()
    _check_shape(shape, kind, content)
    super().__setstate__((version, shape, kind, is_fortran, content))


def _check_shape(shape: Any, dtype: np.dtype, content: Any):
  """Checks that an array's content fills it: numpy would read past a shorter list.

  Raises:
    ValueError: if not, or if an array without elements has long axes.
  """
  if not isinstance(shape, tuple) or not all(
    isinstance(size, int) and size >= 0 for size in shape
  ):
    raise ValueError(f'an array has shape {shape!r}, but needs sizes of at least 0')
  if dtype.hasobject and not isinstance(content, list):
    raise TypeError(f'an array of objects holds a {type(content).__name__}, not a list')
  elements = math.prod(shape)
  needed = elements if dtype.hasobject else elements * dtype.itemsize
  if needed != len(content):
    raise ValueError(
      f'an array of {dtype} with shape {shape} needs {needed:,} elements or bytes, but'
      f' has {len(content):,}'
    )
  if not needed and math.prod(size or 1 for size in shape) > _LONGEST_EMPTY:
    raise ValueError(f'an array has shape {shape}, but no content')


def _empty_array(array_type: Any, shape: Any, dtype: Any) -> _Array:
  """`numpy._core.multiarray._reconstruct`: an array that `__setstate__` fills."""
  del array_type, shape, dtype
  return _Array((0,), np.uint8)


def _array_of_buffer(
  content: Any, dtype: _Dtype, shape: Any, order: str, axis_order: Any = None
) -> np.ndarray:
  """`numpy._core.numeric._frombuffer`, which protocol 5 uses."""
  kind = dtype.to_numpy()
  _check_shape(shape, kind, content)
  # `frombuffer` refuses to read nothing.
  flat = np.frombuffer(content, kind) if len(content) else np.empty(0, kind)
  if order == 'K' and axis_order is not None:
    return flat.reshape(shape, order='C').transpose(axis_order)
  return flat.reshape(shape, order=order)  # type: ignore[arg-type]


def _scalar(dtype: _Dtype, content: bytes | str) -> np.generic:
  """`numpy._core.multiarray.scalar`."""
  raw = content.encode('latin1') if isinstance(content, str) else content
  (value,) = np.frombuffer(raw, dtype.to_numpy())
  return value


def _encode_latin1(text: str, encoding: str) -> bytes:
  """`_codecs.encode`, which protocols 0 to 2 use to write bytes."""
  if encoding != 'latin1':
    raise ValueError(f'bytes encoded as {encoding!r}, but pickles use latin1 only')
  return text.encode('latin1')


def _binary(make: type[bytes] | type[bytearray]) -> Callable[..., Any]:
  """`bytes` or `bytearray` from bytes or Latin-1 text; a number would be a length."""

  def from_content(content: Any = b'', encoding: str = 'latin-1') -> Any:
    if isinstance(content, str):
      content = _encode_latin1(content, encoding.replace('-', ''))
    if not isinstance(content, bytes | bytearray | list):
      raise TypeError(f'{make.__name__} of a {type(content).__name__}')
    return make(content)

  return from_content


_ALLOWED: dict[tuple[str, str], Any] = {
  # Pickles pass this to `_reconstruct`; `_empty_array` ignores it.
  ('numpy', 'ndarray'): 'numpy.ndarray',
  ('numpy', 'dtype'): _Dtype,
  ('_codecs', 'encode'): _encode_latin1,
  **{
    (f'numpy.{core}.{module}', name): stand_in
    for core in ('core', '_core')  # numpy 1 and numpy 2
    for module, name, stand_in in (
      ('multiarray', '_reconstruct', _empty_array),
      ('multiarray', 'scalar', _scalar),
      ('numeric', '_frombuffer', _array_of_buffer),
    )
  },
  **{
    (module, plain.__name__): plain
    for module in ('builtins', '__builtin__')  # Python 3 and Python 2
    for plain in (set, frozenset, complex, slice)
  },
  **{
    (module, plain.__name__): _binary(plain)
    for module in ('builtins', '__builtin__')
    for plain in (bytes, bytearray)
  },
}
