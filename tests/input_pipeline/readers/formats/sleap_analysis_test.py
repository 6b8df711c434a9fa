"""SLEAP's analysis files: axes, scores, and what is no such file."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import sleap
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

h5py = pytest.importorskip('h5py', reason='h5py is not installed')

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
AXES = ('track', 'xy', 'node', 'frame')
# [m=2, xy=2, n=2, t=3]
TRACKS = 10 + np.arange(24.0).reshape(2, 2, 2, 3)
SCORES = np.full((2, 2, 3), 0.75)


@pytest.fixture
def read(tmp_path):
  def read_arrays(
    tracks=TRACKS, scores=SCORES, names=EYES.joints, dims=None, attributes=(), **options
  ):
    with h5py.File(tmp_path / 'v.h5', 'w') as file:
      file['node_names'] = np.array(names, 'S')
      file['tracks'] = tracks
      if dims:
        file['tracks'].attrs['dims'] = json.dumps(dims)
      if scores is not None:
        file['point_scores'] = scores
      file.attrs.update(dict(attributes))
    return sleap.read_video(tmp_path / 'v.h5', EYES, '', ReadOptions(**options))

  return read_arrays


def test_people_and_scores(read):
  poses = read()
  assert list(poses.people) == [0, 1, 2]
  assert poses.people[1].tolist() == [
    [[11, 17, 0.75], [14, 20, 0.75]],
    [[23, 29, 0.75], [26, 32, 0.75]],
  ]
  assert [names.tolist() for names in poses.names()] == [[0, 1]] * 3


@pytest.mark.parametrize(
  'order', [(3, 0, 2, 1), (0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1)]
)
def test_the_axes_that_a_file_names(read, order):
  scores = [axis for axis in order if axis != 1]
  poses = read(
    TRACKS.transpose(order),
    SCORES.transpose([(0, 2, 3).index(axis) for axis in scores]),
    dims=[AXES[axis] for axis in order],
  )
  np.testing.assert_equal(poses.people, read().people)


def test_older_files_that_are_not_transposed(read):
  poses = read(TRACKS.T.swapaxes(1, 1), SCORES.T, attributes={'transpose': False})
  np.testing.assert_equal(poses.people, read().people)


def test_what_is_missing_and_what_has_no_score(read):
  tracks, scores = TRACKS.copy(), SCORES.copy()
  tracks[0, :, :, 0] = np.nan
  tracks[1, :, 1, 1] = np.nan
  scores[1, :, 1] = np.nan  # A label by hand.
  poses = read(tracks, scores)
  assert [names.tolist() for names in poses.names()] == [[1], [0, 1], [0, 1]]
  assert poses.people[1][1, :, 2].tolist() == [1, 0]
  for without in (None, np.zeros(0)):
    assert read(tracks, without).people[2][..., 2].tolist() == [[1, 1], [1, 1]]


def test_joints_are_taken_by_name(read):
  poses = read(names=('EyeR', 'EyeL'))
  assert poses.people[0][0, :, 0].tolist() == [13, 10]
  assert read(names=('a', 'b'), trust_order=True).people[0][0, :, 0].tolist() == [
    10,
    13,
  ]


@pytest.mark.parametrize(
  ('shape', 'size'),
  [([3, 48, 64, 1], (48, 64)), ([3, 0, 0, 1], None), (None, None), ('x', None)],
)
def test_the_frame_size(read, shape, size):
  metadata = {'video_backend_metadata': json.dumps({'shape': shape})}
  assert read(attributes=metadata).frame_size == size


@pytest.mark.parametrize(
  ('arrays', 'message'),
  [
    ({'names': ('left_eye',)}, r'tracks have shape .* 2 coordinates and 1 nodes'),
    (
      {'tracks': TRACKS[0]},
      r'tracks is float64 of shape \[2, 2, 3\], but must be numb',
    ),
    ({'scores': SCORES[:1]}, r'point_scores have shape \[1, 2, 3\], which does not'),
    ({'dims': ['x', 'y']}, r"the axes of tracks are \['x', 'y'\], but must be track"),
    ({'names': ('tail', 'right_eye')}, r"node_names: joint 0 is 'tail'"),
    ({'tracks': TRACKS[..., :0], 'scores': None}, r'there is no frame'),
  ],
)
def test_what_is_refused_in_one_line(read, arrays, message):
  with pytest.raises(PoseDataError, match=message) as raised:
    read(**arrays)
  assert '\n' not in str(raised.value)


def test_files_of_others_are_named(tmp_path):
  with h5py.File(tmp_path / 'v.h5', 'w') as file:
    file.create_group('df_with_missing').attrs['pandas_type'] = np.bytes_('frame')
  with pytest.raises(PoseDataError, match=r'read it with --format=deeplabcut'):
    sleap.read_video(tmp_path / 'v.h5', EYES, '')
  with h5py.File(tmp_path / 'v.h5', 'w') as file:
    file['poseest/points'] = np.zeros(3)
  with pytest.raises(
    PoseDataError, match=r'has poseest, but needs tracks and node_names'
  ):
    sleap.read_video(tmp_path / 'v.h5', EYES, '')


def test_the_names_choose_the_skeleton(tmp_path):
  names = SKELETONS['coco_17'].joints
  (tmp_path / 'wave').mkdir()
  with h5py.File(tmp_path / 'wave' / 'clip.analysis.h5', 'w') as file:
    file['node_names'] = np.array(names, 'S')
    file['tracks'] = 10 + np.arange(17 * 2 * 9.0).reshape(1, 2, 17, 9) / 4
  options = ReadOptions(frame_size=(400, 400))
  source = read_poses('sleap', tmp_path, options=options)
  assert source.skeleton.name == 'coco_17'
  assert source.splits == {'all': ('clip.analysis',)}
  assert source.load('clip.analysis').keypoints.shape == (9, 1, 17, 2)
