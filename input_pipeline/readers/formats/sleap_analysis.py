"""SLEAP's analysis files: the tracks of one video in HDF5.

  node_names       [n]
  track_names      [m]
  tracks           [m, 2, n, t]: x, y in pixels; NaN where missing
  point_scores     [m, n, t]; absent or NaN: score 1 for each joint with a position
  track_occupancy  [t, m]

The attribute `dims` of an array names its axes: "track", "xy", "node", "frame". Without
it, the order is as above, or frame, node, xy, track if the file's attribute `transpose`
is false.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files import hdf5
from input_pipeline.readers.formats.tracked_arrays import poses_of_tracks
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.skeletons.registry import Skeleton

_AXES = ('track', 'xy', 'node', 'frame')
_AXES_AS_COMPUTED = ('frame', 'node', 'xy', 'track')
_METADATA = 'video_backend_metadata'


def joint_names(path: pathlib.Path) -> tuple[str, ...]:
  """Names of a file's joints.

  Raises:
    PoseDataError: if the file cannot be read.
    MissingExtraError: if h5py is not installed.
  """
  with hdf5.open_hdf5(path) as file:
    return _names(file, path)


def read(path: pathlib.Path, skeleton: Skeleton, options: ReadOptions) -> PosesByFrame:
  """Reads the people in each frame; their tracks are their identities.

  Raises:
    PoseDataError: naming the file and the fault in its arrays.
    MissingExtraError: if h5py is not installed.
  """
  with hdf5.open_hdf5(path) as file:
    names = _names(file, path)
    axes = _axes(file, path)
    tracks = _array(file, 'tracks', axes, ('frame', 'track', 'node', 'xy'), path)
    if tracks.shape[2:] != (len(names), 2):
      raise PoseDataError(
        f'{path}: tracks have shape {list(file["tracks"].shape)} with the axes'
        f' {", ".join(axes)}, but need 2 coordinates and {len(names)} nodes'
      )
    scores = scores_of_positions(tracks)
    if file.get('point_scores') is not None and file['point_scores'].size:
      order = tuple(axis for axis in axes if axis != 'xy')
      given = _array(file, 'point_scores', order, ('frame', 'track', 'node'), path)
      if given.shape != scores.shape:
        raise PoseDataError(
          f'{path}: point_scores have shape {list(file["point_scores"].shape)}, which'
          f' does not match that of tracks, {list(file["tracks"].shape)}'
        )
      # Labels by hand have no score.
      unscored = np.isnan(given).all(axis=-1, keepdims=True)
      scores = np.where(unscored, scores, given)
    size = _frame_size(file)
  return poses_of_tracks(
    np.concatenate([tracks, scores[..., None]], axis=-1),
    range(len(tracks)),
    names,
    skeleton,
    options,
    where=f'{path}: node_names',
    frame_size=size,
  )


def frame_size(shape: Any) -> tuple[int, int] | None:
  """(height, width) of a video's shape (frames, height, width, channels), if known."""
  try:
    height, width = int(shape[1]), int(shape[2])
  except (TypeError, ValueError, IndexError, KeyError):
    return None
  return (height, width) if min(height, width) > 0 else None


def _names(file: Any, path: pathlib.Path) -> tuple[str, ...]:
  if 'tracks' not in file or 'node_names' not in file:
    hint = (
      ': this is a table of pandas, as DeepLabCut writes it; read it with'
      ' --format=deeplabcut'
      if any('pandas_type' in group.attrs for group in file.values())
      else '; in SLEAP, export it as Analysis HDF5'
    )
    raise PoseDataError(
      f'{path} has {", ".join(file) or "nothing"}, but needs tracks and node_names{hint}'
    )
  return tuple(_text(name) for name in file['node_names'][:])


def _axes(file: Any, path: pathlib.Path) -> tuple[str, ...]:
  if 'dims' not in file['tracks'].attrs:
    return _AXES if file.attrs.get('transpose', True) else _AXES_AS_COMPUTED
  axes = json.loads(_text(file['tracks'].attrs['dims']))
  if not isinstance(axes, list) or sorted(map(str, axes)) != sorted(_AXES):
    raise PoseDataError(
      f'{path}: the axes of tracks are {axes}, but must be {", ".join(_AXES)} in any'
      ' order'
    )
  return tuple(axes)


def _array(
  file: Any,
  name: str,
  axes: tuple[str, ...],
  wanted: tuple[str, ...],
  path: pathlib.Path,
) -> Float[np.ndarray, '...']:
  array = file[name]
  if array.ndim != len(axes) or array.dtype.kind not in 'fiu':
    raise PoseDataError(
      f'{path}: {name} is {array.dtype} of shape {list(array.shape)}, but must be numbers'
      f' [{", ".join(axes)}]'
    )
  return np.transpose(array[:], [axes.index(axis) for axis in wanted]).astype(
    np.float64
  )


def _frame_size(file: Any) -> tuple[int, int] | None:
  try:
    metadata = json.loads(_text(file.attrs.get(_METADATA, '{}')))
  except ValueError:
    return None
  return frame_size(metadata.get('shape') if isinstance(metadata, dict) else None)


def _text(value: Any) -> str:
  return value.decode() if isinstance(value, bytes) else str(value)
