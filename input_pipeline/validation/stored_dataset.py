"""Checks exported data sets: whether every file is as it was written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from etils import epath

from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDatasetError
from input_pipeline.storage.dataset import REPRESENTATIONS, open_dataset
from input_pipeline.storage.digests import (
  DIGESTS_FILE,
  METADATA_FILE,
  find_damage,
  unverifiable,
)
from input_pipeline.storage.files import INFO_FILE, VERSION
from input_pipeline.storage.paths import data_path


def datasets_at(path: PathLike) -> tuple[epath.Path, ...]:
  """The directories of exported data sets at a path; empty if it holds none.

  Args:
    path: a data set's directory, or a folder above: of one representation, of all, or the
      folder for all data sets.
  """
  root = data_path(path)
  if _is_dataset(root):
    return (root,)
  versions = [root / VERSION, *(root / r / VERSION for r in REPRESENTATIONS)]
  found = tuple(version for version in versions if _is_dataset(version))
  if found or not root.is_dir():
    return found
  return tuple(
    folder / r / VERSION
    for folder in sorted(root.iterdir())
    for r in REPRESENTATIONS
    if _is_dataset(folder / r / VERSION)
  )


def check_stored(
  directory: epath.Path, progress: Callable[[str], object]
) -> tuple[list[str], bool]:
  """Reads every file of a data set; returns lines for the user, and whether it is whole.

  A data set without digests is opened, and every record is read.
  """
  try:
    damaged = find_damage(directory, progress)
    if damaged:
      return [f'error: {line}' for line in damaged[:-1]] + damaged[-1:], False
    dataset = open_dataset(directory.parents[2], *directory.parts[-3:-1])
    counts = [f'{name} {len(dataset.clips(name))}' for name in dataset.splits]
    for split in dataset.splits if damaged is None else ():
      for record in dataset.records(split):
        for name in record:
          np.asarray(record[name])  # Maps are read on demand.
  except PoseDatasetError as error:
    return [f'error: {error}'], False
  found = f'{directory}: clips per split: {", ".join(counts)}'
  if damaged is None:
    return [
      f'{found}; every record can be read',
      f'note: {unverifiable(directory)}',
    ], True
  return [f'{found}; every file is as it was written'], True


def _is_dataset(directory: epath.Path) -> bool:
  """Whether the directory holds a data set, perhaps a damaged one."""
  names = (INFO_FILE, METADATA_FILE, DIGESTS_FILE)
  return sum((directory / name).exists() for name in names) >= 2
