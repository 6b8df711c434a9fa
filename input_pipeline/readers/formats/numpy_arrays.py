"""Plain keypoint arrays: one .npy or .npz file per video, described by a small JSON.

  VIDEO.npy     [t, j, 3] or [t, m, j, 3]: (x, y) in pixels and score; 2 without score
                [..., 4]: (x, y), a depth, which is not read, and score
  VIDEO.npz     `keypoints` in the same form, optionally `scores` [t, j] or [t, m, j],
                and the joints' names in an array of texts such as `joint_names`
  VIDEO.json    {"height": 720, "width": 1280, "fps": 30, "axes": "m t j c"}

The JSON file and each of its fields are optional. `axes` gives another order of axes
than above: t frame, m person, j joint, c coordinate. A person's index is their identity.
Without scores, a joint at (0, 0) or at NaN is missing.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import einops
import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.axis_order import frames_read_as_people
from input_pipeline.readers.files.file_names import is_file_of, stem_of
from input_pipeline.readers.files.keypoint_json import described_size, read_json
from input_pipeline.readers.files.npy_arrays import read_arrays
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import (
  PosesByFrame,
)
from input_pipeline.skeletons.joint_names import skeletons_of_size
from input_pipeline.skeletons.registry import Skeleton

_FIELDS = ('height', 'width', 'fps', 'axes')
# Names of the arrays in an .npz file; `arr_0` is numpy's for an array without a name.
_KEYPOINTS = ('keypoints', 'keypoint', 'poses', 'kpts', 'arr_0')
_SCORES = (
  *('scores', 'score', 'keypoint_scores', 'keypoint_score', 'confidence'),
  *('confidences', 'conf', 'visibility', 'likelihood'),
)
_NAMES = ('joint_names', 'joints', 'keypoint_names', 'names', 'node_names', 'bodyparts')
_DEPTH = Note(
  'depth_dropped',
  'keypoints have 3 coordinates beside the scores; the third, a depth, is not read',
)


@dataclasses.dataclass(frozen=True, eq=False)
class _Arrays:
  """The arrays of a video.

  Attributes:
    keypoints: positions, perhaps with scores.
    scores: scores if they are a separate array.
    joint_names: the joints' names if the file has them.
    fields: height, width and fps if the file has them.
    notes: what was not read.
  """

  keypoints: np.ndarray
  scores: np.ndarray | None = None
  joint_names: tuple[str, ...] | None = None
  fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  notes: tuple[Note, ...] = ()


def is_video(path: pathlib.Path) -> bool:
  return is_file_of(path, ('.npy', '.npz'))


def read_video(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads the people in each frame.

  Raises:
    PoseDataError: naming the file and the fault in its arrays.
  """
  description_file = _description_of(path)
  arrays = _read_arrays(path)
  description = {**arrays.fields, **_read_description(description_file)}
  axes = _axes(description, arrays.keypoints)
  choice = JointChoice(
    skeleton, str(path), names=arrays.joint_names, trust_order=options.trust_order
  )
  people = _people(arrays, axes, choice, path)
  if frames_read_as_people(people):
    raise PoseDataError(
      f'{path}: shape {list(arrays.keypoints.shape)} is read as'
      f' [{", ".join(axes.split())}] with {people.shape[1]} people per frame, but all are'
      f' in one place, so they are probably {people.shape[1]} frames; if so, write'
      f' {{"axes": "m t j c"}} to {_description_of(path).name}. If the first axis counts'
      ' clips, write a file for each clip'
    )
  coordinates = arrays.keypoints.shape[axes.split().index('c')]
  has_depth = coordinates == 4 or (arrays.scores is not None and coordinates == 3)
  return PosesByFrame(
    people=dict(enumerate(people)),
    num_joints=skeleton.num_joints,
    identities={frame: np.arange(people.shape[1]) for frame in range(len(people))},
    frame_size=described_size(description, str(description_file)),
    frame_rate=description.get('fps'),
    notes=(*arrays.notes, *choice.notes, *([_DEPTH] if has_depth else [])),
  )


def _axes(description: Mapping[str, Any], keypoints: np.ndarray) -> str:
  """The letters of the axes, separated by spaces."""
  stated = description.get('axes')
  if not stated:
    return 't j c' if keypoints.ndim == 3 else 't m j c'
  text = str(stated).lower()
  return text if ' ' in text else ' '.join(text)  # 'mtjc'


def _description_of(path: pathlib.Path) -> pathlib.Path:
  return path.with_name(f'{stem_of(path)}.json')


def _read_description(file: pathlib.Path) -> dict[str, Any]:
  if not file.exists():
    return {}
  content = read_json(file)
  known = isinstance(content, dict) and set(content) <= set(_FIELDS)
  if not known:
    raise PoseDataError(
      f'{file} must be an object with some of {", ".join(_FIELDS)}, and nothing else'
    )
  return content


def _read_arrays(path: pathlib.Path) -> _Arrays:
  """The arrays in a file, by their names if it has several."""
  content = read_arrays(path)
  return (
    _Arrays(content) if isinstance(content, np.ndarray) else _by_name(content, path)
  )


def _by_name(arrays: Mapping[str, np.ndarray | None], path: pathlib.Path) -> _Arrays:
  keypoints = next((name for name in _KEYPOINTS if name in arrays), '')
  if not keypoints:
    raise PoseDataError(
      f"{path} has no array 'keypoints'; it has {', '.join(arrays) or 'none'}"
    )
  positions = arrays[keypoints]
  if positions is None:
    raise PoseDataError(
      f'{path}: {keypoints} holds Python objects, which are not read; save a plain array'
    )
  scores = next((name for name in _SCORES if name in arrays), '')
  names = next(
    (
      n
      for n, a in arrays.items()
      if a is not None and n in _NAMES and a.dtype.kind == 'U'
    ),
    '',
  )
  fields = {
    name: array.item()
    for name, array in arrays.items()
    if name in _FIELDS and array is not None and array.size == 1
  }
  unread = [n for n in arrays if n not in (keypoints, scores, names, *fields)]
  note = Note(
    'arrays_not_read',
    f'{path}: arrays not read: {", ".join(unread)}; {keypoints} is read',
  )
  joint_names = arrays.get(names)
  return _Arrays(
    positions,
    arrays.get(scores),
    None if joint_names is None else tuple(joint_names.tolist()),
    fields,
    (note,) if unread else (),
  )


def _people(
  arrays: _Arrays, axes: str, choice: JointChoice, path: pathlib.Path
) -> Float[np.ndarray, 't m j 3']:
  keypoints = arrays.keypoints
  letters = axes.split()
  if sorted(letters) not in (['c', 'j', 't'], ['c', 'j', 'm', 't']):
    raise PoseDataError(
      f'{path}: axes are {axes!r}, but must be t, j, c and optionally m in any order,'
      ' separated by spaces'
    )
  sizes = dict(zip(letters, keypoints.shape, strict=False))
  right = keypoints.ndim == len(letters) and keypoints.dtype.kind in 'fiu'
  fits = choice.fits(sizes.get('j', 0))
  if not right or sizes['c'] not in (2, 3, 4) or not fits:
    raise PoseDataError(
      f'{path}: keypoints are {keypoints.dtype} of shape {list(keypoints.shape)}, but'
      f' need numbers [{", ".join(letters)}] with 2 to 4 coordinates c and the'
      f' {choice.skeleton.num_joints} joints of skeleton {choice.skeleton.name!r}; for'
      f' another order, set "axes" in {_description_of(path).name}'
      + skeletons_of_size(0 if choice.fits(sizes.get('j', 0)) else sizes.get('j', 0))
      + _flat_hint(keypoints.shape, choice.skeleton.num_joints)
    )
  order = 't m j c' if 'm' in letters else 't 1 j c'
  people = einops.rearrange(keypoints.astype(np.float32), f'{axes} -> {order}')
  scores = _scores(arrays.scores, people, [a for a in letters if a != 'c'], path)
  joints = np.concatenate([people[..., :2], scores[..., None]], axis=-1)
  chosen = choice.of(np.moveaxis(joints, 2, 0), f'{path}: keypoints')
  return np.moveaxis(chosen, 0, 2)


def _flat_hint(shape: tuple[int, ...], num_joints: int) -> str:
  """What to do with an array whose coordinates are not an axis of their own."""
  fitting = [c for c in (2, 3) if len(shape) == 2 and shape[1] == c * num_joints]
  if not fitting:
    return ''
  return f'; if rows are x, y, ... for each joint, reshape to (-1, {num_joints}, {fitting[0]})'


def _scores(
  scores: np.ndarray | None,
  people: np.ndarray,
  letters: list[str],
  path: pathlib.Path,
) -> Float[np.ndarray, 't m j']:
  """The scores of an array of their own, else the last coordinate, else by position."""
  if scores is None:
    if people.shape[-1] > 2:
      return people[..., -1]
    return scores_of_positions(people[..., :2])
  order = 't m j' if 'm' in letters else 't 1 j'
  if scores.dtype.kind not in 'fiu':
    raise PoseDataError(f'{path}: scores are {scores.dtype}, but must be numbers')
  shaped = scores
  if scores.ndim == len(letters) + 1 and scores.shape[-1] == 1:
    shaped = scores[..., 0]
  if shaped.ndim == len(letters):
    shaped = einops.rearrange(shaped, f'{" ".join(letters)} -> {order}')
  if shaped.shape != people.shape[:3]:
    raise PoseDataError(
      f'{path}: scores have shape {list(scores.shape)}, but the keypoints need'
      f' scores [{", ".join(letters)}] with (t, m, j) = {people.shape[:3]}'
    )
  return shaped.astype(np.float32)
