"""Reads variables from one clip's MATLAB label file."""

from __future__ import annotations

import pathlib

import numpy as np

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.mat5 import Mat5Error, Variable, variables_in


def read_mat(
  path: pathlib.Path, variables: tuple[str, ...], *, video_id: str
) -> dict[str, np.ndarray]:
  """Reads the named variables of a MATLAB 5 `.mat` file, which may hold others too.

  Numbers keep the type that MATLAB stored, which for integers is the smallest type that
  holds them: convert before computing.

  Raises:
    PoseDataError: naming the clip and the file, if the file is missing or broken, or if
      a variable is missing or is neither numbers nor text.
  """
  if not path.is_file():
    raise PoseDataError(f'clip {video_id!r}: there is no file {path}')
  try:
    found = variables_in(
      path.read_bytes(), variables, largest=text_files.largest_content(path)
    )
    missing = [variable for variable in variables if variable not in found]
    if missing:
      raise PoseDataError(
        f'clip {video_id!r}: {path} lacks the variable {missing[0]!r}; a label file needs'
        f' {", ".join(variables)}'
      )
    return {name: _array(found[name], name, path, video_id) for name in variables}
  except (OSError, Mat5Error) as error:
    raise PoseDataError(
      f'clip {video_id!r}: {path} is not a readable MATLAB 5 file: {error}'
    ) from error


def _array(
  variable: Variable, name: str, path: pathlib.Path, video_id: str
) -> np.ndarray:
  if not variable.is_array:
    raise PoseDataError(
      f'clip {video_id!r}: {name!r} in {path} is a cell or a structure, but must be'
      ' numbers or text'
    )
  return variable.read()
