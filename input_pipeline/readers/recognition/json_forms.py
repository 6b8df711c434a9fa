"""Recognises pose tools by the form of their JSON files."""

from __future__ import annotations

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
_LANDMARKS = ('landmarks', 'pose_landmarks', 'poseLandmarks')


def json_format(content: Any, file_name: str) -> tuple[str, str] | None:
  """(format, what was seen) for the content of a JSON file; None if no form fits."""
  if isinstance(content, dict):
    return _of_object(content, file_name)
  entries = content if isinstance(content, list) else []
  first = next((entry for entry in entries if entry), None)
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
  for key in ('people', 'bodies'):
    if isinstance(content.get(key), list):
      return 'openpose', f'{file_name}, an object with {key!r}'
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
  return None


def _of_frame(frame: list[Any]) -> tuple[str, str] | None:
  """The format of a list of such lists: people per frame, or landmarks of one person."""
  entry = next((entry for entry in frame if entry), None)
  if isinstance(entry, dict) and _is_ultralytics(entry):
    return 'ultralytics', 'a list of frames with box and keypoints'
  if isinstance(entry, list) and not _is_point(entry):  # A list of landmarks.
    entry = next((point for point in entry if point), None)
  if isinstance(entry, dict) and {'x', 'y'} <= set(entry):
    return 'mediapipe', 'a list of frames with landmarks x, y'
  return ('mediapipe', 'lists of landmarks') if _is_point(entry) else None


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
  people = entry.get('results') or entry.get('predictions')
  first = people[0] if isinstance(people, list) and people else None
  if isinstance(first, dict) and _is_ultralytics(first):
    return 'ultralytics', 'a list of frames with box and keypoints'
  return None


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
