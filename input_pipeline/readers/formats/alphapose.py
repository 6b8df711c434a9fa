"""AlphaPose results: one JSON file per video, a list of the people in all frames.

  VIDEO.json, or VIDEO/alphapose-results.json
    [{"image_id": "12.jpg", "category_id": 1, "keypoints": [x, y, c, ...], "score": 2.9,
      "idx": 1}, ...]

`idx` is present if people were tracked. OpenPose's --write_coco_json has the same form,
with numbers as `image_id`. AlphaPose's --format open writes one object instead, which
maps each image to what OpenPose writes for a frame; --format cmu does the same in
CMU-Pose's form, with `bodies` and `joints`. A list of what OpenPose writes for each
frame is read in the same way. PoseFlow maps each image to its list of
people. Predictions in COCO's form, an object with `images` and `annotations`, are read as
results whose images have names.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections import defaultdict
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files.file_names import JSON, is_file_of
from input_pipeline.readers.files.keypoint_json import (
  checked_list,
  checked_records,
  field,
  flat_keypoints,
  read_json,
  tracked_identity,
)
from input_pipeline.readers.files.read_once import read_once
from input_pipeline.readers.formats.openpose import people_of_frame
from input_pipeline.readers.frame_order import (
  Videos,
  frames_by_number,
  number_of,
  one_video,
  videos_of,
)
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import (
  PosesByFrame,
)
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.text_files import read_text

# The value is a text, or a number.
_IMAGE_ID = re.compile(r'"image_id"\s*:\s*("(?:[^"\\]|\\.)*"|[-+.0-9eE]+)')
_NUMBER = ('frame_id', 'frame', 'frame_number', 'frame_index')
_RESULTS = 'alphapose-results.json'
# Scores from COCO models go up to 6 (AlphaPose doc/output.md); newer models give heatmap
# peaks, hardly above 1. A score above 2 means that a file is from a COCO model (our
# choice).
_LARGEST_SCORE = 6
_LARGEST_HEIGHT = 2
_NO_SCORE = 10  # Larger numbers are not scores; `joints.to_joints` names them.


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a JSON file, or a folder with AlphaPose's results."""
  return is_file_of(_file(path), JSON)


def videos_in(path: pathlib.Path) -> Videos:
  """Names of the images of each video in a file; usually of one.

  Raises:
    PoseDataError: if the file cannot be read, or the names show no frame order.
  """
  file = _file(path)
  # Does not parse all joints to open a data set, which takes much longer.
  text = read_text(file)
  texts = [] if '"annotations"' in text else _IMAGE_ID.findall(text)
  try:
    image_ids = [json.loads(text) for text in texts] or _image_ids(file)
  except (TypeError, ValueError) as error:
    raise PoseDataError(f'{file} has no list of images: {error}') from error
  return videos_of([_name(image_id, str(file)) for image_id in image_ids], str(file))


def read_video(
  path: pathlib.Path,
  skeleton: Skeleton,
  video: str = '',
  options: ReadOptions = AS_READ,
) -> PosesByFrame:
  """Reads the people in each frame; `frame_order` finds the frame number in `image_id`.

  Args:
    video: the video's name; ignored if the file has only one video.

  Raises:
    PoseDataError: naming the file, the entry and the field.
  """
  file = _file(path)
  content = _as_list(_read(file), file)
  if isinstance(content, dict):
    return _in_openpose_form(content, skeleton, video, file)
  entries = [
    (f'{file}, entry {index}', entry)
    for index, entry in enumerate(checked_list(content, str(file)))
  ]
  names = [_name(field(e, ('image_id',), where), where) for where, e in entries]
  numbers = _numbers(names, video, file)
  people, identities = defaultdict(list), defaultdict(list)
  choice = JointChoice(skeleton, str(file))
  for name, (where, entry) in zip(names, entries, strict=True):
    if name not in numbers:
      continue
    number = numbers[name]
    keypoints = field(entry, ('keypoints',), where)
    people.setdefault(number, [])
    if not keypoints:  # A box without joints.
      continue
    people[number].append(flat_keypoints(keypoints, choice, f'{where}: keypoints'))
    # A number, or the list of those that AlphaPose merged into one person.
    identities[number].append(tracked_identity(entry.get('idx')))
  scale = _score_scale([person for frame in people.values() for person in frame])
  shape = (-1, skeleton.num_joints, 3)
  return PosesByFrame(
    {number: np.reshape(people[number], shape) * scale for number in people},
    skeleton.num_joints,
    {number: np.array(identities[number], np.int64) for number in people},
    notes=(*choice.notes, *_category_notes(content, file)),
    lists_empty_frames=False,
  )


_read = read_once(read_json)


def _as_list(content: Any, file: pathlib.Path) -> Any:
  """PoseFlow's and COCO's forms as a list of results, and frames by their names.

  Other content is returned as it is.
  """
  if isinstance(content, dict) and isinstance(content.get('frames'), list):
    content = content['frames']
  if isinstance(content, list) and content and all(map(_is_frame, content)):
    return _by_number(content, file)
  if not isinstance(content, dict):
    return content
  if 'annotations' in content:
    images = checked_records(content.get('images') or [], f'{file}: images')
    names = {str(image.get('id')): image.get('file_name') for image in images}
    return [
      entry | {'image_id': names.get(str(entry.get('image_id'))) or entry['image_id']}
      for entry in checked_records(content['annotations'], f'{file}: annotations')
      if 'image_id' in entry and 'keypoints' in entry
    ]
  if content and all(isinstance(people, list) for people in content.values()):
    return [
      entry | {'image_id': name}
      for name, people in content.items()
      for entry in checked_records(people, f'{file}, {name}')
    ]
  return content


def _is_frame(value: Any) -> bool:
  return isinstance(value, dict) and bool({'people', 'bodies'} & set(value))


def _by_number(frames: list[dict[str, Any]], file: pathlib.Path) -> dict[str, Any]:
  """Frames as OpenPose writes them by number, or by place if they state none."""
  numbers = [
    number_of(next((frame[k] for k in _NUMBER if k in frame), place), f'{file}: frame')
    for place, frame in enumerate(frames)
  ]
  named = ((number, f'entry {place}') for place, number in enumerate(numbers))
  frames_by_number(named, str(file))
  return {str(number): f for number, f in zip(numbers, frames, strict=True)}


def _image_ids(file: pathlib.Path) -> list[Any]:
  content = _as_list(_read(file), file)
  if isinstance(content, dict):
    return list(content)
  return [entry['image_id'] for entry in content if 'image_id' in entry]


def _category_notes(entries: list[Any], file: pathlib.Path) -> tuple[Note, ...]:
  found = {str(e['category_id']): None for e in entries if 'category_id' in e}
  if len(found) < 2:
    return ()
  return (
    Note(
      'columns_not_read',
      f'{file}: results have the categories {", ".join(list(found)[:5])}, which are not'
      ' read; all are taken as people',
    ),
  )


def _in_openpose_form(
  content: dict[str, Any], skeleton: Skeleton, video: str, file: pathlib.Path
) -> PosesByFrame:
  people, identities = {}, {}
  choice = JointChoice(skeleton, str(file))
  for name, number in _numbers(list(content), video, file).items():
    frame = people_of_frame(content[name], choice, f'{file}, {name}')
    people[number], identities[number] = frame
  return PosesByFrame(
    people,
    skeleton.num_joints,
    identities,
    notes=choice.notes,
    lists_empty_frames=False,
  )


def _file(path: pathlib.Path) -> pathlib.Path:
  if not path.is_dir():
    return path
  packed = path / f'{_RESULTS}.gz'
  return packed if packed.is_file() else path / _RESULTS


def _name(image_id: Any, where: str) -> str:
  """The image's name; a number is one."""
  if isinstance(image_id, str):
    return image_id
  return str(number_of(image_id, f'{where}: image_id'))


def _numbers(names: list[str], video: str, file: pathlib.Path) -> dict[str, int]:
  """The frame number of each image of a video."""
  if not names:
    raise PoseDataError(f'{file} shows nobody in any frame')
  frames = one_video(videos_of(names, str(file)), video, str(file))
  return {name: number for number, name in frames.items()}


def _score_scale(people: list[np.ndarray]) -> np.ndarray:
  """Factors for (x, y, score) that scale scores to 0..1."""
  scores = np.concatenate([[0.0], *(person[:, 2] for person in people)])
  largest = scores[np.isfinite(scores)].max()
  scaled = _LARGEST_HEIGHT < largest <= _NO_SCORE
  scale = 1 / _LARGEST_SCORE if scaled else 1
  return np.array([1, 1, scale])
