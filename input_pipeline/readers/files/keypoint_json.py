"""Checked parsing shared by the readers of pose tools' JSON files."""

from __future__ import annotations

import hashlib
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np
from jaxtyping import Float

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.tracking import TEXTS_FROM, UNKNOWN
from input_pipeline.readers.files.file_names import JSON_LINES, suffix_of
from input_pipeline.readers.joint_choice import JointChoice

# No camera has as many pixels in a row (our choice).
_LONGEST_SIDE = 100_000
# Texts that are no identities.
_NOBODY = ('', '-', 'none', 'null', 'nan', 'na', 'n/a', 'unknown', 'untracked')


def read_json(path: pathlib.Path) -> Any:
  """Reads a JSON file, which may be compressed, or hold one value per line.

  A file of lines gives the list of their values. NaN and Infinity, which Python writes
  although JSON lacks them, become floats; readers take such a joint as missing.

  Raises:
    PoseDataError: if the file cannot be read, gives a key of an object two values, or is
      nested too deeply.
  """
  text = text_files.read_text(path)
  if suffix_of(path) in JSON_LINES:
    return _json_lines(text, path)
  try:
    return _parse(text)
  except json.JSONDecodeError as error:
    if error.msg == 'Extra data' and '\n' in text[: error.pos]:
      return _json_lines(text, path)
    raise PoseDataError(f'{path} is not a readable JSON file: {error}') from error
  except ValueError as error:
    raise PoseDataError(f'{path} is not a readable JSON file: {error}') from error


def _json_lines(text: str, path: pathlib.Path) -> list[Any]:
  values = []
  for number, line in enumerate(text.split('\n'), start=1):
    if line.strip():
      try:
        values.append(_parse(line))
      except ValueError as error:
        raise PoseDataError(
          f'{path}, line {number} is not a JSON value, but this file holds one value per'
          f' line: {error}'
        ) from error
  return values


def _parse(text: str) -> Any:
  try:
    return json.loads(text, object_pairs_hook=_object)
  except RecursionError:
    raise ValueError('it is nested too deeply') from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  """The fields of an object; refuses to drop all but the last value of a key."""
  fields = dict(pairs)
  if len(fields) < len(pairs):
    for key, value in pairs:
      # Compared as text, because NaN is not equal to itself.
      if repr(value) != repr(fields[key]):
        raise ValueError(f'an object gives the key {key!r} two values; keep one')
  return fields


def flat_keypoints(
  values: Any, choice: JointChoice, where: str
) -> Float[np.ndarray, 'j 3']:
  """Reshapes a person's list x, y, score, x, y, score, ... without changing values.

  A list of [x, y, score] per joint is taken, too.

  Args:
    choice: which joints are the skeleton's.
    where: file, frame, person and field, for messages.

  Raises:
    PoseDataError: if `values` is no such list, or has another number of joints.
  """
  array = numbers(values, where)
  if array.ndim == 2 and array.shape[1] == 3:
    array = array.reshape(-1)
  if array.ndim != 1 or array.size % 3:
    raise PoseDataError(
      f'{where} has shape {list(array.shape)}, but must be a flat list with x, y, score'
      ' for each joint'
    )
  return choice.of(array.reshape(-1, 3), where)


def numbers(values: Any, where: str) -> np.ndarray:
  """Converts a list, or nested lists, to float64; `null` becomes NaN.

  Raises:
    PoseDataError: if `values` is anything else.
  """
  try:
    return np.asarray(values, np.float64)
  # Ragged, not numbers, or an integer beyond the largest float.
  except (TypeError, ValueError, OverflowError) as error:
    raise PoseDataError(f'{where} is not a list of numbers: {error}') from error


def field(record: Any, names: tuple[str, ...], where: str) -> Any:
  """Returns the value under the first of the names that the record has.

  Raises:
    PoseDataError: if the record has none of the names, or is not an object.
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
  """Returns the value if it is a list.

  Raises:
    PoseDataError: otherwise.
  """
  if not isinstance(value, list):
    raise PoseDataError(f'{where} must be a list, but is {_kind(value)}')
  return value


def checked_records(value: Any, where: str) -> list[dict[str, Any]]:
  """Returns the value if it is a list of objects.

  Raises:
    PoseDataError: otherwise.
  """
  for index, record in enumerate(checked_list(value, where)):
    if not isinstance(record, dict):
      raise PoseDataError(
        f'{where}: entry {index} must be an object, but is {_kind(record)}'
      )
  return value


def tracked_identity(value: Any) -> int:
  """A tracker's identity of a person, or a list's first; else `tracking.UNKNOWN`.

  A number is 7, 7.0, '7' or '7.0'. Another text, such as 'player_7', gets a number of its
  own, beyond all of these. Negative numbers, parts of a number, NaN, and texts that stand
  for nothing ('', 'none', 'unknown') are no identities.
  """
  while isinstance(value, list):
    value = value[0] if value else None
  try:
    number = float(value) if not isinstance(value, bool) else math.nan
  except (TypeError, ValueError, OverflowError):
    return _identity_of_text(value) if isinstance(value, str) else UNKNOWN
  return int(number) if 0 <= number < TEXTS_FROM and number.is_integer() else UNKNOWN


def _identity_of_text(text: str) -> int:
  """The same number for the same text, in any file."""
  name = text.strip()
  if name.casefold() in _NOBODY:
    return UNKNOWN
  digest = hashlib.blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=7)
  return TEXTS_FROM + int.from_bytes(digest.digest())


def described_size(content: Mapping[str, Any], where: str) -> tuple[int, int] | None:
  """(height, width) in pixels, read from 'height' and 'width'; None if both are absent.

  Raises:
    PoseDataError: if either is not an integer from 1 to 100,000.
  """
  height, width = content.get('height'), content.get('width')
  if height is None and width is None:
    return None
  if not (_is_side(height) and _is_side(width)):
    raise PoseDataError(
      f'{where}: height and width are {height!r} and {width!r}, but must be whole numbers'
      f' of pixels, at most {_LONGEST_SIDE:,}'
    )
  return int(height), int(width)


def names_by_number(names: Any, where: str) -> tuple[str, ...] | None:
  """Joint names from a list, {"0": name, ...} or {name: 0, ...}; None if empty.

  Raises:
    PoseDataError: if the numbers are not those from 0 on.
  """
  if not names:
    return None
  if isinstance(names, list):
    return tuple(map(str, names))
  if isinstance(names, dict) and all(type(value) is int for value in names.values()):
    names = {str(number): name for name, number in names.items()}
  if not isinstance(names, dict) or set(names) != {str(n) for n in range(len(names))}:
    raise PoseDataError(f'{where} must map the numbers from 0 on to joint names')
  return tuple(str(names[str(number)]) for number in range(len(names)))


def _is_side(value: Any) -> TypeGuard[int | float]:
  whole = type(value) is int or (type(value) is float and value.is_integer())
  return whole and 0 < value <= _LONGEST_SIDE


def _kind(value: Any) -> str:
  names = {dict: 'an object', list: 'a list', str: 'text', type(None): 'null'}
  return names.get(type(value), f'a {type(value).__name__}')
