"""OpenPose's JSON: the forms of all versions, and real output."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import openpose
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton, get_skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
ONE = [10, 20, 0.5, 30, 40, 0.25]


@pytest.fixture
def read(tmp_path):
  """Writes frames by file name, and reads them as a video with skeleton EYES."""

  def read_frames(**frames):
    for name, content in frames.items():
      (tmp_path / f'{name}.json').write_text(json.dumps(content))
    return openpose.read_video(tmp_path, EYES)

  return read_frames


def frame(*people, key: str = 'pose_keypoints_2d') -> dict:
  return {'version': 1.3, 'people': [{key: person} for person in people]}


def test_zero_one_and_many_people(read):
  other = [1, 2, 1, 3, 4, 1]
  poses = read(
    v_000000000000_keypoints=frame(),
    v_000000000001_keypoints=frame(ONE),
    v_000000000002_keypoints=frame(other, ONE),
  )
  assert [len(people) for people in poses.frames((48, 64))] == [0, 1, 2]
  assert poses.people[1].tolist() == [[[10, 20, 0.5], [30, 40, 0.25]]]
  assert poses.people[2][0].tolist() == [[1, 2, 1], [3, 4, 1]]
  assert poses.frame_size is None


@pytest.mark.parametrize(
  'content',
  [
    frame(ONE, key='pose_keypoints'),
    frame(ONE, key='joints'),
    frame(ONE, key='body_parts'),
    {'version': 0.1, 'bodies': [{'joints': ONE}]},
    {'people': [{'pose_keypoints_2d': ONE, 'face_keypoints_2d': [], 'person_id': []}]},
  ],
)
def test_older_names(read, content):
  assert read(f1=content).people[1].tolist() == [[[10, 20, 0.5], [30, 40, 0.25]]]


def test_a_person_without_joints_is_no_one(read):
  poses = read(f0=frame([], ONE, []), f1={'people': [{'pose_keypoints_2d': None}]})
  assert [len(people) for people in poses.frames((48, 64))] == [1, 0]


def test_what_is_missing_and_what_is_outside(read):
  poses = read(f0=frame([0, 0, 0, -12.5, -3, 0.5]), f1=frame([None, 5, 0.5, 7, 8, 1.4]))
  first, second = poses.frames((48, 64))
  assert first.tolist() == [[[0, 0, 0], [-12.5, -3, 0.5]]]
  # Heatmap peaks exceed 1.
  assert second.tolist() == [[[0, 0, 0], [7, 8, 1]]]


def test_a_frame_that_is_missing_between_others_is_empty(read):
  poses = read(f0010=frame(ONE), f0011=frame(ONE), f0013=frame(ONE))
  assert [len(people) for people in poses.frames((48, 64))] == [1, 1, 0, 1]


def test_every_third_frame_is_every_frame(read):
  poses = read(f0=frame(ONE), f3=frame(), f9=frame(ONE))
  assert poses.frame_numbers() == range(0, 10, 3)
  assert [len(people) for people in poses.frames((48, 64))] == [1, 0, 0, 1]


def test_identities(read):
  people = [{'person_id': [i], 'pose_keypoints_2d': ONE} for i in (-1, 4)]
  poses = read(f0={'people': people}, f1=frame(ONE), f3=frame(ONE))
  names = poses.names()
  assert names is not None
  assert [name.tolist() for name in names] == [[-1, 4], [-1], [], [-1]]
  assert read(f0=frame(ONE)).names() is None


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ([], r"f5\.json needs 'people' or 'bodies', but is a list"),
    ({'version': 1}, r"f5\.json needs 'people' or 'bodies', but has 'version'"),
    ({'people': {}}, r'f5\.json must be a list, but is an object'),
    (
      frame(ONE, ONE[:4]),
      r'f5\.json, person 1 has shape \[4\], but must be a flat list',
    ),
    (frame(ONE[:3]), r'f5\.json, person 0 has 1 joints, but skeleton .eyes. has 2'),
    (frame(['a'] * 6), r'f5\.json, person 0 is not a list of numbers'),
    (frame('x'), r'f5\.json, person 0 must be a list, but is text'),
    ({'people': [{'face_keypoints_2d': []}]}, r"person 0 needs 'pose_keypoints_2d' or"),
    ({'people': [7]}, r'person 0 needs .*, but is a int'),
  ],
)
def test_broken_frames_are_named(read, content, message):
  with pytest.raises(PoseDataError, match=message):
    read(f5=content)


def test_a_file_cut_short_is_named(tmp_path):
  (tmp_path / 'f0.json').write_text('{"people": [')
  with pytest.raises(PoseDataError, match=r'f0\.json is not a readable JSON file'):
    openpose.read_video(tmp_path, EYES)


def test_frames_of_two_videos_in_a_folder(read):
  with pytest.raises(PoseDataError, match=r"'a_1\.json' and 'b_01\.json'"):
    read(a_1=frame(ONE), b_01=frame(ONE))


def test_a_file_without_a_number(read):
  with pytest.raises(PoseDataError, match=r"'notes\.json' has no number in its name"):
    read(f0=frame(ONE), notes={})


def test_numbers_too_far_apart(read):
  poses = read(f1=frame(ONE), f2=frame(ONE), f20240131123456=frame(ONE))
  with pytest.raises(PoseDataError, match=r'from 1 to 20240131123456, but a video has'):
    poses.frames((48, 64))


@pytest.mark.parametrize(
  ('name', 'joints'),
  [
    ('openpose_18', 18),
    ('openpose_18_background', 18),
    ('body_25', 25),
    ('body_25b', 25),
    ('openpose_mpi', 15),
  ],
)
def test_every_model_of_openpose(tmp_path, name, joints):
  keypoints = np.stack([np.arange(joints), np.full(joints, 9), np.ones(joints)], axis=1)
  content = frame((keypoints + np.array([1, 0, 0])).ravel().tolist())
  (tmp_path / 'v_000000000000_keypoints.json').write_text(json.dumps(content))
  source = read_poses(
    'openpose', tmp_path, skeleton=name, options=ReadOptions(frame_size=(48, 64))
  )
  clip = source.load(tmp_path.name)
  assert clip.keypoints.shape == (1, 1, joints, 2)
  assert clip.keypoints[0, 0, -1].tolist() == [joints, 9]


@pytest.mark.parametrize(
  ('camera', 'width', 'people', 'missing'),
  [('cam02', 1080, 2, 0.02), ('cam03', 1088, 1, 0.05)],
)
def test_real_output(shared_data, camera, width, people, missing):
  """Counts, sizes and the share of missing joints agree with the data's README."""
  folder = shared_data / 'openpose_json' / 'single' / f'{camera}_json'
  source = read_poses(
    'openpose',
    folder,
    skeleton='body_25b',
    options=ReadOptions(frame_size=(1920, width)),
  )
  assert source.splits == {'all': (f'{camera}_json',)}
  clip = source.load(f'{camera}_json')
  assert (clip.num_frames, clip.num_persons) == (100, people)
  assert clip.labels == ()
  assert (clip.scores == 0).mean() == pytest.approx(missing, abs=0.005)
  x, y = clip.keypoints[clip.scores > 0].T
  assert x.min() > 0 and x.max() < width
  assert y.min() > 0 and y.max() < 1920
  first = json.loads((folder / f'{camera}.0000.json').read_text())
  nose = first['people'][0]['pose_keypoints_2d'][:3]
  walker = np.r_[clip.keypoints[0, 0, 0], clip.scores[0, 0, 0]]
  np.testing.assert_allclose(walker, nose, rtol=1e-6)


def test_a_skeleton_of_another_count_names_those_that_fit(shared_data):
  folder = shared_data / 'openpose_json' / 'single'
  source = read_poses(
    'openpose', folder, skeleton='coco_17', options=ReadOptions(frame_size=(1920, 1080))
  )
  with pytest.raises(
    PoseDataError,
    match=r"clip 'cam02_json': .*cam02\.0000\.json, person 0 has 25 joints, but skeleton"
    r" 'coco_17' has 17; skeletons with 25: .*body_25, body_25b",
  ):
    source.load('cam02_json')


def test_left_and_right_of_the_real_walker(shared_data):
  """In BODY_25B, an elbow is closer to the wrist on its own side."""
  skeleton = get_skeleton('body_25b')
  folder = shared_data / 'openpose_json' / 'single' / 'cam03_json'
  frames = openpose.read_video(folder, skeleton).frames((1920, 1088))
  joints = np.stack([people[0] for people in frames])

  def distance(a: str, b: str):
    a, b = (joints[:, skeleton.joints.index(name)] for name in (a, b))
    seen = (a[:, 2] > 0) & (b[:, 2] > 0)
    return np.linalg.norm(a[seen, :2] - b[seen, :2], axis=1).mean()

  for side, other in (('left', 'right'), ('right', 'left')):
    assert distance(f'{side}_knee', f'{side}_ankle') < distance(
      f'{side}_hip', f'{side}_ankle'
    )
    assert distance(f'{side}_heel', f'{side}_ankle') < distance(
      f'{side}_heel', f'{other}_knee'
    )


def test_joints_in_space_alone_are_refused(tmp_path):
  person = {'pose_keypoints_2d': [], 'pose_keypoints_3d': [1, 2, 3, 0.9] * 25}
  (tmp_path / 'v_000000000000_keypoints.json').write_text(
    json.dumps({'people': [person]})
  )
  with pytest.raises(
    PoseDataError, match="person 0 has joints only in 'pose_keypoints_3"
  ):
    openpose.read_video(tmp_path, get_skeleton('body_25'))


def test_joints_may_be_nested(tmp_path):
  joints = [[10 + j, 20, 0.5] for j in range(25)]
  content = {'people': [{'pose_keypoints_2d': joints}]}
  (tmp_path / 'v_0.json').write_text(json.dumps(content))
  poses = openpose.read_video(tmp_path, get_skeleton('body_25'))
  assert poses.people[0].tolist() == [joints]
