"""Writes people in frames with names, in every format whose frames have names."""

import json
import pathlib
from typing import Any

import numpy as np

JOINTS = 18  # Of openpose_18.

# x of everyone, or (x, identity as in the file), by name of the frame.
Frames = dict[str, list[Any]]


def person(x: float) -> list[float]:
  """x, y, score for each joint; a box of 17 x 85 pixels."""
  return [value for n in range(JOINTS) for value in (x + n, 40.0 + 5 * n, 0.75)]


def _with(key: str, someone: Any, **content: Any) -> dict[str, Any]:
  """The fields of a person, with the identity if the person has one."""
  return content | ({key: someone[1]} if isinstance(someone, tuple) else {})


def _keypoints(someone: Any) -> list[float]:
  return person(someone[0] if isinstance(someone, tuple) else someone)


def _people(people: list[Any]) -> dict[str, Any]:
  return {
    'people': [
      _with('person_id', someone, pose_keypoints_2d=_keypoints(someone))
      for someone in people
    ]
  }


def write_openpose(folder: pathlib.Path, frames: Frames) -> pathlib.Path:
  for name, people in frames.items():
    (folder / f'{name}_keypoints.json').write_text(json.dumps(_people(people)))
  return folder


def write_mmpose(folder: pathlib.Path, frames: Frames) -> pathlib.Path:
  for name, people in frames.items():
    content = [
      _with(
        'track_id',
        someone,
        keypoints=np.reshape(_keypoints(someone), (-1, 3))[:, :2].tolist(),
        keypoint_scores=[0.75] * JOINTS,
      )
      for someone in people
    ]
    (folder / f'{name}.json').write_text(json.dumps(content))
  return folder


def write_alphapose(folder: pathlib.Path, frames: Frames) -> pathlib.Path:
  content = [
    _with('idx', someone, image_id=f'{name}.jpg', keypoints=_keypoints(someone))
    for name, people in frames.items()
    for someone in people
  ]
  (folder / 'found.json').write_text(json.dumps(content))
  return folder / 'found.json'


def write_alphapose_open(folder: pathlib.Path, frames: Frames) -> pathlib.Path:
  content = {f'{name}.jpg': _people(people) for name, people in frames.items()}
  (folder / 'found.json').write_text(json.dumps(content))
  return folder / 'found.json'


def write_coco(folder: pathlib.Path, frames: Frames) -> pathlib.Path:
  images = [{'id': 60 + n, 'file_name': f'{name}.jpg'} for n, name in enumerate(frames)]
  annotations = [
    _with(
      'track_id',
      someone,
      id=9,
      image_id=60 + n,
      keypoints=[*map(round, _keypoints(someone))],
    )
    for n, people in enumerate(frames.values())
    for someone in people
  ]
  content = {'images': images, 'annotations': annotations}
  (folder / 'found.json').write_text(json.dumps(content))
  return folder / 'found.json'


# The format is what precedes the comma.
FORMATS = {
  'openpose': write_openpose,
  'mmpose': write_mmpose,
  'alphapose': write_alphapose,
  'alphapose, open form': write_alphapose_open,
  'coco': write_coco,
}
