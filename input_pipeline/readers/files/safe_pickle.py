"""Reads pickles that hold only numpy arrays and plain Python values.

A pickle is a program. Here it may name only the globals in `_ALLOWED`, looked up by
their full (module, name): nothing is imported, and dotted names are not followed.
numpy's own constructors are replaced by narrow ones, because `numpy.ndarray` would
interpret raw memory as an object array if asked to.
"""

from __future__ import annotations

import io
import os
import pathlib
import pickle
from typing import Any, BinaryIO

import numpy as np

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError

# Booleans, integers, floats, complex numbers, bytes, text and Python objects; no
# structures and no dates.
_DTYPE_KINDS = 'biufcSUO'


def load(path: str | os.PathLike[str]) -> Any:
  """Loads a pickle file that holds only numpy arrays and plain Python values.

  Reads every pickle protocol, written with numpy 1 or 2 and Python 2 or 3, also
  compressed with gzip. Arrays are returned as a subclass of `numpy.ndarray`.

  Raises:
    PoseDataError: naming the file, and either the global that is not allowed or why the
      file cannot be read.
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
    return _NumpyUnpickler(file, path).load()
  except PoseDataError:
    raise
  # A broken pickle can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'{path} is not a readable pickle: {type(error).__name__}: {error}'
    ) from error


class _NumpyUnpickler(pickle.Unpickler):
  """Resolves the globals in `_ALLOWED` and refuses all others."""

  def __init__(self, file, path: str | os.PathLike[str]):
    # Python 2 wrote array data as text; Latin-1 gives every byte back unchanged.
    super().__init__(file, encoding='latin1')
    self._path = path

  def find_class(self, module_name: str, global_name: str) -> Any:
    try:
      return _ALLOWED[module_name, global_name]
    except KeyError:
      raise PoseDataError(
        f'{self._path} names {module_name}.{global_name}, which is refused: a pickle'
        ' can run any program, so only numpy arrays and plain Python values are read;'
        ' write the file again with only those'
      ) from None


class _Dtype:
  """Replaces `numpy.dtype` while loading; keeps its code and byte order."""

  def __init__(self, code: str, align: bool = False, copy: bool = False):
    del align, copy  # Only structures use these.
    self._code = code
    self._byte_order = '='

  def __setstate__(self, state: tuple):
    self._byte_order = state[1]

  def to_numpy(self) -> np.dtype:
    dtype = np.dtype(f'{self._byte_order}{self._code}')
    if dtype.kind not in _DTYPE_KINDS:
      raise TypeError(f'array of {dtype}, but only numbers, text, objects are read')
    return dtype


class _Array(np.ndarray):
  """An array whose pickled state holds its dtype as a `_Dtype`."""

  def __setstate__(self, state: tuple):
    version, shape, dtype, is_fortran, content = state
    super().__setstate__((version, shape, dtype.to_numpy(), is_fortran, content))


def _empty_array(array_type: Any, shape: Any, dtype: Any) -> _Array:
  """`numpy._core.multiarray._reconstruct`: an array that `__setstate__` fills."""
  del array_type, shape, dtype
  return _Array((0,), np.uint8)


def _array_of_buffer(
  content: Any, dtype: _Dtype, shape: Any, order: str, axis_order: Any = None
) -> np.ndarray:
  """`numpy._core.numeric._frombuffer`, which protocol 5 uses."""
  flat = np.frombuffer(content, dtype.to_numpy())
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
    for plain in (set, frozenset, bytes, bytearray, complex, slice)
  },
}
