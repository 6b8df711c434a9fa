"""MediaPipe pose landmarks in the usual self-made forms: one JSON or CSV file per video.

MediaPipe itself writes no files. These forms are read:

  VIDEO.json    [FRAME, FRAME, ...], or {"frames": [FRAME, ...], "width": 1280,
                "height": 720, "fps": 30}, where only "frames" is required
    FRAME       what the pose landmarker returns, {"landmarks": [PERSON, ...]}, or
                {"pose_landmarks": PERSON}, optionally with its number as "frame";
                or PERSON; or null
    PERSON      33 times {"x": 0.5, "y": 0.4, "z": 0, "visibility": 0.9}, or [x, y, z,
                visibility]; null or [] for nobody
  VIDEO.csv     one line per frame: frame, x0, y0, z0, visibility0, x1, ... Landmarks
                are numbered from 0 or 1, or named: nose_x, left_eye_inner_y, ...
                Or one line per landmark: frame, landmark, x, y, z, visibility.
                A column `person` tells several people apart.

x and y are fractions of the frame's width and height. A landmark without a visibility
has score 1, except at (0, 0), where it is missing.
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
  described_size,
  field,
  numbers,
  read_json,
)
from input_pipeline.readers.formats import mediapipe_csv
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import (
  People,
  PosesByFrame,
)
from input_pipeline.skeletons.registry import Skeleton

_PEOPLE = ('landmarks', 'pose_landmarks', 'poseLandmarks')


def is_video(path: pathlib.Path) -> bool:
  return is_file_of(path, (*JSON, '.csv'))


def read_video(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads the people in each frame; a frame without a number is numbered by its place.

  Raises:
    PoseDataError: naming the file, the frame and the field.
  """
  if suffix_of(path) == '.csv':
    landmarks = mediapipe_csv.read_landmarks(path, skeleton)
    size, rate = None, None
  else:
    content = read_json(path)
    described = content if isinstance(content, dict) else {'frames': content}
    choice = JointChoice(skeleton, str(path))
    landmarks = _landmarks(field(described, ('frames',), str(path)), choice, path)
    size = described_size(described, str(path))
    rate = described.get('fps')
  people = {number: _scored(array) for number, array in landmarks.items()}
  return PosesByFrame(people, skeleton.num_joints, None, size, rate, unit='shares')


def _landmarks(
  frames: Any, choice: JointChoice, path: pathlib.Path
) -> dict[int, Float[np.ndarray, 'm j 3']]:
  """(x, y, visibility) by frame number; a missing visibility is NaN."""
  landmarks = {}
  for place, frame in enumerate(checked_list(frames, f'{path}: frames')):
    where = f'{path}, frame {place}'
    number = frame.get('frame', place) if isinstance(frame, dict) else place
    if not isinstance(number, int) or number in landmarks:
      raise PoseDataError(
        f'{where}: its number is {number!r}, but must be an integer that no other frame'
        ' has'
      )
    people = field(frame, _PEOPLE, where) if isinstance(frame, dict) else frame
    people = people if people is not None else []
    checked_list(people, where)
    if people and not isinstance(people[0], list):
      people = [people]  # One person, whose landmarks are objects.
    elif people and people[0] and not isinstance(people[0][0], (list, dict)):
      people = [people]  # One person, whose landmarks are lists of numbers.
    landmarks[number] = np.reshape(
      [_person(person, choice, where) for person in people if person],
      (-1, choice.skeleton.num_joints, 3),
    )
  return landmarks


def _person(person: Any, choice: JointChoice, where: str) -> Float[np.ndarray, 'j 3']:
  rows = []
  for index, landmark in enumerate(checked_list(person, where)):
    name = f'{where}, landmark {index}'
    if isinstance(landmark, dict):
      x, y = (field(landmark, (axis,), name) for axis in 'xy')
      rows.append([x, y, landmark.get('visibility')])
    else:
      x, y, _, *visibility = [*checked_list(landmark, name), None, None, None][:4]
      rows.append([x, y, *visibility])
  return choice.of(numbers(rows, where), where)


def _scored(landmarks: Float[np.ndarray, 'm j 3']) -> People:
  """Uses visibilities as scores; a joint without one has score 1, or 0 at (0, 0)."""
  positions, visibility = landmarks[..., :2], landmarks[..., 2]
  scores = np.where(np.isnan(visibility), scores_of_positions(positions), visibility)
  return np.concatenate([positions, scores[..., None]], axis=-1)
