"""MediaPipe pose landmarks in a JSON file, in the usual self-made forms.

FILE        [FRAME, FRAME, ...]; {"frames": [FRAME, ...], "width": 1280, "height": 720,
            "fps": 30}, where only "frames" is required; {"0": FRAME, "1": FRAME, ...};
            one FRAME; or a list of flat records, which are the rows of a table
FRAME       {"landmarks": [PERSON, ...]}, as the pose landmarker returns it, or
            {"pose_landmarks": PERSON}, {"keypoints": PERSON} and the like, optionally
            with its number as "frame" or the name of its "image"; or PERSON; or null
PERSON      33 times LANDMARK, or {"0": LANDMARK, ...}, {"nose": LANDMARK, ...}; null or
            [] for nobody
LANDMARK    {"x": 0.5, "y": 0.4, "z": 0, "visibility": 0.9}, optionally with its number
            as "id" or its name as "name"; or [x, y, z, visibility]. "score",
            "confidence" and "presence" are read in place of a visibility.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files.file_names import suffix_of
from input_pipeline.readers.files.keypoint_json import (
  checked_list,
  described_size,
  field,
  read_json,
)
from input_pipeline.readers.formats.mediapipe_landmarks import (
  Landmarks,
  is_landmark,
  is_landmarks,
)
from input_pipeline.readers.frame_order import (
  frames_by_number,
  number_of,
  one_video,
  videos_of,
)
from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.reading import joint_table, read_part
from input_pipeline.readers.joint_tables.videos import VIDEO_FILES
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.skeletons.registry import Skeleton

_FRAMES = ('frames', 'results', 'data')
_NUMBER = ('frame', 'frame_number', 'frame_id', 'frame_index', 'frame_idx', 'frame_num')
_PEOPLE = (
  *('landmarks', 'pose_landmarks', 'poseLandmarks', 'keypoints', 'landmark', 'pose'),
  *('poses', 'people', 'persons', 'multi_pose_landmarks', 'body'),
)
_POSE = ('keypoints',)
_IMAGE = ('image', 'image_name', 'image_id', 'file_name', 'filename', 'image_path')
# Keys beside the frames that say nothing of classes or videos.
_DESCRIPTIONS = ('width', 'height', 'fps', 'version', 'model', 'metadata', 'info')
# Keys of a frame that are left out by intention.
_SILENT = (
  *('timestamp', 'timestamp_ms', 'time', 'score', 'width', 'height', 'fps'),
  *('landmarks', 'worldLandmarks', 'world_landmarks', 'pose_world_landmarks'),
  *('poseWorldLandmarks', 'keypoints3D', 'segmentationMasks', 'segmentation_masks'),
  *('segmentation_mask',),
)


def read_video(
  path: pathlib.Path, skeleton: Skeleton, part: str, options: ReadOptions
) -> PosesByFrame:
  """Reads the people in each frame; a frame without a number is numbered by its place.

  Raises:
    PoseDataError: naming the file, the frame and the field.
  """
  content = read_json(path)
  if _is_records(content):
    table = joint_table(_cells(path, content))
    return read_part(table, skeleton, part, options, 'shares')
  described = content if isinstance(content, dict) else {}
  unread: dict[str, None] = {}
  if isinstance(content, dict) and _has(content, _FRAMES):
    known = (*_FRAMES, *_DESCRIPTIONS)
    unread |= dict.fromkeys(k for k in content if k not in known)
  frames = _frames(content, path)
  return _poses(frames, described, unread, skeleton, path, options)


def _poses(
  frames: Mapping[int, tuple[Any, str]],
  described: Mapping[str, Any],
  unread: dict[str, None],
  skeleton: Skeleton,
  path: pathlib.Path,
  options: ReadOptions,
) -> PosesByFrame:
  reader = Landmarks(skeleton, str(path), trust_order=options.trust_order)
  people = {}
  for number, (frame, where) in frames.items():
    persons = _people(frame, where, unread)
    joints = [reader.person(person, where) for person in persons if person]
    people[number] = np.reshape(joints, (len(joints), skeleton.num_joints, 3))
  reader.check_complete(str(path))
  return PosesByFrame(
    _scored(people),
    skeleton.num_joints,
    None,
    described_size(described, str(path)),
    described.get('fps'),
    unit='shares',
    notes=(*reader.notes, *_unread_notes(list(unread), path)),
  )


def _frames(content: Any, path: pathlib.Path) -> dict[int, tuple[Any, str]]:
  """Each frame, and its name for messages, by number."""
  if is_landmarks(content) or _has(content, _PEOPLE):
    return {0: (content, f'{path}, frame 0')}
  if isinstance(content, dict) and not _has(content, _FRAMES):
    return _frames_by_key(content, path)
  if isinstance(content, dict):
    content = field(content, _FRAMES, str(path))
  return _frames_in_list(checked_list(content, f'{path}: frames'), path)


def _frames_in_list(
  content: Sequence[Any], path: pathlib.Path
) -> dict[int, tuple[Any, str]]:
  """Frames of a list by their numbers, else by names of images, else by place."""
  if content and all(
    _image_of(frame) and not _has(frame, _NUMBER) for frame in content
  ):
    images = {_image_of(frame): frame for frame in content}
    if len(images) == len(content):
      names = one_video(videos_of(images, str(path)), '', str(path))
      return {n: (images[key], f'{path}, frame {key}') for n, key in names.items()}
  entries, numbered = {}, []
  for place, frame in enumerate(content):
    where = f'{path}, frame {place}'
    stated = frame if isinstance(frame, dict) else {}
    number = next((stated[key] for key in _NUMBER if key in stated), place)
    numbered.append((number_of(number, f'{where}: its number'), f'entry {place}'))
    entries[f'entry {place}'] = (frame, where)
  by_number = frames_by_number(numbered, str(path))
  return {number: entries[entry] for number, entry in by_number.items()}


def _image_of(frame: Any) -> str:
  """The name of a frame's image; '' if it states none."""
  stated = frame if isinstance(frame, dict) else {}
  return next((stated[k] for k in _IMAGE if isinstance(stated.get(k), str)), '')


def _frames_by_key(
  content: dict[str, Any], path: pathlib.Path
) -> dict[int, tuple[Any, str]]:
  """Frames of an object whose keys are their numbers, or names of images."""
  if not content or not all(any(map(str.isdecimal, key)) for key in content):
    field(content, _FRAMES[:1], str(path))
  videos = [key for key in content if suffix_of(pathlib.PurePath(key)) in VIDEO_FILES]
  people = [v for v in content.values() if isinstance(v, list) and _are_people(v)]
  if len(people) == len(content) < min(map(len, people)):  # More people than frames.
    videos = videos or list(content)
  if videos:
    raise PoseDataError(
      f'{path} holds several videos, {", ".join(videos[:3])}; give each its own file,'
      ' which is a list of frames'
    )
  if all(key.isdecimal() for key in content):
    names = frames_by_number([(int(key), key) for key in content], str(path))
  else:
    names = one_video(videos_of(content, str(path)), '', str(path))
  return {n: (content[key], f'{path}, frame {key}') for n, key in names.items()}


def _people(frame: Any, where: str, unread: dict[str, None]) -> Sequence[Any]:
  """The people of a frame, each a list or an object of landmarks."""
  if isinstance(frame, dict):
    stated = (*_NUMBER, *_IMAGE)
    inner = {key: value for key, value in frame.items() if key not in stated}
    if _has(inner, _PEOPLE):
      known = next(key for key in _PEOPLE if key in inner)
      unread |= dict.fromkeys(k for k in inner if k != known and k not in _SILENT)
      return _people(inner[known], where, unread)
    if is_landmarks(inner):
      return [inner]
    if inner:
      field(inner, _PEOPLE[:2], where)
    return []
  if frame is None:
    return []
  people = checked_list(frame, where)
  if any(isinstance(entry, dict) and is_landmark(entry) for entry in people):
    return [people]  # If another landmark is broken, reading it says so.
  if is_landmarks(people):
    return [people]
  if any(isinstance(person, dict) and not is_landmarks(person) for person in people):
    # TensorFlow.js's poses: {"keypoints": [...], "score": 0.9}.
    poses = [
      field(person, _POSE, f'{where}, person {k}') for k, person in enumerate(people)
    ]
    return [p for pose in poses for p in _people(pose, where, unread)]
  return people


def is_frame(content: Any) -> bool:
  """Whether JSON is one frame with its people, rather than many."""
  return is_landmarks(content) or (
    _has(content, _PEOPLE) and not _has(content, _FRAMES)
  )


def read_files(
  files: Mapping[int, pathlib.Path], skeleton: Skeleton, options: ReadOptions
) -> PosesByFrame:
  """Reads files that hold one frame each.

  Raises:
    PoseDataError: naming the file and the field.
  """
  frames = {number: (read_json(file), str(file)) for number, file in files.items()}
  folder = next(iter(files.values())).parent
  return _poses(frames, {}, {}, skeleton, folder, options)


def _are_people(value: Sequence[Any]) -> bool:
  return not is_landmarks(value) and all(map(is_landmarks, value))


def _has(content: Any, keys: Sequence[str]) -> bool:
  return isinstance(content, dict) and any(key in content for key in keys)


def _scored(
  people: Mapping[int, Float[np.ndarray, 'm j 3']],
) -> dict[int, Float[np.ndarray, 'm j 3']]:
  """Replaces scores by those of positions, if no joint of the file has a score."""
  if not all(np.isnan(joints[..., 2]).all() for joints in people.values()):
    return dict(people)
  return {
    number: np.concatenate(
      [joints[..., :2], scores_of_positions(joints[..., :2])[..., None]], axis=-1
    )
    for number, joints in people.items()
  }


def _unread_notes(keys: Sequence[str], path: pathlib.Path) -> tuple[Note, ...]:
  if not keys:
    return ()
  return (
    Note('columns_not_read', f'{path}: keys of frames not read: {", ".join(keys)}'),
  )


def _is_records(content: Any) -> bool:
  """Whether JSON is a list of flat objects with frames: the rows of a table."""
  if not isinstance(content, list) or not content:
    return False
  flat = all(
    isinstance(record, dict)
    and not any(isinstance(value, (list, dict)) for value in record.values())
    for record in content
  )
  return flat and not (is_landmarks(content) and not _has(content[0], _NUMBER))


def _cells(path: pathlib.Path, records: Sequence[Mapping[str, Any]]) -> Cells:
  columns = tuple(dict.fromkeys(key for record in records for key in record))
  rows = [
    tuple('' if record.get(key) is None else str(record[key]) for key in columns)
    for record in records
  ]
  return Cells(path, columns, tuple(rows), tuple(range(1, len(rows) + 1)))
