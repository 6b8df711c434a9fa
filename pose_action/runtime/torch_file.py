"""Reads PyTorch state dicts without running any code that a file may contain.

PyTorch refuses such code itself, but some files end its process or take all memory. So
the pickles in a file are scanned first, and the sizes of tensors compared with the file's.
"""

from __future__ import annotations

import os
import pathlib
import pickle
import zipfile
from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from input_pipeline.readers.files import pickle_scan
from pose_action.host.extras import missing
from pose_action.host.user_paths import user_path

_ZIP_MAGIC = b'PK\x03\x04'
_PICKLES_OF_OLD_FILES = (
  5  # Before PyTorch 1.6: mark, version, system, content, storages.
)
# Two names may share a tensor. More copies than this are no weights (our choice).
_MOST_COPIES = 4


class TorchFileError(ValueError):
  """PyTorch is not installed, or the file is not a state dict."""


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
  """Tensors by name, from a file that `torch.save(model.state_dict(), path)` wrote.

  The file is a pickle, which can run any program. PyTorch reads it with only tensors and
  plain containers allowed.

  Raises:
    TorchFileError: if PyTorch is not installed, refuses the file, or finds anything but
      tensors by name in it.
    OSError: if the file cannot be opened.
  """
  path = user_path(path)
  try:
    import torch  # pyright: ignore[reportMissingImports]
  except ImportError as error:
    raise TorchFileError(f'{path} cannot be read: {missing("torch")}') from error
  try:
    _scan(path)
    content = torch.load(path, map_location='cpu', weights_only=True)
  except OSError:
    raise
  # A broken or foreign file can raise nearly anything.
  except Exception as error:
    raise TorchFileError(
      f'{path} is refused, and nothing in it was executed: it is not a PyTorch file that'
      f' holds only tensors ({_reason(error)})'
    ) from error
  if not isinstance(content, Mapping) or not all(
    isinstance(name, str) and isinstance(tensor, torch.Tensor)
    for name, tensor in content.items()
  ):
    raise TorchFileError(
      f'{path} holds a {type(content).__name__}, but must hold a state dict: tensors by'
      ' name, as torch.save(model.state_dict(), path) writes them'
    )
  arrays = {name: _array(name, tensor, path) for name, tensor in content.items()}
  _check_size(arrays, path)
  return arrays


class _TorchGlobals(Container):
  """What a pickle of PyTorch's may name; PyTorch itself allows fewer of these."""

  def __contains__(self, name: object) -> bool:
    if not isinstance(name, tuple):
      return False
    module = name[0].partition('.')[0]
    return module == 'torch' or name == ('collections', 'OrderedDict')


def _scan(path: pathlib.Path):
  """Scans every pickle in a file.

  Raises:
    ValueError: for what PyTorch could not load safely, with the reason.
  """
  with path.open('rb') as file:
    if file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC:
      pickles = _pickles_of_zip(file)
    else:
      file.seek(0)
      pickles = [(file.read(), _PICKLES_OF_OLD_FILES)]
  for content, number in pickles:
    end = 0
    for _ in range(number):
      end = pickle_scan.scan(content, _TorchGlobals(), start=end, of_torch=True)


def _pickles_of_zip(file: Any) -> list[tuple[bytes, int]]:
  with zipfile.ZipFile(file) as archive:
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
      raise ValueError('its members are compressed, which PyTorch does not do')
    return [(archive.read(m), 1) for m in members if m.filename.endswith('.pkl')]


def _check_size(arrays: Mapping[str, np.ndarray], path: pathlib.Path):
  """Raises TorchFileError for tensors that repeat the file's few numbers very often."""
  total, stored = sum(a.nbytes for a in arrays.values()), path.stat().st_size
  if total > _MOST_COPIES * stored:
    raise TorchFileError(
      f'{path} has {stored:,} bytes, but its tensors {total:,}: they repeat the same'
      ' numbers; save each tensor with .clone()'
    )


def _array(name: str, tensor: Any, path: pathlib.Path) -> np.ndarray:
  """A tensor's numbers.

  Raises:
    TorchFileError: for a tensor that numpy cannot represent: sparse, quantised, without
      values (meta), or bfloat16.
  """
  try:
    return tensor.detach().numpy()
  # Raised by kind: NotImplementedError, RuntimeError, TypeError.
  except Exception as error:
    raise TorchFileError(
      f'{path}: tensor {name!r} is {tensor.dtype} ({tensor.layout}, {tensor.device}), but'
      ' must be a dense tensor of common numbers; convert it, as with .to_dense().float()'
    ) from error


def _reason(error: Exception) -> str:
  """PyTorch's objection, without its advice to load the file unsafely."""
  lines = str(error).splitlines()
  objections = [line for line in lines if 'unsupported' in line.lower()]
  if not objections and not isinstance(error, pickle.UnpicklingError):
    objections = lines[:1]
  return ': '.join([type(error).__name__, *(line.strip() for line in objections)])
