"""Recognises pose tools by the form of their JSON files."""

from __future__ import annotations

import json
from typing import Any

# For each format, keys that its files have; they name the nearest format of other files.
KEYS: dict[str, tuple[str, ...]] = {
  'openpose': ('people', 'bodies', 'pose_keypoints_2d', 'pose_keypoints', 'body_parts'),
  'alphapose': ('image_id', 'category_id', 'keypoints', 'score', 'idx'),
  'coco': ('images', 'annotations', 'categories'),
  'mmpose': ('instance_info', 'meta_info', 'instances', 'frame_id', 'keypoint_scores'),
  'mediapipe': ('landmarks', 'pose_landmarks', 'poseLandmarks', 'visibility', 'frames'),
  'ultralytics': ('box', 'class', 'confidence', 'name', 'track_id', 'keypoints'),
}
_LANDMARKS = ('landmarks', 'pose_landmarks', 'poseLandmarks', 'landmark')
_PEOPLE = ('results', 'predictions', 'detections')
_MEDIAPIPE_COUNT = 33


def json_format(content: Any, file_name: str) -> tuple[str, str] | None:
  """(format, what was seen) for the content of a JSON file; None if no form fits."""
  if isinstance(content, dict):
    return _of_object(content, file_name)
  entries = content if isinstance(content, list) else []
  first = next((entry for entry in entries if entry), None)
  if isinstance(first, str):  # What `to_json` returns for a frame.
    try:
      first = json.loads(first)
    except ValueError:
      return None
  if isinstance(first, list):
    return _of_frame(first)
  return _of_entry(first) if isinstance(first, dict) else None


def described(content: Any) -> str:
  """The form of a JSON file in words, for messages."""
  if isinstance(content, dict):
    return f'an object with {_keys(content)}'
  if isinstance(content, list):
    first = next((entry for entry in content if entry), None)
    if isinstance(first, dict):
      return f'a list of objects with {_keys(first)}'
    return f'a list of {len(content)} entries'
  return f'a {type(content).__name__}'


def nearest_format(content: Any) -> str | None:
  """The format with the most keys in common with a JSON file; None if there is none."""
  keys = _all_keys(content, depth=3)
  shared = {name: len(keys & set(known)) for name, known in KEYS.items()}
  best = max(shared, key=lambda name: shared[name])
  return best if shared[best] else None


def _of_object(content: dict[str, Any], file_name: str) -> tuple[str, str] | None:
  if isinstance(content.get('images'), list) and 'annotations' in content:
    return 'coco', "an object with 'images' and 'annotations'"
  if 'instance_info' in content:
    return 'mmpose', "an object with 'instance_info'"
  predictions = content.get('predictions')
  if isinstance(predictions, list):
    first = next((entry for entry in predictions if entry), None)
    if isinstance(first, dict) and 'keypoints' in first:
      return _of_person(first)
    return json_format(predictions, file_name)
  for key in ('people', 'bodies'):
    if isinstance(content.get(key), list):
      return 'openpose', f'{file_name}, an object with {key!r}'
  if isinstance(content.get('frames'), list) and _is_no_landmarks(content['frames']):
    return json_format(content['frames'], file_name)
  if 'frames' in content or any(key in content for key in _LANDMARKS):
    key = next(k for k in ('frames', *_LANDMARKS) if k in content)
    return 'mediapipe', f'an object with {key!r}'
  values = [value for value in content.values() if value]
  if values and isinstance(values[0], dict):
    inner = values[0]
    if 'people' in inner or 'bodies' in inner:
      return 'alphapose', 'an object with people by image'
    if {'x', 'y'} <= set(inner):
      return 'mediapipe', 'an object with landmarks x, y'
  if values and isinstance(values[0], list):
    return _of_people_by_image(values[0])
  return None


def _is_no_landmarks(frames: list[Any]) -> bool:
  """Whether frames have people of another tool than MediaPipe."""
  first = next((frame for frame in frames if isinstance(frame, dict)), {})
  people = any(isinstance(first.get(key), list) for key in ('people', 'bodies'))
  return 'instances' in first or people or any(key in first for key in _PEOPLE)


def _of_people_by_image(people: list[Any]) -> tuple[str, str] | None:
  """The format of an object with such a list for each image."""
  person = people[0]
  keypoints = person.get('keypoints') if isinstance(person, dict) else None
  if isinstance(keypoints, list) and isinstance(
    next(iter(keypoints), None), float | int
  ):
    return 'alphapose', "an object with lists of people with 'keypoints' by image"
  return _of_frame(people)


def _of_frame(frame: list[Any]) -> tuple[str, str] | None:
  """The format of a list of such lists: people per frame, or landmarks of one person."""
  entry = next((entry for entry in frame if entry), None)
  if isinstance(entry, dict) and 'keypoints' in entry:
    return _of_person(entry)
  if isinstance(entry, list) and not _is_point(entry):  # A list of landmarks.
    entry = next((point for point in entry if point), None)
  if isinstance(entry, dict) and {'x', 'y'} <= set(entry):
    return 'mediapipe', 'a list of frames with landmarks x, y'
  return ('mediapipe', 'lists of landmarks') if _is_point(entry) else None


def _of_person(person: dict[str, Any]) -> tuple[str, str] | None:
  """The format of lists with such a person for each frame."""
  if _is_ultralytics(person):
    return 'ultralytics', 'a list of frames with box and keypoints'
  keypoints = person['keypoints']
  first = keypoints[0] if isinstance(keypoints, list) and keypoints else None
  if 'keypoint_scores' in person:
    return 'mmpose', "a list of frames of people with 'keypoint_scores'"
  if isinstance(first, list):
    mmpose = 'bbox' in person and 'box' not in person
    return 'mmpose' if mmpose else 'ultralytics', 'people with keypoints [x, y, score]'
  if isinstance(first, dict) and {'x', 'y'} <= set(first):
    mediapipe = len(keypoints) == _MEDIAPIPE_COUNT
    return 'mediapipe' if mediapipe else 'ultralytics', 'people with keypoints x, y'
  if isinstance(first, (int, float)):
    return 'ultralytics', 'a list of people with flat keypoints for each frame'
  if isinstance(keypoints, dict) and {'x', 'y'} <= set(keypoints):
    return 'ultralytics', 'people with keypoints x, y'
  return None


def _of_entry(entry: dict[str, Any]) -> tuple[str, str] | None:
  """The format of a list of such objects."""
  if 'image_id' in entry and 'keypoints' in entry:
    return 'alphapose', "a list of people with 'image_id' and 'keypoints'"
  if 'instances' in entry:
    return 'mmpose', "a list of frames with 'instances'"
  if 'keypoint_scores' in entry:
    return 'mmpose', "a list of people with 'keypoint_scores'"
  if _is_ultralytics(entry):
    return 'ultralytics', "a list of people with 'box' and 'keypoints'"
  if any(key in entry for key in _LANDMARKS):
    return 'mediapipe', 'a list of frames with landmarks'
  if {'x', 'y'} <= set(entry):
    return 'mediapipe', 'a list of landmarks x, y'
  keypoints = entry.get('keypoints')
  if isinstance(keypoints, list) and keypoints and isinstance(keypoints[0], dict):
    return 'mediapipe', "a list of frames with 'keypoints' x, y"
  if any(isinstance(entry.get(key), list) for key in ('people', 'bodies')):
    return _of_people(entry.get('people') or entry.get('bodies') or [])
  people = next((entry[key] for key in _PEOPLE if key in entry), None)
  first = people[0] if isinstance(people, list) and people else None
  if isinstance(first, list):  # A batch of one image.
    first = first[0] if first else None
  if isinstance(first, dict) and 'keypoints' in first:
    return _of_person(first)
  if isinstance(keypoints, list) and keypoints and 'image_id' not in entry:
    return _of_person(entry)
  columns = [key for key in entry if key.lower().endswith('_x')]
  if len(columns) == _MEDIAPIPE_COUNT:
    return 'mediapipe', 'a list of rows with 33 landmarks'
  return None


def _of_people(people: list[Any]) -> tuple[str, str]:
  """The format of a list of frames with such `people`."""
  first = people[0] if people else None
  if isinstance(first, dict) and isinstance(first.get('keypoints'), list):
    return 'mediapipe', "a list of frames with 'people' with keypoints"
  return 'alphapose', "a list of frames with 'people', as OpenPose has them"


def _is_ultralytics(entry: dict[str, Any]) -> bool:
  keypoints = entry.get('keypoints')
  return 'box' in entry and isinstance(keypoints, dict) and {'x', 'y'} <= set(keypoints)


def _is_point(entry: Any) -> bool:
  """Whether an entry is a landmark as a list of numbers."""
  return (
    isinstance(entry, list)
    and len(entry) in (2, 3, 4, 5)
    and all(isinstance(number, (int, float)) for number in entry)
  )


def _keys(content: dict[str, Any]) -> str:
  shown = ', '.join(map(repr, list(content)[:6]))
  return f'the keys {shown}{", ..." if len(content) > 6 else ""}'


def _all_keys(content: Any, depth: int) -> set[str]:
  """Keys in a JSON file, down to a depth; of lists only the first entries count."""
  if depth == 0:
    return set()
  if isinstance(content, dict):
    inner = [_all_keys(value, depth - 1) for value in list(content.values())[:20]]
    return set(map(str, content)).union(*inner)
  if isinstance(content, list):
    return set().union(*(_all_keys(entry, depth) for entry in content[:5]))
  return set()
