"""AlphaPose results: one JSON file per video, a list of the people in all frames.

  VIDEO.json, or VIDEO/alphapose-results.json
    [{"image_id": "12.jpg", "category_id": 1, "keypoints": [x, y, c, ...], "score": 2.9,
      "idx": 1}, ...]

`idx` is present if people were tracked. OpenPose's --write_coco_json has the same form,
with numbers as `image_id`. AlphaPose's --format open writes one object instead, which
maps each image to what OpenPose writes for a frame; --format cmu does the same in
CMU-Pose's form, with `bodies` and `joints`.
"""

from __future__ import annotations

import pathlib
from collections import defaultdict
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import JSON, is_file_of
from input_pipeline.readers.files.keypoint_json import (
  checked_list,
  field,
  flat_keypoints,
  read_json,
  tracked_identity,
)
from input_pipeline.readers.files.numbered_files import frame_number
from input_pipeline.readers.formats.openpose import people_of_frame
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import (
  PosesByFrame,
)
from input_pipeline.skeletons.registry import Skeleton

_RESULTS = 'alphapose-results.json'
# Scores from COCO models go up to 6 (AlphaPose doc/output.md); newer models give heatmap
# peaks, hardly above 1. A score above 2 means that a file is from a COCO model (our
# choice).
_LARGEST_SCORE = 6
_LARGEST_HEIGHT = 2
_NO_SCORE = 10  # Larger numbers are not scores; `joints.to_joints` names them.


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a JSON file, or a folder with AlphaPose's results."""
  return (path / _RESULTS).is_file() or is_file_of(path, JSON)


def read_video(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads the people in each frame; the frame number is the last one in `image_id`.

  Raises:
    PoseDataError: naming the file, the entry and the field.
  """
  file = path / _RESULTS if path.is_dir() else path
  content = read_json(file)
  if isinstance(content, dict):
    return _in_openpose_form(content, skeleton, file)
  people, identities = defaultdict(list), defaultdict(list)
  choice = JointChoice(skeleton, str(file))
  for index, entry in enumerate(checked_list(content, str(file))):
    where = f'{file}, entry {index}'
    number = _number(field(entry, ('image_id',), where), where)
    keypoints = field(entry, ('keypoints',), where)
    people[number].append(flat_keypoints(keypoints, choice, f'{where}: keypoints'))
    # A number, or the list of those that AlphaPose merged into one person.
    identities[number].append(tracked_identity(entry.get('idx')))
  if not people:
    raise PoseDataError(f'{file} shows nobody in any frame')
  scale = _score_scale([person for frame in people.values() for person in frame])
  return PosesByFrame(
    {number: np.stack(people[number]) * scale for number in people},
    skeleton.num_joints,
    {number: np.array(identities[number], np.int64) for number in people},
    notes=choice.notes,
    lists_empty_frames=False,
  )


def _in_openpose_form(
  content: dict[str, Any], skeleton: Skeleton, file: pathlib.Path
) -> PosesByFrame:
  people, identities = {}, {}
  choice = JointChoice(skeleton, str(file))
  for name, frame in content.items():
    where = f'{file}, {name}'
    number = _number(name, where)
    people[number], identities[number] = people_of_frame(frame, choice, where)
  return PosesByFrame(
    people,
    skeleton.num_joints,
    identities,
    notes=choice.notes,
    lists_empty_frames=False,
  )


def _number(image_id: Any, where: str) -> int:
  """The frame number 12 from '12.jpg', 'clip_0012.png' or 12."""
  name = str(image_id)
  number = frame_number(pathlib.PurePath(name).stem)
  if number is None:
    raise PoseDataError(
      f'{where}: image_id is {image_id!r}, but must contain the frame number'
    )
  return number


def _score_scale(people: list[np.ndarray]) -> np.ndarray:
  """Factors for (x, y, score) that scale scores to 0..1."""
  largest = max(person[:, 2].max() for person in people)
  scaled = _LARGEST_HEIGHT < largest <= _NO_SCORE
  scale = 1 / _LARGEST_SCORE if scaled else 1
  return np.array([1, 1, scale])
