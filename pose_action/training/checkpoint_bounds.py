"""Bounds on what a checkpoint may be: checkpoints are passed on, so any may be made to
exhaust the machine that opens it.

All bounds are ours: far above what a run writes, and low enough that a checkpoint that
keeps to them is opened in seconds, in less than a gigabyte beside its arrays.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from pose_action.training.checkpoint_digests import DamagedCheckpointError

_LEVELS = 8  # Folders in folders; a checkpoint has four.
_FILES = 200_000
_TEXT = 16 << 20  # Bytes of a file that holds no arrays.
_DESCRIPTION = '_CHECKPOINT_METADATA'
_ARRAYS = 'd'  # The folders of files with arrays.
# The largest size that a description may name (channels, cells, people), the most items
# of a list in it, frames of a clip, and layers of a stage.
_SIZE, _ITEMS, _FRAMES, _LAYERS = 65_536, 1024, 16_384, 64
_DESCRIBED = {'config': dict, 'class_names': list, 'skeleton': dict}
_SECTIONS = ('data', 'model', 'augment', 'optimizer', 'train', 'eval')
_WORDS = {dict: 'dict', list: 'list'}
_LOOPS = {
  'data': {'num_frames': _FRAMES, 'read_frames': _FRAMES},
  'model': {'convolutions': _LAYERS},
}


def check_files(folder: pathlib.Path):
  """Checks the kinds, sizes and number of a checkpoint's files, and Orbax's description.

  That is read by Orbax before anything here could check it.

  Links to other files are fine: stores of shared files are made of them.

  Raises:
    DamagedCheckpointError: for a pipe, a device or a link that leads nowhere, for folders
      nested without end, for too many or too large files, and for a description that is
      nested too deep to be read.
  """
  if not folder.is_dir():
    return  # Whoever reads it says so.
  try:
    for count, file in enumerate(_files(folder, folder, _LEVELS)):
      size = file.stat().st_size
      if count >= _FILES:
        raise DamagedCheckpointError(folder, f'it has more than {_FILES:,} files')
      if size > _TEXT and file.parent.name != _ARRAYS:
        reason = f'{file.relative_to(folder)} has {size:,} bytes, at most {_TEXT:,} are'
        raise DamagedCheckpointError(folder, f'{reason} read')
  except OSError as error:
    raise DamagedCheckpointError(folder, f'{error.strerror or error}') from error
  try:
    json.loads((folder / _DESCRIPTION).read_bytes())
  except RecursionError as error:
    reason = f'{_DESCRIPTION} is nested too deep'
    raise DamagedCheckpointError(folder, reason) from error
  except (OSError, ValueError):
    pass  # Orbax does without.


def _files(
  folder: pathlib.Path, place: pathlib.Path, levels: int
) -> Iterator[pathlib.Path]:
  with os.scandir(place) as entries:
    for entry in entries:
      path = pathlib.Path(entry.path)
      try:
        is_folder, is_file = entry.is_dir(), entry.is_file()
      except OSError:  # Links in a circle.
        is_folder = is_file = False
      if is_file:
        yield path
      elif is_folder and levels:
        yield from _files(folder, path, levels - 1)
      else:
        what = 'is nested too deep' if is_folder else 'is no file, and no folder'
        raise DamagedCheckpointError(folder, f'{path.relative_to(folder)} {what}')


def check_description(folder: pathlib.Path, description: Mapping[str, Any]):
  """Checks a run's description before a model is built from it.

  Raises:
    DamagedCheckpointError: for a part of another kind, and for sizes that would take
      hours or terabytes to build.
  """
  for name, kind in _DESCRIBED.items():
    if not isinstance(description.get(name), kind):
      raise DamagedCheckpointError(
        folder, f'{name} in run/metadata is no {_WORDS[kind]}'
      )
  names = description['class_names']
  if not names or not all(isinstance(name, str) for name in names):
    raise DamagedCheckpointError(folder, 'class_names in run/metadata are no names')
  config = description['config']
  for section in _SECTIONS:
    if not isinstance(config.get(section, {}), dict):
      raise DamagedCheckpointError(
        folder, f'config.{section} in run/metadata is no dict'
      )
  for section, loops in _LOOPS.items():
    for name, value in config.get(section, {}).items():
      most = loops.get(name, _SIZE)
      _check_sizes(folder, f'config.{section}.{name}'[:200], value, most)


def _check_sizes(folder: pathlib.Path, name: str, value: Any, most: int):
  if isinstance(value, dict):
    for key, item in value.items():
      _check_sizes(folder, f'{name}.{key}'[:200], item, most)
  elif isinstance(value, list):
    if len(value) > _ITEMS:
      raise DamagedCheckpointError(
        folder, f'{name} in run/metadata has {len(value):,} items, at most {_ITEMS:,}'
      )
    for item in value:
      _check_sizes(folder, name, item, most)
  elif isinstance(value, int | float) and not abs(value) <= most:
    raise DamagedCheckpointError(
      folder, f'{name} in run/metadata is {str(value)[:40]}, but at most {most:,}'
    )
