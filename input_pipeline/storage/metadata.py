"""Reads a data set's metadata, and checks them before anything else uses them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from etils import epath

from input_pipeline.storage.digests import METADATA_FILE, damage
from input_pipeline.storage.files import FEATURES_FILE, INFO_FILE

_TYPES = {
  'skeleton': dict,
  'class_names': list,
  'settings': dict,
  'splits': dict,
  'left_out': list,
}
_COLUMNS = ('video_ids', 'labels', 'num_frames')


def sound_metadata(directory: epath.Path) -> dict[str, Any]:
  """Returns the metadata of a data set, also one without digests.

  Raises:
    PoseDatasetError: naming the file, if it is missing or does not hold what every
      release writes.
  """
  for name in (INFO_FILE, FEATURES_FILE):
    _read(directory / name)
  file = directory / METADATA_FILE
  metadata = _read(file)
  for name, kind in _TYPES.items():
    if not isinstance(metadata.get(name), kind):
      raise damage(file, f'it has no valid {name!r}')
  frames = metadata.get('frames_per_chunk', 0)  # Missing in older exports: no chunks.
  if not isinstance(frames, int) or frames < 0:
    raise damage(file, f"its 'frames_per_chunk' is {frames!r}, not a number of frames")
  none = metadata.get('background_class', '')  # Missing without one.
  if none and none not in metadata['class_names']:
    raise damage(file, f"its 'background_class' {none!r} is none of its classes")
  for split, columns in metadata['splits'].items():
    _check_columns(file, split, columns, metadata)
  return metadata


def _read(file: epath.Path) -> dict[str, Any]:
  try:
    content = json.loads(file.read_bytes().decode('utf-8'))
  except FileNotFoundError as error:
    raise damage(file, 'the file is missing') from error
  except (OSError, ValueError, RecursionError) as error:
    raise damage(file, f'it cannot be read ({error})') from error
  if not isinstance(content, dict):
    raise damage(file, f'it holds a {type(content).__name__}, not fields')
  return content


def _check_columns(
  file: epath.Path, split: str, columns: Any, metadata: Mapping[str, Any]
):
  """Checks that a split has a label and a length for each clip."""
  valid = isinstance(columns, dict) and all(
    isinstance(columns.get(name), list) for name in _COLUMNS
  )
  if not valid or len({len(columns[name]) for name in _COLUMNS}) > 1:
    raise damage(file, f'split {split!r} has no label and length for each clip')
  rates = columns.get('frame_rates', [None] * len(columns['video_ids']))
  if len(rates) != len(columns['video_ids']) or not all(map(_is_rate, rates)):
    raise damage(file, f'split {split!r} has no valid frame rate for each clip')
  num_classes = len(metadata['class_names'])
  multi_label = metadata.get('multi_label', False)
  for name, label in zip(columns['video_ids'], columns['labels'], strict=True):
    labels = label if multi_label else [label]
    if not isinstance(labels, list) or not all(
      isinstance(k, int) and 0 <= k < num_classes for k in labels
    ):
      raise damage(
        file, f'clip {name!r} has label {label!r}, but there are {num_classes} classes'
      )


def _is_rate(rate: Any) -> bool:
  """Whether it is frames per second, or unknown."""
  return rate is None or (isinstance(rate, int | float) and 0 < rate < math.inf)
