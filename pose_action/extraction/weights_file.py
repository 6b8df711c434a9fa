"""Files of weights: a state dict out of one, and which file it was."""

from __future__ import annotations

import hashlib
import os
import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np

from pose_action.extraction.extractor import ExtractorError

PathLike = str | os.PathLike[str]


def fingerprint(path: PathLike) -> str:
  """The first 16 hexadecimal digits of a file's SHA-256."""
  with open(path, 'rb') as file:
    return hashlib.file_digest(file, 'sha256').hexdigest()[:16]


def read_state_dict(path: PathLike) -> Mapping[str, np.ndarray]:
  """Tensors by name: from *.npz, or from a file of PyTorch.

  The latter is a pickle, which can run any program; PyTorch reads it with nothing but
  tensors and plain containers allowed.

  Raises:
    ExtractorError: where the file is not there, or holds anything else; where PyTorch is
      needed and not installed.
  """
  path = pathlib.Path(path).expanduser()
  if not path.is_file():
    raise ExtractorError(
      f'there is no file {path}; give a state dict of PyTorch, or an *.npz of its tensors'
    )
  return _of_npz(path) if path.suffix == '.npz' else _of_pytorch(path)


def _of_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    arrays = np.load(path, allow_pickle=False)
    if not isinstance(arrays, np.lib.npyio.NpzFile):
      raise ValueError('it is a single array')
    with arrays:
      return dict(arrays)
  except (ValueError, zipfile.BadZipFile, EOFError) as error:
    raise ExtractorError(
      f'{path} is no *.npz of plain arrays ({error}); save one with numpy.savez'
    ) from error


def _of_pytorch(path: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    import torch  # pyright: ignore[reportMissingImports]
  except ImportError as error:
    raise ExtractorError(
      f'{path} is read by PyTorch, which is not installed:'
      " pip install 'pose-action-jax[torch]'. Or save its tensors as *.npz"
    ) from error
  try:
    content = torch.load(path, map_location='cpu', weights_only=True)
  except OSError:
    raise
  # A broken or foreign file can raise nearly anything.
  except Exception as error:
    # Without PyTorch's advice to load the file unsafely.
    raise ExtractorError(
      f'{path} is refused, and nothing in it was executed: it is no PyTorch file of'
      f' tensors alone ({type(error).__name__}). Give a state dict saved by torch.save'
    ) from error
  if not isinstance(content, Mapping) or not all(
    isinstance(name, str) and isinstance(tensor, torch.Tensor)
    for name, tensor in content.items()
  ):
    raise ExtractorError(
      f'{path} holds a {type(content).__name__}, but not the tensors of a state dict by'
      ' name; save model.state_dict() alone'
    )
  return {name: tensor.numpy() for name, tensor in content.items()}
