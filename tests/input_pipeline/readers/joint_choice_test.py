"""Joints are chosen by the file's names, else by number, in every reader that can."""

import json
import pickle

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.joint_choice import JointChoice, skeleton_for
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import SKELETONS

COCO = SKELETONS['coco_17']
SIZE = (480, 640)


def joints_of(names) -> np.ndarray:
  """`[j, 3]`: a joint named after coco_17's joint k is at (10 + k, 20 + 2 k)."""
  places = [COCO.joints.index(n) if n in COCO.joints else 40 for n in names]
  return np.array([[10 + k, 20 + 2 * k, 0.5 + k / 100] for k in places])


def coco_file(folder, names):
  joints = joints_of(names)
  joints[:, 2] = 2
  content = {
    'images': [{'id': n, 'file_name': f'v/{n}.jpg'} for n in range(3)],
    'annotations': [
      {'id': n, 'image_id': n, 'category_id': 1, 'keypoints': joints.ravel().tolist()}
      for n in range(3)
    ],
    'categories': [{'id': 1, 'name': 'person', 'keypoints': list(names)}],
  }
  (folder / 'v.json').write_text(json.dumps(content))
  return folder / 'v.json'


def mmpose_file(folder, names):
  joints = joints_of(names)
  person = {
    'keypoints': joints[:, :2].tolist(),
    'keypoint_scores': joints[:, 2].tolist(),
  }
  content = {
    'meta_info': {'keypoint_id2name': {str(k): n for k, n in enumerate(names)}},
    'instance_info': [{'frame_id': n, 'instances': [person]} for n in range(3)],
  }
  (folder / 'v.json').write_text(json.dumps(content))
  return folder / 'v.json'


NAMED = [('coco', coco_file), ('mmpose', mmpose_file)]


@pytest.fixture(params=NAMED, ids=[format for format, _ in NAMED])
def read(request, tmp_path):
  """Writes a file whose joints have these names, and reads it."""
  format, write = request.param

  def read_named(names, skeleton='coco_17', **options):
    path = write(tmp_path, names)
    options = ReadOptions(frame_size=SIZE, **options)
    source = read_poses(format, path, skeleton=skeleton, options=options)
    return source.load('v')

  return read_named


def test_the_skeletons_names(read):
  clip = read([name.upper().replace('_', '-') for name in COCO.joints])
  assert clip.notes == ()
  assert clip.keypoints[0, 0, 9].tolist() == [50, 100]  # Unknown to `joints_of`.


def test_another_order_is_read_by_name(read):
  clip = read(COCO.joints[::-1])
  assert clip.keypoints[2, 0, :, 0].tolist() == [10 + k for k in range(17)]
  assert [note.kind for note in clip.notes] == ['joint_order']


def test_more_joints_than_the_skeletons(read):
  clip = read(('neck', *COCO.joints, 'tail'))
  assert clip.keypoints[2, 0, :, 0].tolist() == [10 + k for k in range(17)]
  assert len(clip.notes) == 1


def test_other_joints_are_refused(read):
  with pytest.raises(PoseDataError, match=r"'head_bottom'.*--trust_order"):
    read(SKELETONS['posetrack_18'].joints)
  assert read(SKELETONS['posetrack_18'].joints, trust_order=True).notes


def test_names_choose_the_skeleton(read):
  assert read(SKELETONS['halpe_26'].joints, skeleton=None).skeleton.name == 'halpe_26'
  assert read(COCO.joints[::-1], skeleton=None).skeleton.name == 'coco_17'
  with pytest.raises(PoseDataError, match=r'no registered skeleton has'):
    read(['nose', 'left_wing', 'right_wing'], skeleton=None)


def numpy_file(folder, joints):
  np.save(folder / 'v.npy', np.tile(joints, (3, 1, 1)))
  return folder / 'v.npy'


def pyskl_file(folder, joints):
  clip = {
    'frame_dir': 'v',
    'img_shape': SIZE,
    'keypoint': np.tile(joints, (1, 3, 1, 1)),
  }
  (folder / 'v.pkl').write_bytes(pickle.dumps([clip]))
  return folder / 'v.pkl'


def openpose_file(folder, joints):
  (folder / 'v').mkdir()
  person = {'pose_keypoints_2d': joints.ravel().tolist()}
  for n in range(3):
    path = folder / 'v' / f'{n:012}_keypoints.json'
    path.write_text(json.dumps({'people': [person]}))
  return folder / 'v'


def alphapose_file(folder, joints):
  people = [
    {'image_id': f'{n}.jpg', 'keypoints': joints.ravel().tolist()} for n in range(3)
  ]
  (folder / 'v.json').write_text(json.dumps(people))
  return folder / 'v.json'


def unnamed_mmpose_file(folder, joints):
  person = {
    'keypoints': joints[:, :2].tolist(),
    'keypoint_scores': joints[:, 2].tolist(),
  }
  frames = [{'frame_id': n, 'instances': [person]} for n in range(3)]
  (folder / 'v.json').write_text(json.dumps(frames))
  return folder / 'v.json'


@pytest.mark.parametrize(
  ('format', 'write'),
  [
    ('numpy', numpy_file),
    ('pyskl', pyskl_file),
    ('openpose', openpose_file),
    ('alphapose', alphapose_file),
    ('mmpose', unnamed_mmpose_file),
  ],
)
@pytest.mark.parametrize(
  ('count', 'larger', 'skeleton'),
  [(133, 'coco_wholebody_133', 'coco_17'), (136, 'halpe_136', 'halpe_26')],
)
def test_the_first_joints_of_a_larger_skeleton(
  tmp_path, format, write, count, larger, skeleton
):
  k = np.arange(count)
  joints = np.stack([10.0 + k, 20 + 2 * k, 0.5 + k / 1000], axis=-1)
  path = write(tmp_path, joints)
  options = ReadOptions(frame_size=SIZE)
  clip = read_poses(format, path, skeleton=skeleton, options=options).load('v')
  own = SKELETONS[skeleton].num_joints
  assert clip.keypoints[2, 0, :, 0].tolist() == [10 + k for k in range(own)]
  (note,) = clip.notes
  assert f'the first {own} are read as {skeleton!r}' in note.message
  whole = read_poses(format, path, skeleton=larger, options=options).load('v')
  assert whole.keypoints.shape == (3, 1, count, 2)
  assert not whole.notes


def test_numbers_that_fit_no_skeleton():
  choice = JointChoice(COCO, 'v.json')
  with pytest.raises(PoseDataError, match=r'p has 25 joints, .* has 17; .*body_25'):
    choice.of(np.zeros((25, 3)), 'p')
  with pytest.raises(PoseDataError, match=r'p has 19 joints, but .* has 17$'):
    choice.of(np.zeros((19, 3)), 'p')
  assert [count for count in (16, 17, 25, 133) if choice.fits(count)] == [17, 133]


def test_a_person_with_another_number_than_the_names():
  choice = JointChoice(COCO, 'v.json', names=COCO.joints)
  with pytest.raises(PoseDataError, match='p has 16 joints, but the file names 17'):
    choice.of(np.zeros((16, 3)), 'p')


def test_skeleton_for():
  assert skeleton_for(COCO.joints, 'v.json') == 'coco_17'
