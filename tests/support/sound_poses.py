"""Small sound pose files of every format, as contents by name, for tests that damage them."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import json
import pathlib
import pickle
import tempfile
from collections.abc import Callable

import ava_tree
import cv2
import numpy as np
import scipy.io
from hostile_files import annotation

_POINTS = [float(n) for joint in range(17) for n in (20 + joint, 30 + joint, 1)]
_TRACKS = np.reshape([_POINTS, _POINTS], (2, 17, 3))  # [t, j, (x, y, score)]
_SIZE = (240, 320)


@dataclasses.dataclass(frozen=True)
class SoundPoses:
  """One video or data set.

  Attributes:
    files: contents by relative path.
    opened: the relative path that a reader is given; '' for the whole folder.
    skeleton: None if the files or the format say it.
    frame_size: None if the files say it.
  """

  format: str
  files: dict[str, bytes]
  opened: str = ''
  skeleton: str | None = 'coco_17'
  frame_size: tuple[int, int] | None = _SIZE


def makers() -> dict[str, Callable[[], SoundPoses]]:
  """Functions that make each, by name, as far as the libraries are installed."""
  made: dict[str, Callable[[], SoundPoses]] = {
    'alphapose': _alphapose,
    'ava': _ava,
    'coco': _coco,
    'csv': _csv,
    'deeplabcut': _deeplabcut,
    'jhmdb_tree': _jhmdb_tree,
    'jmrn_official': _jmrn_official,
    'mediapipe': _mediapipe,
    'mediapipe_table': _mediapipe_table,
    'mmpose': _mmpose,
    'npy': _npy,
    'npz': _npz,
    'openpose': _openpose,
    'openpose_float': _openpose_float,
    'openpose_png': _openpose_png,
    'penn_action': _penn_action,
    'pyskl': _pyskl,
    'pyskl_kpfiles': _pyskl_kpfiles,
    'ultralytics': _ultralytics,
    'ultralytics_json': _ultralytics_json,
    'videos_list': _videos_list,
  }
  if importlib.util.find_spec('h5py'):
    made |= {'deeplabcut_hdf5': _deeplabcut_hdf5, 'sleap_analysis': _sleap_analysis}
  if importlib.util.find_spec('xarray') and importlib.util.find_spec('h5netcdf'):
    made |= {'movement': _movement, 'movement_classic': _movement_classic}
  if importlib.util.find_spec('sleap_io'):
    made |= {'sleap': _sleap}
  return made


def _one(format: str, name: str, content: object, **more) -> SoundPoses:
  """A single file; what is not bytes becomes JSON."""
  if not isinstance(content, bytes):
    content = json.dumps(content).encode()
  return SoundPoses(format, {name: content}, name, **more)


def _joint_names() -> tuple[str, ...]:
  from input_pipeline.skeletons.registry import get_skeleton

  return get_skeleton('coco_17').joints


def _table(rows: list[list]) -> bytes:
  return '\n'.join(','.join(map(str, row)) for row in rows).encode()


def _pyskl():
  return _one('pyskl', 'v.pkl', pickle.dumps([annotation()]))


def _pyskl_kpfiles():
  """Keypoints in a file beside the annotations."""
  apart = annotation(raw_file='kpfiles/0001.pkl', frame_inds=np.arange(2))
  del apart['keypoint'], apart['keypoint_score']
  content = {'annotations': [apart], 'classes': ['wave']}
  keypoints = {'a': {'keypoint': _TRACKS.astype(np.float16)}}
  return SoundPoses(
    'pyskl',
    {'v.pkl': pickle.dumps(content), 'kpfiles/0001.pkl': pickle.dumps(keypoints)},
    'v.pkl',
  )


def _alphapose():
  return _one(
    'alphapose',
    'v.json',
    [{'image_id': '0.jpg', 'category_id': 1, 'keypoints': _POINTS, 'score': 1.0}],
  )


def _coco():
  image = {'id': 1, 'file_name': '0.jpg', 'height': 240, 'width': 320}
  person = {'id': 1, 'image_id': 1, 'category_id': 1, 'keypoints': _POINTS}
  return _one('coco', 'v.json', {'images': [image], 'annotations': [person]})


def _mmpose():
  instance = {'keypoints': [[20, 30]] * 17, 'keypoint_scores': [1.0] * 17}
  return _one('mmpose', 'v.json', [{'frame_id': 0, 'instances': [instance]}])


def _npy():
  array = io.BytesIO()
  np.save(array, _TRACKS.astype(np.float32))
  return _one('numpy', 'v.npy', array.getvalue())


def _npz():
  archive = io.BytesIO()
  np.savez_compressed(archive, keypoints=_TRACKS)
  return _one('numpy', 'v.npz', archive.getvalue())


def _penn_action():
  labels = io.BytesIO()
  joints = {name: np.ones((2, 13)) for name in ('x', 'y', 'visibility')}
  scipy.io.savemat(
    labels, {**joints, 'dimensions': [[240, 320, 2]], 'train': 1, 'action': 'squat'}
  )
  files = {'labels/0001.mat': labels.getvalue()}
  return SoundPoses('penn_action', files, 'labels', None, None)


def _jhmdb_tree():
  joints = io.BytesIO()
  scipy.io.savemat(joints, {'pos_img': np.full((2, 15, 2), 20.0), 'scale': 1.5})
  return SoundPoses(
    'jhmdb_tree',
    {
      'joint_positions/wave/w_1/joint_positions.mat': joints.getvalue(),
      'splits/wave_test_split1.txt': b'w_1.avi 1\n',
    },
    skeleton=None,
    frame_size=None,
  )


def _jmrn_official():
  sums = io.BytesIO()
  np.save(sums, np.ones((3, 19, 64, 64), np.float32))
  table = {'video_name': ['a'], 'labels': [0], 'frames': [[1, 2]]}
  return SoundPoses(
    'jmrn_official',
    {'set_train1.pkl': pickle.dumps(table), 'maps/a.npy': sums.getvalue()},
    skeleton=None,
    frame_size=None,
  )


def _ava():
  return SoundPoses('ava', _written(ava_tree.write), frame_size=None)


def _deeplabcut():
  rows = [
    ['scorer', *['net'] * 51],
    ['bodyparts', *(name for name in _joint_names() for _ in 'xyl')],
    ['coords', *['x', 'y', 'likelihood'] * 17],
    *([frame, *_POINTS] for frame in range(2)),
  ]
  return _one('deeplabcut', 'v.csv', _table(rows))


def _deeplabcut_hdf5():
  """As pandas' `to_hdf(format='table')` writes it: a pickle of the columns, and rows."""
  import h5py

  columns = [
    ('net', name, axis) for name in _joint_names() for axis in ('x', 'y', 'likelihood')
  ]
  rows = np.zeros(2, [('index', 'i8'), ('values_block_0', 'f8', (51,))])
  rows['index'] = [0, 1]
  rows['values_block_0'] = _POINTS

  def write(folder: pathlib.Path):
    with h5py.File(folder / 'v.h5', 'w') as file:
      group = file.create_group('df_with_missing')
      group.attrs['pandas_type'] = np.bytes_('frame_table')
      table = group.create_dataset('table', data=rows)
      table.attrs['values_block_0_kind'] = np.bytes_(pickle.dumps(columns, 0))

  return SoundPoses('deeplabcut', _written(write), 'v.h5')


def _csv():
  header = [f'{name}_{axis}' for name in _joint_names() for axis in ('x', 'y', 'score')]
  rows = [['frame', *header], *([frame, *_POINTS] for frame in range(2))]
  return _one('csv', 'v.csv', _table(rows))


def _mediapipe():
  landmark = {'x': 0.25, 'y': 0.5, 'z': -0.1, 'visibility': 0.9}
  frames = [{'frame': n, 'landmarks': [[landmark] * 33]} for n in range(2)]
  return _one('mediapipe', 'v.json', frames, skeleton=None)


def _mediapipe_table():
  rows = [[frame, joint, 0.25, 0.5, 0.9] for frame in range(2) for joint in range(33)]
  header = ['frame', 'landmark', 'x', 'y', 'visibility']
  return _one('mediapipe', 'v.csv', _table([header, *rows]), skeleton=None)


def _openpose():
  frame = json.dumps({'version': 1.3, 'people': [{'pose_keypoints_2d': _POINTS}]})
  names = [f'walk/w_{number:012}_keypoints.json' for number in range(2)]
  return SoundPoses('openpose', dict.fromkeys(names, frame.encode()), 'walk')


def _openpose_maps() -> np.ndarray:
  """The maps of 18 joints and the background, `[19, h, w]`."""
  maps = np.zeros((19, 8, 16), np.float32)
  maps[:18, 4, 8] = 0.8
  maps[18] = 1 - maps[:18].max(axis=0)
  return maps


def _openpose_float():
  maps = _openpose_maps()
  header = np.array([maps.ndim, *maps.shape], '<f4')
  content = header.tobytes() + maps.astype('<f4').tobytes()
  names = [f'walk/w_{number:012}_pose_heatmaps.float' for number in range(2)]
  files = dict.fromkeys(names, content)
  return SoundPoses('openpose_maps', files, 'walk', 'openpose_18', (8, 16))


def _openpose_png():
  codes = np.concatenate(list(_openpose_maps() * 255), axis=1).astype(np.uint8)
  content = cv2.imencode('.png', codes)[1].tobytes()
  names = [f'walk/w_{number:012}_pose_heatmaps.png' for number in range(2)]
  files = dict.fromkeys(names, content)
  return SoundPoses('openpose_maps', files, 'walk', 'openpose_18', (8, 16))


def _ultralytics():
  values = [0, 0.3, 0.5, 0.4, 0.6, *[0.2, 0.5, 0.8] * 17]
  line = ' '.join(map(str, values)).encode() + b'\n'
  files = {f'walk/walk_{number}.txt': line for number in (1, 2)}
  return SoundPoses('ultralytics', files, 'walk')


def _ultralytics_json():
  joints = {'x': [20.0] * 17, 'y': [30.0] * 17, 'visible': [1.0] * 17}
  corners = {'x1': 1.0, 'y1': 1.0, 'x2': 50.0, 'y2': 60.0}
  person = {'name': 'person', 'class': 0, 'box': corners, 'keypoints': joints}
  return _one('ultralytics', 'v.json', [[person]])


def _videos_list():
  """A list of videos with their classes, splits and sizes, and one of the videos."""
  (content,) = _npy().files.values()
  files = {
    'videos.csv': b'path,label,split,height,width\nv.npy,wave,train,240,320\n',
    'v.npy': content,
  }
  return SoundPoses('numpy', files)


def _sleap_analysis():
  import h5py

  def write(folder: pathlib.Path):
    with h5py.File(folder / 'v.h5', 'w') as file:
      file['node_names'] = np.array(_joint_names(), 'S')
      # [m, (x, y), j, t]
      file['tracks'] = _TRACKS[None, ..., :2].transpose(0, 3, 2, 1)
      file['tracks'].attrs['dims'] = json.dumps(['track', 'xy', 'node', 'frame'])
      file['point_scores'] = np.ones((1, 17, 2))

  return SoundPoses('sleap', _written(write), 'v.h5')


def _sleap():
  import sleap_io  # pyright: ignore[reportMissingImports]

  skeleton = sleap_io.Skeleton(list(_joint_names()))
  video = sleap_io.Video(filename='walk.mp4', open_backend=False)
  track = sleap_io.Track('ann')

  def frame(number: int):
    person = sleap_io.PredictedInstance.from_numpy(
      _TRACKS[number, :, :2],
      skeleton=skeleton,
      score=0.5,
      point_scores=np.ones(17),
      track=track,
    )
    return sleap_io.LabeledFrame(video=video, frame_idx=number, instances=[person])

  labels = sleap_io.Labels([frame(0), frame(1)])
  files = _written(lambda folder: sleap_io.save_slp(labels, str(folder / 'v.slp')))
  return SoundPoses('sleap', files, 'v.slp')


def _movement(engine: str = 'h5netcdf'):
  import xarray

  # [t, (x, y), j, m]
  position = _TRACKS[..., :2].transpose(0, 2, 1)[..., None]
  axes = ('time', 'space', 'keypoints', 'individuals')
  data = xarray.Dataset(
    {
      'position': (axes, position),
      'confidence': (axes[:1] + axes[2:], np.ones((2, 17, 1))),
    },
    {
      'time': [0, 1],
      'space': ['x', 'y'],
      'keypoints': list(_joint_names()),
      'individuals': ['ann'],
    },
    {'time_unit': 'frames', 'source_software': 'SLEAP', 'ds_type': 'poses'},
  )
  files = _written(lambda folder: data.to_netcdf(folder / 'v.nc', engine=engine))
  return SoundPoses('movement', files, 'v.nc')


def _movement_classic():
  return _movement('scipy')


def _written(write: Callable[[pathlib.Path], object]) -> dict[str, bytes]:
  """The files that a function writes in a folder."""
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    write(folder)
    paths = sorted(path for path in folder.rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
