"""Reads PyTorch state dicts without running any code that a file may contain."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping

import numpy as np

from pose_action.host.extras import missing
from pose_action.host.user_paths import user_path


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
  return {name: tensor.numpy() for name, tensor in content.items()}


def _reason(error: Exception) -> str:
  """PyTorch's objection, without its advice to load the file unsafely."""
  lines = str(error).splitlines()
  objections = [line for line in lines if 'unsupported' in line.lower()]
  if not objections and not isinstance(error, pickle.UnpicklingError):
    objections = lines[:1]
  return ': '.join([type(error).__name__, *objections])
