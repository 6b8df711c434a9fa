"""OpenPose keypoints: a folder with one JSON file per frame (--write_json).

  VIDEO/NAME_000000000012_keypoints.json, or FOLDER/VIDEO_000000000012_keypoints.json
    {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, c, ...]}]}

Older versions write `pose_keypoints`, `joints` or `body_parts`, and AlphaPose in
CMU-Pose's form writes `bodies`. Every frame has a file, even without people. The files
state neither the model (COCO, BODY_25, BODY_25B, MPI) nor the frame size.
"""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.keypoint_json import (
  checked_list,
  field,
  flat_keypoints,
  read_json,
  tracked_identity,
)
from input_pipeline.readers.files.numbered_files import (
  has_numbered_files,
  numbered_files,
  videos_of_files,
)
from input_pipeline.readers.frame_order import Videos
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import (
  Identities,
  People,
  PosesByFrame,
)
from input_pipeline.skeletons.registry import Skeleton

SUFFIXES = ('.json',)
_PEOPLE = ('people', 'bodies')
_KEYPOINTS = ('pose_keypoints_2d', 'pose_keypoints', 'joints', 'body_parts')
_IN_SPACE = 'pose_keypoints_3d'


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a folder of numbered JSON files."""
  return has_numbered_files(path, SUFFIXES)


def videos_in(folder: pathlib.Path) -> Videos:
  """Names of the files of each video in a folder; usually of one.

  Raises:
    PoseDataError: if the names show no frame order.
  """
  return videos_of_files(folder, SUFFIXES)


def read_video(
  folder: pathlib.Path,
  skeleton: Skeleton,
  video: str = '',
  options: ReadOptions = AS_READ,
) -> PosesByFrame:
  """Reads the people in each frame of a video.

  A joint (0, 0, 0) is missing; a negative position is outside the frame. Entries without
  keypoints (`[]`) are skipped.

  Args:
    video: the video's name; ignored if the folder has only one video.

  Raises:
    PoseDataError: naming the file and the field.
  """
  people, identities = {}, {}
  choice = JointChoice(skeleton, str(folder))
  for number, file in numbered_files(folder, SUFFIXES, video).items():
    content = read_json(file)
    people[number], identities[number] = people_of_frame(content, choice, str(file))
  return PosesByFrame(people, skeleton.num_joints, identities, notes=choice.notes)


def people_of_frame(
  content: Any, choice: JointChoice, where: str
) -> tuple[People, Identities]:
  """The people in a frame, and their identities if OpenPose tracked them.

  Raises:
    PoseDataError: naming the person and the field.
  """
  people, identities = [], []
  for index, person in enumerate(checked_list(field(content, _PEOPLE, where), where)):
    name = f'{where}, person {index}'
    keypoints = field(person, _KEYPOINTS, name)
    if not keypoints and person.get(_IN_SPACE):
      raise PoseDataError(
        f'{name} has joints only in {_IN_SPACE!r}, but the library reads positions in'
        ' the image; run OpenPose without --3d'
      )
    if keypoints is not None and len(checked_list(keypoints, name)):
      people.append(flat_keypoints(keypoints, choice, name))
      # [-1] unless OpenPose ran with tracking.
      identities.append(tracked_identity(person.get('person_id')))
  joints = np.reshape(people, (len(people), choice.skeleton.num_joints, 3))
  return joints, np.array(identities, np.int64)
