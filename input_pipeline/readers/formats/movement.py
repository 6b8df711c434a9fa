"""Poses of the package movement: one netCDF file per video, as xarray writes it.

  VIDEO.nc    position    [time, space, keypoints, individuals], space is x, y in pixels
              confidence  [time, keypoints, individuals]
              fps, time_unit, source_software, ds_type: attributes

The axes may have any order. In newer files their names are `keypoint` and `individual`;
in the oldest, the positions are `pose_tracks`. `time` counts frames, or seconds if `fps`
is known. Missing positions are NaN. The joints of a pose whose confidences are all NaN
have score 1. The frame size is not in the file.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files import hdf5
from input_pipeline.readers.formats.tracked_arrays import poses_of_tracks
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.skeletons.registry import Skeleton
from pose_action.host.extras import naming_the_extra

if TYPE_CHECKING:
  import xarray

SUFFIXES = ('.nc', '.nc4', '.netcdf')

_NETCDF_3 = b'CDF'
_POSITIONS = ('position', 'pose_tracks')
# Today's name of an axis by its former name.
_AXES = {'keypoints': 'keypoint', 'individuals': 'individual'}
_OPTIONAL_AXES = ('individual',)
# Two times are as far apart as all others within this share (our choice).
_SAME_STEP = 0.01
# Largest distance from a whole number of frames, in frames (our choice).
_OFF_BEAT = 0.25


def is_video(path: pathlib.Path) -> bool:
  return path.is_file() and path.suffix.lower() in SUFFIXES


def joint_names(path: pathlib.Path) -> tuple[str, ...] | None:
  """Names of a file's joints; None if they are movement's own placeholders.

  Raises:
    PoseDataError: if the file cannot be read.
  """
  return _names(_read(path))


def read_video(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads the people in each frame; an individual's place is their identity.

  Raises:
    PoseDataError: naming the file and the fault in its variables.
    MissingExtraError: if xarray, h5netcdf or h5py is not installed.
  """
  data = _read(path)
  positions = _array(
    data, _POSITIONS, ('time', 'individual', 'keypoint', 'space'), path
  )
  positions = positions[..., _columns_of_x_and_y(data, path)]
  scores, notes = _scores(data, positions, path)
  numbers, rate = _frame_numbers(data, path)
  return poses_of_tracks(
    np.concatenate([positions, scores[..., None]], axis=-1),
    numbers,
    _names(data),
    skeleton,
    options,
    where=f'{path}: keypoint',
    frame_rate=rate,
    notes=notes,
  )


def _read(path: pathlib.Path) -> xarray.Dataset:
  """All variables of a file, with today's names of the axes."""
  with naming_the_extra():
    import h5netcdf  # noqa: F401, xarray's engine for netCDF-4
    import xarray
  with path.open('rb') as file:
    is_old = file.read(len(_NETCDF_3)) == _NETCDF_3
  if not is_old:
    with hdf5.open_hdf5(path):  # Checks the size.
      pass
  try:
    with xarray.open_dataset(
      path, engine='scipy' if is_old else 'h5netcdf', decode_times=False
    ) as file:
      data = file.load()
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'{path} is not a readable netCDF file: {type(error).__name__}: {error}'
    ) from error
  kind = data.attrs.get('ds_type', 'poses')
  if kind != 'poses':
    raise PoseDataError(
      f"{path} holds {kind}, but must hold movement's poses (ds_type 'poses')"
    )
  return data.rename({old: new for old, new in _AXES.items() if old in data.dims})


def _array(
  data: xarray.Dataset,
  names: Sequence[str],
  axes: tuple[str, ...],
  path: pathlib.Path,
) -> Float[np.ndarray, '...']:
  """The first variable that exists, as float64, with its axes in this order."""
  name = next((name for name in names if name in data), None)
  if name is None:
    raise PoseDataError(
      f'{path} has no variable {names[0]!r}; it has'
      f' {", ".join(map(str, data.data_vars)) or "none"}'
    )
  variable = data[name]
  has = set(map(str, variable.dims))
  if set(axes) - has - {*_OPTIONAL_AXES} or has - set(axes):
    raise PoseDataError(
      f'{path}: {name} has the axes {", ".join(map(str, variable.dims))}, but needs'
      f' {", ".join(axes)}; select one value of each further axis before you save'
    )
  if variable.dtype.kind not in 'fiu':
    raise PoseDataError(f'{path}: {name} is {variable.dtype}, but must be numbers')
  for axis in set(axes) - has:
    variable = variable.expand_dims(axis)
  return variable.transpose(*axes).to_numpy().astype(np.float64)


def _columns_of_x_and_y(data: xarray.Dataset, path: pathlib.Path) -> list[int]:
  space = _labels(data, 'space') or ('x', 'y', 'z')[: data.sizes['space']]
  if set(space) != {'x', 'y'} or len(space) != 2:
    what = '3-D poses are not read' if 'z' in space else 'they are no pixels'
    raise PoseDataError(
      f'{path}: positions have the coordinates {", ".join(space)}, but must have x and y:'
      f' {what}'
    )
  return [space.index(axis) for axis in ('x', 'y')]


def _labels(data: xarray.Dataset, axis: str) -> tuple[str, ...]:
  if axis not in data.coords:
    return ()
  return tuple(
    label.decode() if isinstance(label, bytes) else str(label)
    for label in data[axis].to_numpy().ravel().tolist()
  )


def _names(data: xarray.Dataset) -> tuple[str, ...] | None:
  names = _labels(data, 'keypoint')
  # What movement calls joints without names.
  placeholders = all(re.fullmatch(r'(keypoint_)?\d+', name) for name in names)
  return None if placeholders else names


def _scores(
  data: xarray.Dataset, positions: Float[np.ndarray, 't m n 2'], path: pathlib.Path
) -> tuple[Float[np.ndarray, 't m n'], tuple[Note, ...]]:
  unscored = scores_of_positions(positions)
  if 'confidence' not in data:
    return unscored, ()
  scores = _array(data, ('confidence',), ('time', 'individual', 'keypoint'), path)
  # SLEAP's labels by hand have no confidence.
  by_hand = np.all(np.isnan(scores), axis=-1)
  poses = int((by_hand & (unscored > 0).any(axis=-1)).sum())
  notes = ()
  if poses and not by_hand.all():
    note = (
      f'{poses} of {by_hand.size} poses have no confidence, as labels by hand; their'
      ' joints have score 1'
    )
    notes = (Note('poses_without_scores', note),)
  return np.where(by_hand[..., None], unscored, scores), notes


def _frame_numbers(
  data: xarray.Dataset, path: pathlib.Path
) -> tuple[list[int], float | None]:
  """A number for each frame, and the frames per second if known."""
  rate = _frame_rate(data.attrs)
  if 'time' not in data.coords:
    return list(range(data.sizes['time'])), rate
  times = data['time']
  unit = times.attrs.get('units', data.attrs.get('time_unit'))
  if unit not in ('frames', 'seconds', None) or times.dtype.kind not in 'fiu':
    raise PoseDataError(
      f'{path}: time is {times.dtype} in {unit}, but must be numbers in frames or seconds'
    )
  values = times.to_numpy().astype(np.float64)
  if unit is None and rate is not None and _mostly_fractions(values):
    unit = 'seconds'
  if unit == 'seconds':
    return _numbers_of_seconds(values, rate, path)
  _check_order(values, path)
  if (values != np.round(values)).any():
    raise PoseDataError(
      f'{path}: time counts frames, but has {values[values != np.round(values)][0]:g}'
    )
  return values.astype(np.int64).tolist(), rate


def _mostly_fractions(times: Float[np.ndarray, 't']) -> bool:
  return bool(np.mean(times != np.round(times)) > 0.5)


def _numbers_of_seconds(
  times: Float[np.ndarray, 't'], rate: float | None, path: pathlib.Path
) -> tuple[list[int], float | None]:
  """Numbers frames by their seconds; frames may be absent where the rate is known."""
  _check_order(times, path)
  steps = np.diff(times)
  if not len(steps):
    return list(range(len(times))), rate
  step = float(np.median(steps))
  if np.abs(steps - step).max() <= _SAME_STEP * step:
    return list(range(len(times))), 1 / step
  beats = (times - times[0]) * (rate or 1 / float(steps.min()))
  numbers = np.round(beats)
  if np.abs(beats - numbers).max() > _OFF_BEAT or (np.diff(numbers) < 1).any():
    raise PoseDataError(
      f'{path}: times are {steps.min():g} to {steps.max():g} seconds apart, which no'
      f' frame rate explains{f" (fps is {rate:g})" if rate else ""}; save poses at a'
      ' constant frame rate'
    )
  return numbers.astype(np.int64).tolist(), rate


def _check_order(times: Float[np.ndarray, 't'], path: pathlib.Path):
  wrong = np.flatnonzero(~(np.diff(times) > 0))  # Also NaN.
  if len(wrong):
    before, after = times[wrong[0]], times[wrong[0] + 1]
    raise PoseDataError(
      f'{path}: time {after:g} follows time {before:g}, but times must ascend'
    )


def _frame_rate(attributes: Mapping[str, Any]) -> float | None:
  try:
    rate = float(attributes.get('fps', 'nan'))
  except (TypeError, ValueError):
    return None
  return rate if 0 < rate < np.inf else None
