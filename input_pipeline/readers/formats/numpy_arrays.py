"""Plain keypoint arrays: one .npy or .npz file per video, described by a small JSON.

  VIDEO.npy     [t, j, 3] or [t, m, j, 3]: (x, y) in pixels and score; 2 without score
  VIDEO.npz     `keypoints` in the same form, optionally `scores` [t, j] or [t, m, j]
  VIDEO.json    {"height": 720, "width": 1280, "fps": 30, "axes": "m t j c"}

The JSON file and each of its fields are optional. `axes` gives another order of axes
than above: t frame, m person, j joint, c coordinate. A person's index is their identity.
Without scores, a joint at (0, 0) or at NaN is missing.
"""

from __future__ import annotations

import pathlib
from typing import Any

import einops
import numpy as np
from jaxtyping import Float

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.readers.axis_order import frames_read_as_people
from input_pipeline.readers.files.file_names import is_file_of, stem_of
from input_pipeline.readers.files.keypoint_json import described_size, read_json
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import (
  PosesByFrame,
)
from input_pipeline.skeletons.registry import Skeleton

_FIELDS = ('height', 'width', 'fps', 'axes')


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
  description = _read_description(description_file)
  arrays = _read_arrays(path)
  axes = description.get('axes') or ('t j c' if arrays[0].ndim == 3 else 't m j c')
  choice = JointChoice(skeleton, str(path))
  people = _people(arrays, str(axes), choice, path)
  if frames_read_as_people(people):
    raise PoseDataError(
      f'{path}: shape {list(arrays[0].shape)} is read as [{", ".join(str(axes).split())}]'
      f' with {people.shape[1]} people per frame, but all are in one place, so they are'
      f' probably {people.shape[1]} frames; if so, write {{"axes": "m t j c"}} to'
      f' {_description_of(path).name}'
    )
  return PosesByFrame(
    people=dict(enumerate(people)),
    num_joints=skeleton.num_joints,
    identities={frame: np.arange(people.shape[1]) for frame in range(len(people))},
    frame_size=described_size(description, str(description_file)),
    frame_rate=description.get('fps'),
    notes=choice.notes,
  )


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


def _read_arrays(path: pathlib.Path) -> list[np.ndarray]:
  """The keypoints, and the scores if they are a separate array."""
  try:
    with text_files.open_binary(path) as file:
      content = np.load(file, allow_pickle=False)
      if isinstance(content, np.ndarray):
        return [content]
      arrays = [content[name] for name in ('keypoints', 'scores') if name in content]
      names = content.files
  except PoseDataError:
    raise
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(f'{path} is not a readable file of arrays: {error}') from error
  if 'keypoints' not in names:
    raise PoseDataError(
      f"{path} has no array 'keypoints'; it has {', '.join(names) or 'none'}"
    )
  return arrays


def _people(
  arrays: list[np.ndarray], axes: str, choice: JointChoice, path: pathlib.Path
) -> Float[np.ndarray, 't m j 3']:
  keypoints = arrays[0]
  letters = axes.split()
  if sorted(letters) not in (['c', 'j', 't'], ['c', 'j', 'm', 't']):
    raise PoseDataError(
      f'{path}: axes are {axes!r}, but must be t, j, c and optionally m in any order,'
      ' separated by spaces'
    )
  sizes = dict(zip(letters, keypoints.shape, strict=False))
  right = keypoints.ndim == len(letters) and keypoints.dtype.kind in 'fiu'
  fits = choice.fits(sizes.get('j', 0))
  if not right or sizes['c'] not in (2, 3) or not fits:
    raise PoseDataError(
      f'{path}: keypoints are {keypoints.dtype} of shape {list(keypoints.shape)}, but'
      f' need numbers [{", ".join(letters)}] with 2 or 3 coordinates c and the'
      f' {choice.skeleton.num_joints} joints of skeleton {choice.skeleton.name!r}; for'
      ' another order,'
      f' set "axes" in {_description_of(path).name}'
    )
  order = 't m j c' if 'm' in letters else 't 1 j c'
  people = einops.rearrange(keypoints.astype(np.float32), f'{axes} -> {order}')
  scores = _scores(arrays, people, [a for a in letters if a != 'c'], path)
  joints = np.concatenate([people[..., :2], scores[..., None]], axis=-1)
  chosen = choice.of(np.moveaxis(joints, 2, 0), f'{path}: keypoints')
  return np.moveaxis(chosen, 0, 2)


def _scores(
  arrays: list[np.ndarray],
  people: np.ndarray,
  letters: list[str],
  path: pathlib.Path,
) -> Float[np.ndarray, 't m j']:
  if len(arrays) == 2:
    order = 't m j' if 'm' in letters else 't 1 j'
    scores = arrays[1]
    if scores.dtype.kind not in 'fiu':
      raise PoseDataError(f'{path}: scores are {scores.dtype}, but must be numbers')
    if scores.ndim == len(letters):
      scores = einops.rearrange(scores, f'{" ".join(letters)} -> {order}')
    if scores.shape != people.shape[:3]:
      raise PoseDataError(
        f'{path}: scores have shape {list(arrays[1].shape)}, but the keypoints need'
        f' scores [{", ".join(letters)}] with (t, m, j) = {people.shape[:3]}'
      )
    return scores.astype(np.float32)
  if people.shape[-1] == 3:
    return people[..., 2]
  return scores_of_positions(people[..., :2])
