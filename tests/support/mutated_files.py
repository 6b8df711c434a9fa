"""Small sound pose files, and copies of them with random damage."""

from __future__ import annotations

import io
import json
import pathlib
import pickle

import numpy as np
import scipy.io
from hostile_files import annotation

_POINTS = [float(n) for joint in range(17) for n in (20 + joint, 30 + joint, 1)]


def sound_files() -> dict[tuple[str, str], bytes]:
  """Contents by format and file name."""
  record = {'image_id': '0.jpg', 'category_id': 1, 'keypoints': _POINTS, 'score': 1.0}
  image = {'id': 1, 'file_name': '0.jpg', 'height': 240, 'width': 320}
  person = {'id': 1, 'image_id': 1, 'category_id': 1, 'keypoints': _POINTS}
  instance = {'keypoints': [[20, 30]] * 17, 'keypoint_scores': [1.0] * 17}
  array, archive, labels = io.BytesIO(), io.BytesIO(), io.BytesIO()
  np.save(array, _tracks().astype(np.float32))
  np.savez_compressed(archive, keypoints=_tracks())
  joints = {name: np.ones((2, 13)) for name in ('x', 'y', 'visibility')}
  scipy.io.savemat(
    labels, {**joints, 'dimensions': [[240, 320, 2]], 'train': 1, 'action': 'squat'}
  )
  return {
    ('pyskl', 'v.pkl'): pickle.dumps([annotation()]),
    ('alphapose', 'v.json'): json.dumps([record]).encode(),
    ('coco', 'v.json'): json.dumps(
      {'images': [image], 'annotations': [person]}
    ).encode(),
    ('mmpose', 'v.json'): json.dumps(
      [{'frame_id': 0, 'instances': [instance]}]
    ).encode(),
    ('numpy', 'v.npy'): array.getvalue(),
    ('numpy', 'v.npz'): archive.getvalue(),
    ('penn_action', '0001.mat'): labels.getvalue(),
    ('deeplabcut', 'v.csv'): _table(),
  }


def _tracks() -> np.ndarray:
  return np.reshape([_POINTS, _POINTS], (2, 17, 3))


def _table() -> bytes:
  from input_pipeline.skeletons.registry import get_skeleton

  names = [name for name in get_skeleton('coco_17').joints for _ in 'xyl']
  rows = [
    ['scorer', *['net'] * 51],
    ['bodyparts', *names],
    ['coords', *['x', 'y', 'likelihood'] * 17],
    *([str(frame), *map(str, _POINTS)] for frame in range(2)),
  ]
  return '\n'.join(map(','.join, rows)).encode()


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
  """The content with one to four bytes changed, or a part removed or repeated."""
  start, end = sorted(rng.integers(0, len(content), 2).tolist())
  kind = rng.integers(0, 4)
  if kind == 0:
    return content[:start] + content[end:]
  if kind == 1:
    return content[:end] + content[start:]
  changed = bytearray(content)
  for place in rng.integers(0, len(content), rng.integers(1, 5)):
    changed[place] = rng.integers(0, 256)
  return bytes(changed)


def read_damaged(folder: pathlib.Path, seed: int, count: int):
  """Reads `count` damaged files; raises what is not an error for the user."""
  from input_pipeline.errors import PoseDataError
  from input_pipeline.readers.options import ReadOptions
  from input_pipeline.readers.registry import READERS, read_poses

  rng = np.random.default_rng(seed)
  files = list(sound_files().items())
  for number in range(count):
    (format, name), content = files[number % len(files)]
    path = folder / format / name
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = number < len(files)  # Each file once without damage, which must be read.
    path.write_bytes(content if sound else damaged(content, rng))
    sized = 'frame_size' in READERS[format].options
    options = ReadOptions(frame_size=(240, 320)) if sized else None
    skeleton = None if READERS[format].skeleton else 'coco_17'
    opened = path.parent if format == 'penn_action' else path
    try:
      source = read_poses(format, opened, skeleton=skeleton, options=options)
      for video_id in dict.fromkeys(v for ids in source.splits.values() for v in ids):
        source.load(video_id)
    except PoseDataError:
      if sound:
        raise
