"""DeepLabCut's predictions, also LightningPose's: one .csv or .h5 file per video.

  scorer,net,net,net,net,...                    three lines of header, or four, with
  individuals,ann,ann,ann,ann,...               individuals, for several people
  bodyparts,nose,nose,nose,left_eye,...
  coords,x,y,likelihood,x,...
  0,312.5,104.1,0.98,301.2,...                  a line per frame, in pixels

The .h5 file is the same table as pandas writes it. Labels by hand have no likelihood and
name images (`frame_order`). Where both files exist for a video, the .csv is read. The
frame size is not in the files.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers import frame_order
from input_pipeline.readers.files.file_names import is_file_of, stem_of, suffix_of
from input_pipeline.readers.formats.deeplabcut_tables import (
  Table,
  read_csv,
  read_hdf5,
)
from input_pipeline.readers.formats.tracked_arrays import poses_of_tracks
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.skeletons.registry import Skeleton

SUFFIXES = ('.csv', '.h5')

_COORDINATES = ('x', 'y', 'likelihood')


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a table; an .h5 file is not if the same table is a .csv."""
  if suffix_of(path) == '.h5' and any(
    path.with_name(f'{stem_of(path)}{suffix}').is_file()
    for suffix in ('.csv', '.csv.gz')
  ):
    return False
  return is_file_of(path, SUFFIXES)


def joint_names(path: pathlib.Path) -> tuple[str, ...]:
  """Names of a file's joints.

  Raises:
    PoseDataError: if the file cannot be read.
    MissingExtraError: if the file is .h5 and h5py is not installed.
  """
  people = _columns_of_people(_read(path), path)
  return tuple(next(iter(people.values())))


def read_video(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads the people in each frame; individuals are identities.

  Raises:
    PoseDataError: naming the file, and the line or column.
    MissingExtraError: if the file is .h5 and h5py is not installed.
  """
  table = _read(path)
  people = _columns_of_people(table, path)
  names = tuple(next(iter(people.values())))
  different = [person for person, parts in people.items() if tuple(parts) != names]
  tracks = np.stack(
    [
      _joints(table.values, list(parts.values()))
      for person, parts in people.items()
      if person not in different
    ],
    axis=1,
  )
  return poses_of_tracks(
    tracks,
    _frame_numbers(table.index, path),
    names,
    skeleton,
    options,
    where=f'{path}: bodyparts',
    notes=_note(different, people),
  )


def _note(
  different: list[str], people: dict[str, dict[str, dict[str, int]]]
) -> tuple[Note, ...]:
  if not different:
    return ()
  others = ', '.join(list(people[different[0]])[:4])
  return (
    Note(
      'individuals_left_out',
      f'the individual {different[0]!r} has other body parts ({others}) than the first,'
      ' and is left out',
    ),
  )


def _read(path: pathlib.Path) -> Table:
  return read_hdf5(path) if suffix_of(path) == '.h5' else read_csv(path)


def _columns_of_people(
  table: Table, path: pathlib.Path
) -> dict[str, dict[str, dict[str, int]]]:
  """The column for each individual, body part and coordinate."""
  people: dict[str, dict[str, dict[str, int]]] = {}
  scorers = {key.scorer for key in table.columns}
  if len(scorers) > 1:
    raise PoseDataError(
      f'{path} has columns of several scorers, {", ".join(sorted(scorers)[:3])}; keep one'
    )
  for column, key in enumerate(table.columns):
    part = people.setdefault(key.individual, {}).setdefault(key.bodypart, {})
    if key.coordinate in part or key.coordinate not in _COORDINATES:
      problem = (
        'twice'
        if key.coordinate in part
        else 'which is not x, y or likelihood (3-D poses are not read)'
      )
      raise PoseDataError(
        f'{path}: body part {key.bodypart!r} has the coordinate {key.coordinate!r},'
        f' {problem}'
      )
    part[key.coordinate] = column
  for person, parts in people.items():
    for name, part in parts.items():
      if not {'x', 'y'} <= set(part):
        raise PoseDataError(
          f'{path}: body part {name!r}{f" of {person!r}" if person else ""} has only'
          f' {", ".join(part)}, but needs x and y'
        )
  return people


def _joints(
  values: Float[np.ndarray, 't c'], parts: Sequence[dict[str, int]]
) -> Float[np.ndarray, 't n 3']:
  """A person's (x, y, likelihood); without likelihoods, 1 if there is a position."""
  joints = []
  for part in parts:
    positions = values[:, [part['x'], part['y']]]
    if 'likelihood' in part:
      scores = values[:, part['likelihood']]
    else:
      scores = scores_of_positions(positions)
    joints.append(np.column_stack([positions, scores]))
  return np.stack(joints, axis=1)


def _frame_numbers(index: Sequence[str], path: pathlib.Path) -> list[int]:
  """The frame number of each row, which is a number or an image."""
  if all(re.fullmatch(r'[0-9.]+', name) for name in index):
    numbers = [frame_order.number_of(name, f'{path}: a row') for name in index]
    rows = (f'row {row}' for row in range(len(index)))
    frame_order.frames_by_number(zip(numbers, rows, strict=True), str(path))
    return numbers
  videos = frame_order.videos_of(index, str(path))
  if len(videos) > 1:
    first, second = (next(iter(video.values())) for video in list(videos.values())[:2])
    raise PoseDataError(
      f'{path} has rows of several videos, such as {first!r} and {second!r}; give each'
      ' video its own file'
    )
  (frames,) = videos.values()
  if len(frames) < len(index):
    twice = next(name for row, name in enumerate(index) if name in index[:row])
    raise PoseDataError(f'{path} has the row {twice!r} twice; keep one')
  number_of = {name: number for number, name in frames.items()}
  return [number_of[name] for name in index]
