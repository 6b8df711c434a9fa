"""Reads a pose network's weights from a file, and fingerprints the file."""

from __future__ import annotations

import hashlib
import os
import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np

from pose_action.extraction.extractor import ExtractorError
from pose_action.host.user_paths import user_path
from pose_action.runtime import torch_file

PathLike = str | os.PathLike[str]


def fingerprint(path: PathLike) -> str:
  """The first 16 hexadecimal digits of a file's SHA-256."""
  with open(path, 'rb') as file:
    return hashlib.file_digest(file, 'sha256').hexdigest()[:16]


def read_state_dict(path: PathLike) -> Mapping[str, np.ndarray]:
  """Tensors by name, from an *.npz or a PyTorch file; see `torch_file`.

  Raises:
    ExtractorError: if the file does not exist or holds anything else, or if PyTorch is
      needed and not installed.
  """
  path = user_path(path)
  if not path.is_file():
    raise ExtractorError(
      f'there is no file {path}; give a PyTorch state dict, or an *.npz of its tensors'
    )
  if path.suffix == '.npz':
    return _read_npz(path)
  try:
    return torch_file.read_state_dict(path)
  except torch_file.TorchFileError as error:
    raise ExtractorError(f'{error}. An *.npz of the tensors is read too') from error


def _read_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    arrays = np.load(path, allow_pickle=False)
    if not isinstance(arrays, np.lib.npyio.NpzFile):
      raise ValueError('it is a single array')
    with arrays:
      return dict(arrays)
  except (ValueError, zipfile.BadZipFile, EOFError) as error:
    raise ExtractorError(
      f'{path} is not an *.npz of plain arrays ({error}); save one with numpy.savez'
    ) from error
