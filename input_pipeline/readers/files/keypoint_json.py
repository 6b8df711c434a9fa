"""What the JSON files of pose tools have in common."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.tracking import UNKNOWN
from input_pipeline.skeletons.registry import SKELETONS, Skeleton


def read_json(path: pathlib.Path) -> Any:
  """The content of a JSON file.

  Raises:
    PoseDataError: where it cannot be read.
  """
  try:
    return json.loads(path.read_text('utf-8-sig'))
  except (OSError, ValueError) as error:
    raise PoseDataError(f'{path} is not a readable JSON file: {error}') from error


def flat_keypoints(
  values: Any, skeleton: Skeleton, where: str
) -> Float[np.ndarray, 'j 3']:
  """A person's joints of a list x, y, score, x, y, score, ..., unchanged.

  Args:
    where: names file, frame, person and field in messages.

  Raises:
    PoseDataError: where it is not such a list, or of another number of joints.
  """
  array = numbers(values, where)
  if array.ndim != 1 or array.size % 3:
    raise PoseDataError(
      f'{where} has shape {list(array.shape)}, but must be a list x, y, score of each'
      ' joint'
    )
  return checked_count(array.reshape(-1, 3), skeleton, where)


def checked_count(
  joints: Float[np.ndarray, 'j c'], skeleton: Skeleton, where: str
) -> Float[np.ndarray, 'j c']:
  """The joints, if they are as many as the skeleton's.

  Raises:
    PoseDataError: naming the skeletons that have as many.
  """
  if len(joints) == skeleton.num_joints:
    return joints
  others = [s.name for s in SKELETONS.values() if s.num_joints == len(joints)]
  hint = f'; of {len(joints)} are {", ".join(others)}' if others else ''
  raise PoseDataError(
    f'{where} has {len(joints)} joints, but skeleton {skeleton.name!r} has'
    f' {skeleton.num_joints}{hint}'
  )


def numbers(values: Any, where: str) -> np.ndarray:
  """A list, or a list of lists, as float64; `null` is not a number (NaN).

  Raises:
    PoseDataError: where it is something else.
  """
  try:
    return np.asarray(values, np.float64)
  except (TypeError, ValueError) as error:  # Ragged, or not numbers.
    raise PoseDataError(f'{where} is not a list of numbers: {error}') from error


def field(record: Any, names: tuple[str, ...], where: str) -> Any:
  """The value under the first of those names that a record has.

  Raises:
    PoseDataError: where it has none, or is no record.
  """
  if isinstance(record, dict):
    for name in names:
      if name in record:
        return record[name]
  has = ', '.join(map(repr, record)) if isinstance(record, dict) else None
  raise PoseDataError(
    f'{where} needs {" or ".join(map(repr, names))}, but'
    + (f' has {has or "nothing"}' if has is not None else f' is {_kind(record)}')
  )


def checked_list(value: Any, where: str) -> list[Any]:
  """The value, if it is a list.

  Raises:
    PoseDataError: where it is not.
  """
  if not isinstance(value, list):
    raise PoseDataError(f'{where} must be a list, but is {_kind(value)}')
  return value


def checked_records(value: Any, where: str) -> list[dict[str, Any]]:
  """The value, if it is a list of objects.

  Raises:
    PoseDataError: where it is not.
  """
  for index, record in enumerate(checked_list(value, where)):
    if not isinstance(record, dict):
      raise PoseDataError(
        f'{where}: entry {index} must be an object, but is {_kind(record)}'
      )
  return value


def tracked_identity(value: Any) -> int:
  """A tracker's number of a person, or the first in a list; else `people.UNKNOWN`."""
  while isinstance(value, list):
    value = value[0] if value else None
  named = isinstance(value, (int, float)) and abs(value) < 2**31
  return int(value) if named else UNKNOWN


def described_size(content: Mapping[str, Any], where: str) -> tuple[int, int] | None:
  """(height, width) in pixels under these names; None where there is neither.

  Raises:
    PoseDataError: where they are not whole numbers of pixels.
  """
  height, width = content.get('height'), content.get('width')
  if height is None and width is None:
    return None
  if not (
    isinstance(height, int) and isinstance(width, int) and min(height, width) > 0
  ):
    raise PoseDataError(
      f'{where}: height and width are {height!r} and {width!r}, but must be whole numbers'
      ' of pixels'
    )
  return height, width


def _kind(value: Any) -> str:
  names = {dict: 'an object', list: 'a list', str: 'text', type(None): 'null'}
  return names.get(type(value), f'a {type(value).__name__}')
