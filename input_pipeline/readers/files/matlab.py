"""Reads variables from one clip's MATLAB label file."""

from __future__ import annotations

import pathlib

import numpy as np

from input_pipeline.errors import PoseDataError


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
  import scipy.io  # Takes half a second, which only readers of .mat files should pay.

  if not path.is_file():
    raise PoseDataError(f'clip {video_id!r}: there is no file {path}')
  try:
    content = scipy.io.loadmat(path, variable_names=variables, appendmat=False)
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'clip {video_id!r}: {path} is not a readable MATLAB 5 file:'
      f' {type(error).__name__}: {error}'
    ) from error
  for variable in variables:
    if variable not in content:
      raise PoseDataError(
        f'clip {video_id!r}: {path} lacks the variable {variable!r}; a label file needs'
        f' {", ".join(variables)}'
      )
    if content[variable].dtype.kind in 'OV':
      raise PoseDataError(
        f'clip {video_id!r}: {variable!r} in {path} is a cell or a structure, but must'
        ' be numbers or text'
      )
  return {variable: content[variable] for variable in variables}
