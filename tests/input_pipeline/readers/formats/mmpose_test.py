"""Predictions from MMPose's inferencer, for a video and for its images."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import mmpose
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())


def instance(x: float = 10, scores=(0.5, 0.25), **more) -> dict:
  """An instance as MMPose's split_instances makes it, with a list of one box."""
  return {
    'keypoints': [[x, 20], [x + 20, 40]],
    'keypoint_scores': list(scores),
    'bbox': [[1, 2, 3, 4]],
    'bbox_score': 0.9,
    **more,
  }


def frames(*instances: list) -> list[dict]:
  return [{'frame_id': n, 'instances': people} for n, people in enumerate(instances)]


@pytest.fixture
def read(tmp_path):
  def read_content(content):
    (tmp_path / 'v.json').write_text(json.dumps(content))
    return mmpose.read_video(tmp_path / 'v.json', EYES)

  return read_content


def test_a_video(read):
  poses = read(frames([], [instance()], [instance(50), instance()]))
  assert [len(people) for people in poses.frames((48, 64))] == [0, 1, 2]
  assert poses.people[1].tolist() == [[[10, 20, 0.5], [30, 40, 0.25]]]
  assert poses.people[2][:, 0, 0].tolist() == [50, 10]


def test_the_demos_form(read):
  content = {
    'meta_info': {'dataset_name': 'coco'},
    'instance_info': frames([instance()]),
  }
  assert len(read(content).people[0]) == 1


def test_scores_of_simcc_heads_have_no_bound(read):
  (people,) = read(frames([instance(scores=(6.2, -0.3))])).frames((48, 64))
  assert people[0, :, 2].tolist() == [1, 0]


def test_identities(read):
  poses = read(frames([instance(track_id=3), instance()]))
  assert [names.tolist() for names in poses.names()] == [[3, -1]]


def test_images_of_a_video(tmp_path):
  folder = tmp_path / 'v'
  folder.mkdir()
  for number, people in ((0, []), (1, [instance()]), (3, [instance()])):
    (folder / f'{number:06}.json').write_text(json.dumps(people))
  poses = mmpose.read_video(folder, EYES)
  assert [len(people) for people in poses.frames((48, 64))] == [0, 1, 0, 1]


def test_a_folder_of_images_and_a_folder_of_videos(tmp_path):
  joints = np.full((17, 2), 9.0).tolist()
  person = {'keypoints': joints, 'keypoint_scores': [1.0] * 17}
  contents = {
    'sit/images_of_a/0001.json': [],
    'sit/images_of_a/0002.json': [person],
    'walk/b1.json': frames([person]),
    'walk/b2.json': frames([]),
  }
  for name, content in contents.items():
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(json.dumps(content))
  options = ReadOptions(frame_size=(48, 64))
  source = read_poses('mmpose', tmp_path, skeleton='coco_17', options=options)
  assert source.splits == {'all': ('images_of_a', 'b1', 'b2')}
  assert [source.load(v).num_frames for v in source.splits['all']] == [2, 1, 1]
  assert source.load('b1').labels == (1,)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ([], r'v\.json holds no frame'),
    ({}, r"v\.json needs 'instance_info', but has nothing"),
    ([instance()], r"v\.json, frame 0 needs 'frame_id'"),
    (
      [{'frame_id': 'a', 'instances': []}],
      r"frame_id is 'a', but must be a frame number",
    ),
    (frames([]) * 2, r'entry 0 and entry 1 are both frame 0'),
    (frames([{}]), r"frame 0, instance 0 needs 'keypoints', but has nothing"),
    (
      frames([instance(scores=(1,))]),
      r'keypoints have shape \[2, 2\] and .*_scores \[1\]',
    ),
    (
      frames([{'keypoints': [[1, 2]], 'keypoint_scores': [1]}]),
      r'frame 0, instance 0: keypoints has 1 joints',
    ),
    (
      frames([{'keypoints': [[1], [2, 3]], 'keypoint_scores': []}]),
      r'not a list of num',
    ),
    (frames(['x']), r"instance 0 needs 'keypoints', but is text"),
  ],
)
def test_what_is_refused(read, content, message):
  with pytest.raises(PoseDataError, match=message):
    read(content)


SWAPPED = ('right_eye', 'left_eye')


@pytest.mark.parametrize(
  'described',
  [
    {'keypoint_id2name': {'0': 'right_eye', '1': 'left_eye'}},
    {'keypoint_name2id': {'left_eye': 1, 'right_eye': 0}},
    {'keypoint_names': list(SWAPPED)},
  ],
)
def test_every_key_of_joint_names(read, described):
  poses = read({'meta_info': described, 'instance_info': frames([instance()])})
  assert poses.people[0][0, :, 0].tolist() == [30, 10]
  assert [note.kind for note in poses.notes] == ['joint_order']


@pytest.mark.parametrize(
  'content',
  [
    [[instance()], [instance(50)]],
    [{'predictions': [[instance()]]}, {'predictions': [[instance(50)]]}],
    {'predictions': [[instance()], [instance(50)]]},
    [{'instances': [instance()]}, {'instances': [instance(50)]}],
    frames(
      [{'keypoints': [[10, 20, 0.5], [30, 40, 0.25]], 'bbox': [1, 2, 3, 4, 0.9]}],
      [{'keypoints': [[[50, 20], [70, 40]]], 'keypoint_scores': [[0.5, 0.25]]}],
    ),
    frames([instance(), {'keypoints': [], 'keypoint_scores': []}], [instance(50)]),
  ],
)
def test_forms_of_other_versions(read, content):
  people = read(content).people
  assert [len(p) for p in people.values()] == [1, 1]
  assert people[0].tolist() == [[[10, 20, 0.5], [30, 40, 0.25]]]
  assert people[1][0].tolist() == [[50, 20, 0.5], [70, 40, 0.25]]


def test_a_third_coordinate_is_no_score(read):
  person = {'keypoints': [[1, 2, 0.3], [3, 4, 0.5]], 'keypoint_scores': [1, 1]}
  with pytest.raises(PoseDataError, match='three coordinates beside their scores'):
    read(frames([person]))


def test_images_with_joint_names_beside_their_people(tmp_path):
  described = {'keypoint_id2name': dict(enumerate(SWAPPED))}
  for number in (1, 2):
    content = {'meta_info': described, 'instance_info': [instance()]}
    (tmp_path / f'{number}.json').write_text(json.dumps(content))
  assert mmpose.is_video(tmp_path)
  poses = mmpose.read_video(tmp_path, EYES)
  assert [people[0, :, 0].tolist() for people in poses.people.values()] == [
    [30, 10]
  ] * 2
