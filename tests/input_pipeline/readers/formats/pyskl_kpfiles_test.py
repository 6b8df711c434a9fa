"""PYSKL's Kinetics: poses in files beside the pickle, as its documentation describes."""

import pickle

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import pyskl
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())


def skeletons(*lefts: float) -> np.ndarray:
  """Skeletons [n, j, 3] in half precision, with boxes of 5 by 1 pixels."""
  rows = [[[x, 10, 0.5], [x + 4, 10, 0.75]] for x in lefts]
  return np.array(rows, np.float16).reshape(-1, 2, 3)


def annotation(name: str, frames, **changes) -> dict:
  return {
    'frame_dir': name,
    'label': 1,
    'img_shape': (48, 64),
    'original_shape': (48, 64),
    'total_frames': 4,
    'frame_inds': np.array(frames, np.int64),
    'box_score': np.ones(len(frames)),
    'valid': {0.5: 4},
    'raw_file': 'data/k400/kpfiles/0001.pkl',
    **changes,
  }


@pytest.fixture
def read(tmp_path):
  """Writes annotations and a file of keypoints, and reads them."""

  def read_content(annotations, keypoints, place='kpfiles', options=None):
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    content = {name: {'keypoint': array} for name, array in keypoints.items()}
    (tmp_path / place / '0001.pkl').write_bytes(pickle.dumps(content))
    path = tmp_path / 'k400.pkl'
    path.write_bytes(pickle.dumps({'annotations': annotations, 'classes': ['a', 'b']}))
    return pyskl.read(path, EYES, options)

  return read_content


@pytest.mark.parametrize('place', ['kpfiles', 'data/k400/kpfiles'])
def test_people_of_frames(read, place):
  # Frame 2 shows nobody; in frame 3 the two people are in another order.
  source = read(
    [annotation('v', [0, 0, 1, 3, 3])], {'v': skeletons(5, 40, 6, 41, 8)}, place
  )
  clip = source.load('v')
  assert clip.keypoints.shape == (4, 2, 2, 2)
  assert clip.keypoints[:, :, 0, 0].tolist() == [[5, 40], [6, 0], [0, 0], [8, 41]]
  assert clip.scores[0, 0].tolist() == [0.5, 0.75]
  assert (clip.labels, clip.frame_size) == ((1,), (48, 64))


def test_frames_are_counted_from_1_if_the_file_does(read):
  # As published: skeletons are seen in frame 4 of 4, and in no frame 0.
  first = annotation('v', [2, 4])
  source = read(
    [first, annotation('w', [1, 3, 5])], {'v': skeletons(6, 8), 'w': skeletons(1, 2, 3)}
  )
  assert source.load('v').keypoints[:, 0, 0, 0].tolist() == [0, 6, 0, 8]
  with pytest.raises(PoseDataError, match=r'are 1\.\.5, but must be in 1\.\.4'):
    source.load('w')


def test_max_people(read):
  crowd = ([annotation('v', [0] * 6)], {'v': skeletons(0, 10, 20, 30, 40, 50)})
  assert read(*crowd).load('v').num_persons == 5
  options = ReadOptions(max_people=2)
  assert read(*crowd, options=options).load('v').num_persons == 2


def test_a_video_without_people(read):
  clip = read([annotation('v', [])], {'v': skeletons()}).load('v')
  assert clip.scores.shape == (4, 1, 2)
  assert not clip.scores.any()


def test_poses_in_the_pickle_stay_as_they_are(read):
  own = annotation('w', [], keypoint=np.full((7, 4, 2, 3), 9.0))
  source = read([own], {})
  assert source.load('w').num_persons == 7


@pytest.mark.parametrize(
  ('changes', 'keypoints', 'message'),
  [
    ({}, {}, r"'keypoint' under its name in .*0001\.pkl: KeyError 'v'"),
    (
      {'frame_inds': None},
      {'v': skeletons(1)},
      r"needs 'frame_inds' and 'total_frames'",
    ),
    (
      {},
      {'v': skeletons(1)},
      r'shape \(1, 2, 3\), but needs \[2 skeletons \(one per frame_inds',
    ),
    (
      {'frame_inds': [3, 4]},
      {'v': skeletons(1, 2)},
      r'are 3\.\.4, but must be in 0\.\.3',
    ),
    (
      {'raw_file': '9.pkl'},
      {},
      r"'9\.pkl', but there is no file .*9\.pkl and no file .*kpfiles",
    ),
  ],
)
def test_one_broken_clip_raises_alone(read, changes, keypoints, message):
  annotations = [annotation('v', [0, 1]) | changes, annotation('w', [0])]
  source = read(annotations, {**keypoints, 'w': skeletons(5)})
  with pytest.raises(PoseDataError, match=f"clip 'v': .*{message}"):
    source.load('v')
  assert source.load('w').num_frames == 4


def test_by_the_registry(tmp_path):
  (tmp_path / 'kpfiles').mkdir()
  content = {'v': {'keypoint': np.full((1, 17, 3), [9, 9, 0.5])}}
  (tmp_path / 'kpfiles' / '0001.pkl').write_bytes(pickle.dumps(content))
  path = tmp_path / 'k400.pkl'
  path.write_bytes(pickle.dumps([annotation('v', [1])]))
  options = ReadOptions(max_people=1)
  source = read_poses('pyskl', path, skeleton='coco_17', options=options)
  assert source.load('v').scores[:, 0, 0].tolist() == [0, 0.5, 0, 0]
