"""Penn Action's label files, `NNNN.mat` (Zhang et al., ICCV 2013)."""

from __future__ import annotations

import difflib
import functools
import pathlib

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers.files.matlab import read_mat
from input_pipeline.readers.joints import to_joints
from input_pipeline.readers.videos.source import naming
from input_pipeline.skeletons.registry import Skeleton

# Spelled as in the files; the data set's documentation says bowling, pull_ups, ...
CLASS_NAMES = (
  'baseball_pitch',
  'baseball_swing',
  'bench_press',
  'bowl',
  'clean_and_jerk',
  'golf_swing',
  'jump_rope',
  'jumping_jacks',
  'pullup',
  'pushup',
  'situp',
  'squat',
  'strum_guitar',
  'tennis_forehand',
  'tennis_serve',
)
_SPLITS = {1: 'train', -1: 'test'}


def read(folder: pathlib.Path, skeleton: Skeleton) -> PoseSource:
  """Opens a folder of label files as clips in splits 'train' and 'test'.

  Opens every file once to read its split. The split of an unreadable file is unknown, so
  its clip is listed in every split, and loading the clip raises the reason.

  Raises:
    PoseDataError: if the folder holds no readable label file.
  """
  video_ids = sorted(file.stem for file in folder.glob('[0-9]*.mat'))
  if not video_ids:
    raise PoseDataError(
      f"{folder} holds no label files: expected Penn Action's labels/ folder, with"
      ' 0001.mat, 0002.mat, ...'
    )
  split_of: dict[str, str] = {}
  errors: list[PoseDataError] = []
  for video_id in video_ids:
    try:
      split_of[video_id] = _read_split(folder, video_id)
    except PoseDataError as error:  # `_load_clip` raises it again.
      errors.append(error)
  if not split_of:
    raise PoseDataError(f'no label file can be read; the first: {errors[0]}')
  return PoseSource(
    skeleton=skeleton,
    class_names=CLASS_NAMES,
    splits={
      split: tuple(v for v in video_ids if split_of.get(v, split) == split)
      for split in _SPLITS.values()
      if split in split_of.values()
    },
    load=functools.partial(_load_clip, folder, skeleton),
  )


def _read_split(folder: pathlib.Path, video_id: str) -> str:
  flag = _read_value(folder, video_id, 'train')
  if flag not in _SPLITS:
    raise PoseDataError(
      f'clip {video_id!r}: the flag train is {flag!r}, but must be 1 (train) or -1'
      ' (test)'
    )
  return _SPLITS[flag]


def _read_label(folder: pathlib.Path, video_id: str) -> int:
  action = _read_value(folder, video_id, 'action')
  if action not in CLASS_NAMES:
    nearest = difflib.get_close_matches(str(action), CLASS_NAMES, n=1, cutoff=0.4)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
    raise PoseDataError(
      f'clip {video_id!r}: Penn Action has no action {action!r}{hint} Known:'
      f' {", ".join(CLASS_NAMES)}'
    )
  return CLASS_NAMES.index(action)


def _read_value(folder: pathlib.Path, video_id: str, variable: str) -> int | str:
  """The single value of a variable."""
  file = folder / f'{video_id}.mat'
  values = read_mat(file, (variable,), video_id=video_id)[variable]
  if values.size != 1:
    raise PoseDataError(
      f'clip {video_id!r}: {variable} holds {values.size} values in {file}, but must'
      ' hold one'
    )
  return values.item()


def _load_clip(folder: pathlib.Path, skeleton: Skeleton, video_id: str) -> PoseClip:
  _read_split(folder, video_id)  # Raises if the clip's split is not known.
  file = folder / f'{video_id}.mat'
  fields = read_mat(file, ('x', 'y', 'visibility', 'dimensions'), video_id=video_id)
  x, y, visibility, dimensions = fields.values()
  if not x.shape == y.shape == visibility.shape == (len(x), skeleton.num_joints):
    raise PoseDataError(
      f'clip {video_id!r}: x, y and visibility have shapes {x.shape}, {y.shape},'
      f' {visibility.shape} in {file}, but each needs [frames, {skeleton.num_joints}]'
    )
  if (
    dimensions.size != 3
    or not np.isfinite(dimensions).all()
    or dimensions.flat[2] != len(x)
  ):
    raise PoseDataError(
      f'clip {video_id!r}: dimensions are {dimensions.ravel().tolist()} in {file}, but'
      f' must be height, width and {len(x)} frames'
    )
  # Integers are stored as uint8 or uint16, which would wrap around below 0.
  pixels = np.stack([x, y], axis=-1, dtype=np.float32, casting='unsafe') - 1  # 1-based.
  # The annotation tool guesses the position of an invisible joint.
  values = np.concatenate([pixels, (visibility != 0)[..., None]], axis=-1)
  frame_size = (int(dimensions.flat[0]), int(dimensions.flat[1]))
  with naming(video_id):
    joints = to_joints(values[:, None], 'pixels', frame_size)
  return PoseClip(
    video_id=video_id,
    keypoints=joints.values[..., :2],
    scores=joints.values[..., 2],
    frame_size=frame_size,
    skeleton=skeleton,
    labels=(_read_label(folder, video_id),),
    notes=joints.notes,
  )
