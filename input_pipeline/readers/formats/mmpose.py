"""Predictions from MMPose's inferencer (pred_out_dir): JSON per video or per image.

VIDEO.json            [{"frame_id": 0, "instances": [PERSON, ...]}, ...],
                      or {"meta_info": {...}, "instance_info": [the same]};
                      as Python has them: [[PERSON, ...], ...], {"predictions": [the
                      same]}, or [{"predictions": [[PERSON, ...]]}, ...]
VIDEO/000012.json     [PERSON, ...], or {"meta_info": {...}, "instance_info": [the same]}
PERSON                {"keypoints": [[x, y], ...], "keypoint_scores": [c, ...],
                       "bbox": [[x1, y1, x2, y2]], "bbox_score": 0.9}, or, from MMPose
                      0.x, {"keypoints": [[x, y, c], ...], "bbox": [...]}

Without "frame_id" in any frame, frames are numbered by their places.
"""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import JSON, is_file_of, suffix_of
from input_pipeline.readers.files.keypoint_json import (
  checked_list,
  field,
  names_by_number,
  numbers,
  read_json,
  tracked_identity,
)
from input_pipeline.readers.files.numbered_files import (
  has_numbered_files,
  numbered_files,
  videos_of_files,
)
from input_pipeline.readers.frame_order import Videos, frames_by_number, number_of
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import (
  Identities,
  People,
  PosesByFrame,
)
from input_pipeline.skeletons.registry import Skeleton

_SUFFIXES = ('.json',)
# Joint names under `meta_info`; newer versions write several of them.
_NAMES = ('keypoint_id2name', 'keypoint_name2id', 'keypoint_names', 'keypoints')


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a JSON file, or a folder with a JSON file per image.

  A folder with a JSON file per video is not a video. The first file that is not empty
  decides.
  """
  if path.is_file():
    return suffix_of(path) in JSON
  if not has_numbered_files(path, _SUFFIXES):
    return False
  for file in sorted((*path.glob('*.json'), *path.glob('*.json.gz'))):
    try:
      content = read_json(file)
    except PoseDataError:  # `read_video` raises it again.
      continue
    if content := _instances_of_image(content):
      first = content[0] if isinstance(content, list) else None
      return isinstance(first, dict) and not {'instances', 'predictions'} & set(first)
  return True


def _instances_of_image(content: Any) -> Any:
  """The people in an image's file, which may have `meta_info` beside them."""
  return content.get('instance_info') if isinstance(content, dict) else content


def videos_in(path: pathlib.Path) -> Videos:
  """Names of the files of each video in a folder; usually of one. Empty for a file.

  Raises:
    PoseDataError: if the names show no frame order.
  """
  return videos_of_files(path, _SUFFIXES) if path.is_dir() else {}


def read_video(
  path: pathlib.Path,
  skeleton: Skeleton,
  video: str = '',
  options: ReadOptions = AS_READ,
) -> PosesByFrame:
  """Reads the people in each frame; scores above 1, as from SimCC heads, become 1.

  Args:
    video: the video's name; ignored if the path has only one video.

  Raises:
    PoseDataError: naming the file, the frame and the field.
  """
  people, identities = {}, {}
  frames = _frames_of_images(path, video) if path.is_dir() else _frames_of_video(path)
  frames_by_number(
    ((frame[0], f'entry {index}') for index, frame in enumerate(frames)), str(path)
  )
  choice = JointChoice(
    skeleton, str(path), names=joint_names(path), trust_order=options.trust_order
  )
  for number, instances, where in frames:
    people[number], identities[number] = _people(instances, choice, where)
  if not people:
    raise PoseDataError(f'{path} holds no frame, but needs at least one')
  return PosesByFrame(people, skeleton.num_joints, identities, notes=choice.notes)


def joint_names(path: pathlib.Path) -> tuple[str, ...] | None:
  """The joint names under `meta_info`; None if a file has none.

  Raises:
    PoseDataError: if the file cannot be read, or the names are malformed.
  """
  if path.is_dir():
    files = [
      file
      for file in path.iterdir()
      if is_file_of(file, _SUFFIXES) and not file.name.startswith('.')
    ]
    path = min(files, default=path)
  content = read_json(path) if path.is_file() else None
  described = content.get('meta_info') if isinstance(content, dict) else None
  described = described if isinstance(described, dict) else {}
  for key in _NAMES:
    if names := names_by_number(described.get(key), f'{path}: {key}'):
      return names
  return None


_Frame = tuple[int, Any, str]


def _frames_of_images(folder: pathlib.Path, video: str) -> list[_Frame]:
  files = numbered_files(folder, _SUFFIXES, video)
  return [
    (number, _instances_of_image(read_json(file)), str(file))
    for number, file in files.items()
  ]


def _frames_of_video(file: pathlib.Path) -> list[_Frame]:
  content = read_json(file)
  if isinstance(content, dict):
    name = 'predictions' if 'predictions' in content else 'instance_info'
    content = field(content, (name,), str(file))
  entries = [_opened(entry) for entry in checked_list(content, str(file))]
  counted = not any(isinstance(e, dict) and 'frame_id' in e for e in entries)
  frames = []
  for index, frame in enumerate(entries):
    where = f'{file}, frame {index}'
    if isinstance(frame, list):
      frames.append((index, frame, where))
      continue
    if counted and isinstance(frame, dict) and 'instances' in frame:
      frame = {'frame_id': index, **frame}
    number = number_of(field(frame, ('frame_id',), where), f'{where}: frame_id')
    frames.append((number, field(frame, ('instances',), where), where))
  return frames


def _opened(frame: Any) -> Any:
  """The people of a frame that the inferencer returned, or the frame as it is."""
  if isinstance(frame, dict) and isinstance(frame.get('predictions'), list):
    frame = frame['predictions']
    if len(frame) == 1 and isinstance(frame[0], list):  # A batch of one image.
      frame = frame[0]
  return frame


def _people(
  instances: Any, choice: JointChoice, where: str
) -> tuple[People, Identities]:
  people, identities = [], []
  for index, instance in enumerate(checked_list(instances or [], where)):
    name = f'{where}, instance {index}'
    if field(instance, ('keypoints',), name) in (None, []):  # A box without joints.
      continue
    people.append(_person(instance, choice, name))
    identity = instance.get('track_id', instance.get('instance_id'))
    identities.append(tracked_identity(identity))
  joints = np.reshape(people, (len(people), choice.skeleton.num_joints, 3))
  return joints, np.array(identities, np.int64)


def _person(instance: Any, choice: JointChoice, where: str) -> Float[np.ndarray, 'j 3']:
  positions = numbers(field(instance, ('keypoints',), where), f'{where}: keypoints')
  if positions.ndim == 3 and len(positions) == 1:
    positions = positions[0]
  if (
    positions.ndim == 2
    and positions.shape[1] == 3
    and 'keypoint_scores' not in instance
  ):
    return choice.of(positions, f'{where}: keypoints')
  scores = numbers(field(instance, ('keypoint_scores',), where), f'{where}: scores')
  if scores.ndim == 2 and 1 in scores.shape:
    scores = scores.reshape(-1)
  if positions.ndim == 2 and positions.shape[1] == 3:
    raise PoseDataError(
      f'{where}: keypoints have three coordinates beside their scores, but the library'
      ' reads positions in the image; give 2-D poses'
    )
  if (
    positions.ndim != 2
    or positions.shape[1] != 2
    or scores.shape != positions.shape[:1]
  ):
    raise PoseDataError(
      f'{where}: keypoints have shape {list(positions.shape)} and keypoint_scores'
      f' {list(scores.shape)}, but need [joints, 2] and [joints]'
    )
  joints = np.concatenate([positions, scores[:, None]], axis=1)
  return choice.of(joints, f'{where}: keypoints')
