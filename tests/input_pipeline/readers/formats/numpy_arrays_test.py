"""Keypoint arrays: shapes, scores, order of axes, and the JSON beside them."""

import gzip
import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import numpy_arrays as arrays
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
# [t=3, m=2, j=2, c=3] with scores in 0..1.
POSES = np.arange(36, dtype=np.float32).reshape(3, 2, 2, 3) + 1
POSES[..., 2] /= 36


@pytest.fixture
def read(tmp_path):
  """Writes one array, or several by name, and reads the file."""

  def read_array(array=None, description=None, **named):
    if description is not None:
      (tmp_path / 'v.json').write_text(json.dumps(description))
    if named:
      np.savez(tmp_path / 'v.npz', **named)
      return arrays.read_video(tmp_path / 'v.npz', EYES)
    np.save(tmp_path / 'v.npy', array)
    return arrays.read_video(tmp_path / 'v.npy', EYES)

  return read_array


def people(poses) -> np.ndarray:
  return np.stack(poses.frames((48, 64)))


def test_people_and_scores(read):
  poses = read(POSES)
  np.testing.assert_array_equal(people(poses), POSES)
  assert [names.tolist() for names in poses.names()] == [[0, 1]] * 3
  assert (poses.frame_size, poses.frame_rate) == (None, None)


def test_one_person_without_an_axis(read):
  np.testing.assert_array_equal(people(read(POSES[:, 0])), POSES[:, :1])


def test_described(read):
  description = {'height': 48, 'width': 64, 'fps': 25, 'axes': 'm t j c'}
  poses = read(np.swapaxes(POSES, 0, 1), description)
  np.testing.assert_array_equal(people(poses), POSES)
  assert (poses.frame_size, poses.frame_rate) == ((48, 64), 25)


def test_scores_apart(read):
  poses = read(keypoints=POSES[..., :2], scores=POSES[..., 2])
  np.testing.assert_array_equal(people(poses), POSES)
  poses = read(keypoints=POSES[:, 0, :, :2].astype(np.int64), scores=POSES[:, 0, :, 2])
  np.testing.assert_array_equal(people(poses), POSES[:, :1])


def test_without_scores(read):
  positions = POSES[..., :2].copy()
  positions[0, 0, 0] = 0
  positions[1, 1, 1, 0] = np.nan
  scores = people(read(positions))[..., 2]
  assert np.argwhere(scores == 0).tolist() == [[0, 0, 0], [1, 1, 1]]
  assert set(scores.ravel()) == {0, 1}


def test_what_is_not_a_number_is_missing(read):
  poses = POSES.copy()
  poses[0, 0, 0, 1] = np.nan
  poses[1, 1, 1, 2] = np.nan
  found = people(read(poses))
  assert np.argwhere(found[..., 2] == 0).tolist() == [[0, 0, 0], [1, 1, 1]]
  assert np.isfinite(found).all()


def test_an_index_stays_a_person_and_large_scores_are_noted(tmp_path):
  # Two people swap places in one frame; the array index still identifies them.
  joints = np.zeros((2, 2, 17, 3), np.float32)
  joints[..., 0] = np.array([[10, 40], [40, 10]])[:, :, None]
  joints[..., 2] = np.array([0.9, 0.5])[:, None]
  np.save(tmp_path / 'v.npy', joints)
  options = ReadOptions(frame_size=(48, 64))
  source = read_poses('numpy', tmp_path, skeleton='coco_17', options=options)
  assert source.load('v').keypoints[..., 0, 0].tolist() == [[10, 40], [40, 10]]
  joints[..., 2] = 50
  np.save(tmp_path / 'v.npy', joints)
  clip = source.load('v')
  assert (clip.scores == 1).all()
  assert [note.kind for note in clip.notes] == ['large_scores']
  assert 'up to 50' in clip.notes[0].message


@pytest.mark.parametrize(
  ('array', 'description', 'message'),
  [
    (POSES[..., :1], None, r'shape \[3, 2, 2, 1\], but need numbers \[t, m, j, c\]'),
    (
      np.zeros((3, 2, 5, 3)),
      None,
      r'the 2 joints of skeleton .eyes.; for .* set "axes" in v\.json',
    ),
    (POSES[0, 0], None, r'shape \[2, 3\]'),
    (POSES.astype(str), None, r'keypoints are <U'),
    (POSES.astype(complex), None, r'keypoints are complex128'),
    (POSES.astype(object), None, r'is not a readable file of arrays: .*pickle'),
    (POSES.view([('v', 'f4')]), None, r'keypoints are \[\('),
    (POSES, {'axes': 't m j'}, r"axes are 't m j', but must be t, j, c and optionally"),
    (POSES, {'axes': 't j c'}, r'need numbers \[t, j, c\]'),
    (POSES, {'frame_size': [3, 4]}, r'v\.json must be an object with some of height'),
    (POSES, [48, 64], r'v\.json must be an object'),
    (POSES, {'height': 48.5, 'width': 3}, r'v\.json: height and width are 48\.5 and 3'),
    (np.array([{}]), None, r'v\.npy is not a readable file of arrays: .*pickle'),
    (np.zeros((0, 2, 2, 3)), None, r'there is no frame'),
  ],
)
def test_what_is_refused(read, array, description, message):
  with pytest.raises(PoseDataError, match=message):
    read(array, description)


@pytest.mark.parametrize(
  'array',
  [
    np.asfortranarray(POSES),
    POSES.astype('>f8'),
    POSES.astype(np.longdouble),
    POSES[:, :, ::-1][:, :, ::-1],
  ],
)
def test_memory_layout_does_not_matter(read, array):
  np.testing.assert_array_equal(people(read(array)), POSES)


def test_half_precision(read):
  np.testing.assert_allclose(people(read(POSES.astype(np.float16))), POSES, rtol=1e-3)


def test_compressed(read, tmp_path):
  read(POSES)
  content = gzip.compress((tmp_path / 'v.npy').read_bytes())
  (tmp_path / 'w.npy.gz').write_bytes(content)
  (tmp_path / 'w.json').write_text('{"height": 48, "width": 64}')
  assert arrays.is_video(tmp_path / 'w.npy.gz')
  poses = arrays.read_video(tmp_path / 'w.npy.gz', EYES)
  np.testing.assert_array_equal(people(poses), POSES)
  assert poses.frame_size == (48, 64)


def test_files_of_several_arrays_that_are_refused(read, tmp_path):
  with pytest.raises(PoseDataError, match=r"v\.npz has no array 'keypoints'; it has x"):
    read(x=POSES)
  with pytest.raises(PoseDataError, match=r'scores have shape \[3, 2, 1\]'):
    read(keypoints=POSES, scores=POSES[:, :, :1, 2])
  with pytest.raises(PoseDataError, match=r'scores are <U3, but must be numbers'):
    read(keypoints=POSES, scores=np.full((3, 2, 2), 'low'))
  (tmp_path / 'v.npz').write_bytes(b'PK')
  with pytest.raises(PoseDataError, match=r'v\.npz is not a readable file of arrays'):
    arrays.read_video(tmp_path / 'v.npz', EYES)


@pytest.mark.parametrize('name', ['confidence', 'keypoint_scores', 'visibility'])
def test_other_names_of_arrays(read, name):
  poses = read(arr_0=POSES[..., :2], **{name: POSES[..., 2]}, fps=25, boxes=np.ones(3))
  np.testing.assert_array_equal(people(poses), POSES)
  assert poses.frame_rate == 25
  assert [note.kind for note in poses.notes] == ['arrays_not_read']
  assert 'arrays not read: boxes' in poses.notes[0].message


def test_joint_names_in_the_file(read):
  names = np.array(['right_eye', 'left_eye'])
  poses = read(keypoints=POSES[:, :, ::-1], joint_names=names)
  np.testing.assert_array_equal(people(poses), POSES)
  assert [note.kind for note in poses.notes] == ['joint_order']


def test_a_depth_beside_the_score(read):
  depths = np.full((*POSES.shape[:3], 1), 0.3)
  poses = read(np.concatenate([POSES[..., :2], depths, POSES[..., 2:]], axis=-1))
  np.testing.assert_array_equal(people(poses), POSES)
  assert [note.kind for note in poses.notes] == ['depth_dropped']


def test_axes_without_spaces(read):
  poses = read(np.swapaxes(POSES, 0, 1), {'axes': 'MTJC'})
  np.testing.assert_array_equal(people(poses), POSES)


def test_rows_of_all_coordinates(read):
  with pytest.raises(PoseDataError, match=r'for each joint, reshape to \(-1, 2, 3\)'):
    read(POSES[:, 0].reshape(3, 6))
