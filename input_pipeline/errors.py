"""Exceptions for unusable data and unknown names."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator


class SkeletonError(ValueError):
  """An invalid or unknown joint layout; the message says what is wrong."""


class PoseDataError(ValueError):
  """Invalid pose data; the message names the clip and the field."""


class PoseDatasetError(ValueError):
  """A data set that is missing, already exists, or differs from the request."""


class DatasetInUseError(PoseDatasetError):
  """Another process is writing the data set."""


# What already says what is wrong and what to do.
_CLEAR = (PoseDataError, PoseDatasetError, SkeletonError, ImportError)
# A longer message shows a damaged value rather than a reason (our choice).
_LONGEST = 2000


@contextlib.contextmanager
def as_pose_data_error(what: str, *, prefix: str = '') -> Iterator[None]:
  """Turns every exception in the block into a PoseDataError in one line.

  A damaged file can raise almost any exception. Errors of this module stay as they are,
  except that long ones are shortened, and lines that another library wrote are joined;
  so does a library that is not installed.

  Args:
    what: what failed, such as 'clip x cannot be read'.
    prefix: begins the message of a PoseDataError that does not hold it.
  """
  try:
    yield
  except _CLEAR as error:
    message = str(error)
    is_named = not isinstance(error, PoseDataError) or prefix in message
    is_line = '\n' not in message or isinstance(error, ImportError)
    if is_named and is_line and len(message) <= _LONGEST:
      raise
    kind = type(error) if isinstance(error, ValueError) else PoseDataError
    raise kind(shortened(message if is_named else f'{prefix}: {message}')) from error
  except Warning:  # The user turns warnings into errors.
    raise
  except MemoryError as error:
    _show_where()
    raise PoseDataError(f'{what}: it needs more memory than there is') from error
  except Exception as error:
    _show_where()
    raise PoseDataError(
      f'{what}: {shortened(_reason(error))} (damaged data, or a fault in this library:'
      ' POSE_ACTION_DEBUG=1 shows where)'
    ) from error


def shortened(text: str, longest: int = _LONGEST) -> str:
  """The text in one line; the middle of a long one is left out."""
  line = ' '.join(text.split()) if '\n' in text else text
  if len(line) <= longest:
    return line
  return f'{line[: longest * 2 // 3]} … {line[-longest // 3 :]}'


def _show_where():
  if os.environ.get('POSE_ACTION_DEBUG'):
    traceback.print_exc()


def _reason(error: Exception) -> str:
  if isinstance(error, OSError) and error.strerror:
    return error.strerror
  return f'{type(error).__name__}: {error}'
