"""Ultralytics' JSON of one or many frames.

FILE     [FRAME, FRAME, ...], also one FRAME per line; {"0": FRAME, "1": FRAME, ...};
         {"frames": [FRAME, ...], "width": 1280, "height": 720}; or one FRAME
FRAME    [PERSON, ...], as `to_json` returns it, also as text; or {"frame": 0,
         "detections": [PERSON, ...]}. A list of persons with "frame" each is many.
PERSON   {"name": "person", "class": 0, "confidence": 0.9, "box": {...}, "track_id": 1,
         "keypoints": {"x": [...], "y": [...], "visible": [...]}}, where "track_id" and
         "visible" may be absent; or "keypoints": [[x, y, score], ...], the same as one
         flat list (OpenPifPaf's), or [{"x": 9, "y": 9, "confidence": 0.9, "class":
         "nose"}, ...] (Roboflow's, with the frame size under "image")
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.keypoint_json import (
  checked_list,
  described_size,
  field,
  numbers,
  read_json,
  tracked_identity,
)
from input_pipeline.readers.formats.mediapipe_landmarks import Landmarks, is_landmark
from input_pipeline.readers.frame_order import (
  frames_by_number,
  number_of,
  one_video,
  videos_of,
)
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joints import Unit, scores_of_positions
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.visibility import scores_of_flags
from input_pipeline.skeletons.registry import Skeleton

_FRAMES = ('frames', 'results', 'data')
_PEOPLE = (
  *('detections', 'predictions', 'results', 'people', 'persons', 'poses', 'objects'),
  *('summary', 'boxes', 'data'),
)
_NUMBER = ('frame', 'frame_number', 'frame_id', 'frame_index', 'frame_idx', 'frame_num')
_IMAGE = ('image', 'image_name', 'image_id', 'path', 'file', 'file_name', 'filename')
_VISIBLE = ('visible', 'visibility', 'conf', 'confidence', 'score', 'scores')
# `to_json` writes fractions of the frame with normalize=True; pixels of all people in
# all frames of a video do not lie within these bounds (our choice).
_SHARES = (-1.0, 2.0)

# People by frame number, each with its name for messages.
_Frames = Mapping[int, Sequence[tuple[Mapping[str, Any], str]]]


def is_frame(content: Any) -> bool:
  """Whether JSON is one frame rather than many."""
  content = _unpacked(content)
  if _is_people(content):
    return not _states_frame(content[0])
  if isinstance(content, list):
    return len(content) == 1 and (_is_people(content[0]) or not content[0])
  return (
    isinstance(content, dict)
    and _key(content, _PEOPLE) is not None
    and (not _are_frames(content[_key(content, _PEOPLE)]))
  )


def read_file(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads a file that holds all frames of a video, or one.

  Raises:
    PoseDataError: naming the file, the frame, the person and the field.
  """
  content = _unpacked(read_json(path))
  frames = {
    number: [(person, f'{where}, person {k}') for k, person in enumerate(people)]
    for number, (people, where) in _frames_in(content, path).items()
  }
  return _poses(frames, skeleton, path, _frame_size(content, path), options)


def _frame_size(content: Any, path: pathlib.Path) -> tuple[int, int] | None:
  """(height, width) beside the frames, or that all images state; else None."""
  if isinstance(content, dict) and {'height', 'width'} & set(content):
    return described_size(content, str(path))
  frames = content if isinstance(content, list) else [content]
  images = [frame.get('image') for frame in frames if isinstance(frame, dict)]
  sizes = {described_size(i, str(path)) for i in images if isinstance(i, dict)}
  if len(sizes) > 1:
    raise PoseDataError(f'{path}: images of one video have {len(sizes)} sizes')
  return sizes.pop() if sizes else None


def read_files(
  files: Mapping[int, pathlib.Path], skeleton: Skeleton, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads files that hold one frame each.

  Raises:
    PoseDataError: naming the file, the person and the field.
  """
  frames = {}
  for number, file in files.items():
    content = _unpacked(read_json(file))
    if not is_frame(content) and content:
      raise PoseDataError(
        f'{file} holds several frames, but other files beside it one each; give each'
        ' video its own folder or file'
      )
    if isinstance(content, list) and len(content) == 1 and not _is_people(content):
      content = content[0]
    people = _people(content, str(file))
    frames[number] = [(p, f'{file}, person {k}') for k, p in enumerate(people)]
  first = next(iter(files.values()))
  size = _frame_size(_unpacked(read_json(first)), first)
  return _poses(frames, skeleton, first.parent, size, options)


def _frames_in(
  content: Any, path: pathlib.Path
) -> Mapping[int, tuple[Sequence[Any], str]]:
  """The people of each frame, and the frame's name for messages, by number."""
  where = str(path)
  if (
    isinstance(content, dict)
    and _key(content, _FRAMES)
    and (_are_frames(content[_key(content, _FRAMES)]))
  ):
    content = content[_key(content, _FRAMES)]
  if isinstance(content, dict) and not _key(content, _PEOPLE):
    keys = {
      key: (_people(frame, f'{path}, {key}'), f'{path}, {key}')
      for key, frame in content.items()
    }
    return _numbered(keys, where)
  if not _is_people(content) and isinstance(content, list):
    entries = {}
    for place, frame in enumerate(content):
      name = _stated_name(frame, place)
      if name in entries:
        raise PoseDataError(
          f'{path}: entries {list(entries).index(name)} and {place} are both frame'
          f' {name}; keep one, or give each video its own file'
        )
      entries[name] = (_people(frame, f'{path}, frame {name}'), f'{path}, frame {name}')
    return _numbered(entries, where)
  people = _people(content, where)
  if people and all(map(_states_frame, people)):
    by_name: dict[str, list[Any]] = {}
    for person in people:
      by_name.setdefault(_stated_name(person, 0), []).append(person)
    return _numbered(
      {name: (of, f'{path}, frame {name}') for name, of in by_name.items()}, where
    )
  return {0: (people, where)}


def _numbered(
  frames: Mapping[str, tuple[Sequence[Any], str]], where: str
) -> dict[int, tuple[Sequence[Any], str]]:
  """Frames by number from names that are numbers, or names of images."""
  if not frames:
    raise PoseDataError(f'{where} holds no frame; a video needs at least one')
  if all(name.lstrip('-').isdecimal() for name in frames):
    numbers_of = [(number_of(name, where), name) for name in frames]
    return {n: frames[name] for n, name in frames_by_number(numbers_of, where).items()}
  names = one_video(videos_of(frames, where), '', where)
  return {number: frames[name] for number, name in names.items()}


def _poses(
  frames: _Frames,
  skeleton: Skeleton,
  path: pathlib.Path,
  frame_size: tuple[int, int] | None,
  options: ReadOptions,
) -> PosesByFrame:
  people, identities = {}, {}
  without = 0
  choice = JointChoice(skeleton, str(path))
  named = Landmarks(skeleton, str(path), trust_order=options.trust_order)
  for number, persons in frames.items():
    joints, tracks = [], []
    for person, where in persons:
      keypoints = person.get('keypoints')
      if not keypoints:
        without += 1
        continue
      if isinstance(keypoints, list) and all(map(_is_point, keypoints)):
        joints.append(_scored(named.person(keypoints, f'{where}: keypoints')))
      else:
        joints.append(_joints(keypoints, choice, f'{where}: keypoints'))
      tracks.append(
        tracked_identity(person.get('track_id', person.get('id', person.get('id_'))))
      )
    people[number] = np.reshape(joints, (len(joints), skeleton.num_joints, 3))
    identities[number] = np.array(tracks, np.int64)
  named.check_complete(str(path))
  if without and not any(map(len, people.values())):
    raise PoseDataError(
      f'{path} holds boxes without keypoints; detect poses with a model such as'
      ' yolo11n-pose'
    )
  every = np.concatenate(list(people.values()))
  flags = scores_of_flags(every[..., 2])
  every = np.concatenate([every[..., :2], flags[..., None]], axis=-1)
  ends = np.cumsum([len(joints) for joints in people.values()])[:-1]
  return PosesByFrame(
    dict(zip(people, np.split(every, ends), strict=True)),
    skeleton.num_joints,
    identities,
    frame_size,
    unit=_unit(every),
    notes=(*choice.notes, *named.notes),
  )


def _is_point(value: Any) -> bool:
  return isinstance(value, dict) and is_landmark(value)


def _scored(joints: Float[np.ndarray, 'j 3']) -> Float[np.ndarray, 'j 3']:
  """Joints whose scores are those of positions, if none is stated."""
  seen = scores_of_positions(joints[:, :2])
  scores = seen if np.isnan(joints[:, 2]).all() else seen * joints[:, 2]
  return np.concatenate([joints[:, :2], scores[:, None]], axis=1)


def _joints(
  keypoints: Any, choice: JointChoice, where: str
) -> Float[np.ndarray, 'j 3']:
  """x, y and score of each joint; the score is 0 at (0, 0)."""
  if isinstance(keypoints, dict):
    x, y = (
      numbers(field(keypoints, (axis,), where), f'{where} {axis}') for axis in 'xy'
    )
    if x.ndim != 1 or x.shape != y.shape:
      raise PoseDataError(f'{where} have {x.size} x but {y.size} y, not a list of each')
    positions = np.stack([x, y], axis=-1)
    visible = next((keypoints[key] for key in _VISIBLE if key in keypoints), None)
    stated = None if visible is None else numbers(visible, where)
  else:
    rows = numbers(keypoints, where)
    if rows.ndim == 1 and rows.size % 3 == 0 and choice.fits(rows.size // 3):
      rows = rows.reshape(-1, 3)
    if rows.ndim != 2 or rows.shape[1] not in (2, 3):
      raise PoseDataError(
        f'{where} have shape {list(rows.shape)}, but must be x, y and perhaps a score'
        ' for each joint; flat lists are read with --format=alphapose'
      )
    positions, stated = rows[:, :2], rows[:, 2] if rows.shape[1] == 3 else None
  scores = scores_of_positions(positions)
  if stated is not None:
    if stated.shape != scores.shape:
      raise PoseDataError(
        f'{where} have {len(scores)} positions but {stated.size} visibilities'
      )
    scores = scores * stated
  joints = np.concatenate([positions, scores[..., None]], axis=-1)
  return choice.of(joints, where)


def _unit(joints: Float[np.ndarray, 'n j 3']) -> Unit:
  seen = joints[..., :2][joints[..., 2] > 0]
  if seen.size and seen.min() >= _SHARES[0] and seen.max() < _SHARES[1]:
    return 'shares'
  return 'pixels'


def _unpacked(content: Any) -> Any:
  """JSON in which texts such as to_json's answers are replaced by what they hold."""
  if isinstance(content, str):
    try:
      return json.loads(content)
    except ValueError:
      return content
  if isinstance(content, list):
    return [_unpacked(entry) if isinstance(entry, str) else entry for entry in content]
  if isinstance(content, dict):
    return {
      key: _unpacked(value) if isinstance(value, str) and value[:1] == '[' else value
      for key, value in content.items()
    }
  return content


def _people(frame: Any, where: str) -> Sequence[Any]:
  """The people of a frame."""
  if frame is None:
    return []
  if isinstance(frame, dict):
    frame = field(frame, _PEOPLE, where)
  people = checked_list(frame or [], where)
  for k, person in enumerate(people):
    if not _is_person(person):
      field(person, ('keypoints', 'box'), f'{where}, person {k}')
  return people


def _is_people(content: Any) -> bool:
  return isinstance(content, list) and bool(content) and all(map(_is_person, content))


def _is_person(value: Any) -> bool:
  return isinstance(value, dict) and ('keypoints' in value or 'box' in value)


def _are_frames(value: Any) -> bool:
  return isinstance(value, list) and not _is_people(value) and bool(value)


def _states_frame(record: Any) -> bool:
  return isinstance(record, dict) and _name_key(record) is not None


def _stated_name(frame: Any, place: int) -> str:
  key = _name_key(frame) if isinstance(frame, dict) else None
  return str(place if key is None else frame[key])


def _name_key(record: Mapping[str, Any]) -> str | None:
  """The key of a frame's number or image; Roboflow has an object under `image`."""
  keys = (*_NUMBER, *_IMAGE)
  return next((k for k in keys if isinstance(record.get(k), (str, int, float))), None)


def _key(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
  return next((name for name in names if name in record), None)
