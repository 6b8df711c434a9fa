"""Makes broken files of the kinds that the shared folder of hostile files names."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

HUGE = 10**400  # No float holds it, and Python still shows its digits.


def annotation(**changes) -> dict:
  """A PYSKL annotation of two frames."""
  return {
    'frame_dir': 'a',
    'label': 0,
    'img_shape': (240, 320),
    'total_frames': 2,
    'keypoint': np.full((1, 2, 17, 2), 20, np.float32),
    'keypoint_score': np.ones((1, 2, 17), np.float32),
    **changes,
  }


def make_kinds(folder: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
  """Writes one file or folder per kind; returns the format and the path of each."""
  made = []

  def place(format: str, name: str) -> pathlib.Path:
    path = folder / format / name
    path.parent.mkdir(parents=True, exist_ok=True)
    made.append((format, path))
    return path

  for name, content in _pickles().items():
    place('pyskl', f'{name}.pkl').write_bytes(pickle.dumps(content))
  for format, name, text in _texts():
    place(format, name).write_text(text)
  path = place('pyskl', 'raw_file/p.pkl')
  (path.parent.parent / 'secret.pkl').write_bytes(pickle.dumps({'a': {'keypoint': []}}))
  apart = annotation(raw_file='../secret.pkl', frame_inds=[0, 1])
  del apart['keypoint'], apart['keypoint_score']
  path.write_bytes(pickle.dumps([apart]))
  _unfolding_npz(place('numpy', 'unfolding/v.npz'))
  _wide_npz(place('numpy', 'wide/v.npz'))
  for name, header in _npy_headers().items():
    place('numpy', f'{name}/v.npy').write_bytes(header)
  unfolding_png(place('openpose_maps', 'v/x_000000000000_heatmaps.png'))
  made[-1] = ('openpose_maps', made[-1][1].parent)
  empty = place('openpose_maps', 'empty')
  empty.mkdir(parents=True)
  if importlib.util.find_spec('h5py'):
    _hdf5s(place)
  made += [('openpose', empty), ('jmrn_official', empty), ('penn_action', empty)]
  made += [('jhmdb_tree', empty), ('ava', empty)]
  made += [(format, pathlib.Path('~nosuchuser/v.json')) for format in ('coco', 'pyskl')]
  made.append(('mmpose', folder / ('n' * 300 + '.json')))
  return made


def _pickles() -> dict[str, object]:
  deep: list = []
  for _ in range(90):
    deep = [deep]
  return {
    'classes_5': {'annotations': [annotation()], 'classes': 5},
    'label_huge': [annotation(label=HUGE)],
    'frames_huge': [annotation(total_frames=HUGE)],
    'shape_huge': [annotation(img_shape=(HUGE, HUGE))],
    'shape_nan': [annotation(img_shape=(np.nan, 1))],
    'name_deep': [annotation(frame_dir=deep, label=3.5)],
    'label_deep': [annotation(label=deep)],
    'label_text': [annotation(label='wave')],
    'keypoint_text': [annotation(keypoint='xy')],
    'keypoint_huge': [annotation(keypoint=[[[[HUGE, 1]] * 17]])],
    'split_huge': {'annotations': [annotation()], 'split': {1: [HUGE]}},
    'long_name': [annotation(frame_dir='n' * 10**6, label=2.5)],
    'long_raw_file': [{'frame_dir': 'a', 'img_shape': (9, 9), 'raw_file': 'n' * 5000}],
  }


def _texts() -> list[tuple[str, str, str]]:
  """(format, file name, content)."""
  points = [10.0, 20.0, 0.9] * 17
  points[0] = HUGE  # pyright: ignore
  record = {'image_id': '0.jpg', 'category_id': 1, 'keypoints': points, 'score': 1.0}
  landmarks = {'frame': HUGE, 'landmarks': [{'x': HUGE, 'y': 0.5}] * 33}
  instance = {'keypoints': [[HUGE, 1]] * 17, 'keypoint_scores': [1.0] * 17}
  image = {'id': HUGE, 'file_name': '0.jpg', 'height': HUGE, 'width': HUGE}
  coco = {'images': [image], 'annotations': [{**record, 'image_id': HUGE, 'id': 1}]}
  box = {'name': 'person', 'class': 0, 'keypoints': {'x': [HUGE] * 17, 'y': [1] * 17}}
  header = ','.join(f'{name}_{axis}' for name in ('nose', 'neck') for axis in 'xy')
  return [
    ('alphapose', 'huge.json', json.dumps([record])),
    ('alphapose', 'idx.json', json.dumps([{**record, 'idx': HUGE}])),
    ('coco', 'huge.json', json.dumps(coco)),
    ('mmpose', 'huge.json', json.dumps([{'frame_id': 0, 'instances': [instance]}])),
    ('mmpose', 'frame.json', json.dumps([{'frame_id': HUGE, 'instances': []}])),
    ('mediapipe', 'huge.json', json.dumps([landmarks])),
    ('ultralytics', 'huge.json', json.dumps([[box]])),
    ('openpose', 'v/a_000000000000_keypoints.json', json.dumps({'people': HUGE})),
    ('csv', 'huge.csv', f'frame,{header}\n{HUGE},1,1,1,1\n{HUGE + 9},1,1,1,1\n'),
    ('csv', 'nan.csv', f'frame,{header}\nnan,1,1,1,1\n'),
    ('mediapipe', 'huge.csv', f'frame,landmark,x,y\n{HUGE},0,0.5,0.5\n'),
    ('deeplabcut', 'huge.csv', f'scorer,n,n\nbodyparts,a,a\ncoords,x,y\n{HUGE},1,1\n'),
    ('numpy', 'huge/v.json', json.dumps({'height': HUGE, 'width': 1})),
    ('movement', 'v.nc', 'CDF\x01' + '\x7f' * 60),
    ('sleap', 'v.slp', 'no file of SLEAP'),
  ]


def _npy(descr: str, shape: str) -> bytes:
  header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}".encode()
  header += b' ' * (118 - len(header) - 1) + b'\n' if len(header) < 117 else b'\n'
  return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header


def _npy_headers() -> dict[str, bytes]:
  return {
    'short': _npy('<f4', '(1000000000, 1, 17, 3)'),
    'overflow': _npy('<f4', f'({2**40}, {2**40}, 17, 3)'),
    'negative': _npy('<f4', '(-1, 17, 3)'),
    'no_item': _npy('|S0', '(1000000000, 17, 3)'),
    'objects': _npy('|O', '(1, 17, 3)'),
    'digits': _npy('<f4', f'({"9" * 5000},)'),
    'nested': _npy('<f4', '(' * 5000),
  }


def _unfolding_npz(path: pathlib.Path):
  """A few hundred kB that unfold to 300 MiB of zeros."""
  block = bytes(1 << 20)
  with (
    zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    archive.open('keypoints.npy', 'w', force_zip64=True) as member,
  ):
    member.write(_npy('<f4', f'({(300 << 20) // 204}, 17, 3)'))
    for _ in range(300):
      member.write(block)


def _wide_npz(path: pathlib.Path):
  """An array that declares more than its file holds."""
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('keypoints.npy', _npy('<f4', '(20000000, 17, 3)'))


def _hdf5s(place: Callable[[str, str], pathlib.Path]):
  """An array of terabytes, and large arrays in another file."""
  import h5py

  with h5py.File(place('sleap', 'declared/v.h5'), 'w') as file:
    file.create_dataset('tracks', (10**12, 2), 'f8', chunks=(1000, 2))
  for format, name, part in (
    ('sleap', 'v.h5', 'tracks'),
    ('sleap', 'v.slp', 'instances'),
    ('movement', 'v.nc', 'position'),
  ):
    path = place(format, f'elsewhere/{name}')
    with h5py.File(path.with_name('other.bin'), 'w') as file:
      file.create_dataset('x', (4 * 10**8, 2), 'f8', chunks=(1000, 2))
    with h5py.File(path, 'w') as file:
      file[part] = h5py.ExternalLink('other.bin', '/x')


def unfolding_png(path: pathlib.Path, side: int = 60_000):
  """A valid header of `side` x `side` grey pixels, and few of them."""

  def chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack('>I', zlib.crc32(kind + data))
    return struct.pack('>I', len(data)) + kind + data + check

  header = struct.pack('>IIBBBBB', side, side, 8, 0, 0, 0, 0)
  path.write_bytes(
    b'\x89PNG\r\n\x1a\n'
    + chunk(b'IHDR', header)
    + chunk(b'IDAT', zlib.compress(bytes(1 << 20)))
    + chunk(b'IEND', b'')
  )
