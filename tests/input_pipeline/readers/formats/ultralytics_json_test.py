"""Ultralytics' JSON of one or many frames."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import ultralytics
from input_pipeline.readers.options import AS_READ
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
SIZE = (100, 200)


def person(t=0.0, scale=1.0, **more):
  keypoints = {
    'x': [(40 + t) * scale, 60 * scale],
    'y': [30 * scale, 30 * scale],
    'visible': [0.9, 0.6],
  }
  box = {'x1': 1, 'y1': 2, 'x2': 3, 'y2': 4}
  return {'name': 'person', 'class': 0, 'box': box, 'keypoints': keypoints, **more}


@pytest.fixture
def read(tmp_path):
  def read_content(content, name='v.json'):
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / name).write_text(text)
    return ultralytics.read_video(tmp_path / name, EYES, '', AS_READ)

  return read_content


FRAMES = [[person(t)] for t in (0, 1, 2)]
NAMED = [{'frame': t, 'detections': frame} for t, frame in enumerate(FRAMES)]


@pytest.mark.parametrize(
  'content',
  [
    FRAMES,
    [json.dumps(frame) for frame in FRAMES],
    {str(t): frame for t, frame in enumerate(FRAMES)},
    {f'frame_{t}': frame for t, frame in enumerate(FRAMES)},
    {f'dance_{t:04}.jpg': frame for t, frame in enumerate(FRAMES)},
    {'frames': FRAMES, 'height': 100, 'width': 200},
    {'frames': NAMED},
    NAMED,
    [{'image': f'a_{t}.jpg', **person(t)} for t in (0, 1, 2)],
    [{'frame': t, **person(t)} for t in (0, 1, 2)],
    '\n'.join(map(json.dumps, FRAMES)),
  ],
)
def test_forms_of_many_frames(read, content):
  poses = read(content)
  assert poses.unit == 'pixels'
  frames = poses.frames(SIZE)
  assert [people[0, 0, 0] for people in frames] == [40, 41, 42]
  np.testing.assert_allclose(frames[0][0], [[40, 30, 0.9], [60, 30, 0.6]])


def test_one_frame_of_several_people(read):
  people = [person(track_id=4), person(9, track_id=2)]
  for content in (people, {'detections': people}, [people]):
    poses = read(content)
    assert poses.people[0].shape == (2, 2, 3)
    assert poses.identities is not None
    assert poses.identities[0].tolist() == [4, 2]


def test_fractions_are_told_from_pixels(read):
  poses = read([[person(t, 1 / 200)] for t in (0, 1)])
  assert poses.unit == 'shares'
  np.testing.assert_allclose(poses.frames(SIZE)[1][0, 0, :2], [40.5, 14.5])


def test_empty_frames_people_without_joints_and_missing_joints(read):
  hidden = person()
  hidden['keypoints']['x'][0] = hidden['keypoints']['y'][0] = 0.0
  poses = read([[], [hidden, {'name': 'dog', 'box': {}}], []])
  assert [len(people) for people in poses.frames(SIZE)] == [0, 1, 0]
  np.testing.assert_allclose(poses.frames(SIZE)[1][0, :, 2], [0, 0.6])


def test_joints_without_visibility_and_in_rows(read):
  plain = person()
  del plain['keypoints']['visible']
  assert read([[plain]]).people[0][0, :, 2].tolist() == [1, 1]
  rows = {'keypoints': [[40, 30, 0.9], [60, 30, 0.6]]}
  np.testing.assert_allclose(read([[rows]]).people[0][0, 1], [60, 30, 0.6])


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ([], r'holds no frame|there is no frame'),
    ([[{'name': 'person', 'box': {}}]], r'boxes without keypoints; detect poses'),
    ([[{'name': 'person'}]], r"person 0 needs 'keypoints' or 'box', but has 'name'"),
    ([[{'keypoints': [1, 2, 3]}]], r'keypoints have shape \[3\], .*--format=alphapose'),
    (
      [[{'keypoints': {'x': [9] * 3, 'y': [9] * 3}}]],
      r"has 3 joints, but .*'eyes' has 2",
    ),
    (
      [[{'keypoints': {'x': [9, 9], 'y': [9, 9], 'visible': [1]}}]],
      r'2 positions but 1 visibilities',
    ),
    ([{'frame': 3, 'detections': []}] * 2, r'entries 0 and 1 are both frame 3'),
    (
      {'north_1': [], 'north_2': [], 'south_1': [], 'south_2': []},
      r'2 videos are north',
    ),
  ],
)
def test_json_that_is_refused(read, content, message):
  with pytest.raises(PoseDataError, match=message):
    read(content)


def test_files_of_one_frame_and_of_many_are_not_mixed(tmp_path):
  (tmp_path / 'a_1.json').write_text(json.dumps([person()]))
  (tmp_path / 'a_2.json').write_text(json.dumps(FRAMES))
  with pytest.raises(PoseDataError, match=r'a_2\.json holds several frames'):
    ultralytics.read_video(tmp_path, EYES, '', AS_READ)


def test_forms_of_other_detectors(read):
  points = [
    {'x': 30, 'y': 40, 'confidence': 0.25, 'class': 'right_eye'},
    {'x': 10, 'y': 20, 'confidence': 0.5, 'class': 'left_eye'},
  ]
  image = {'width': 64, 'height': 48}
  roboflow = {'image': image, 'predictions': [{'keypoints': points, 'class': 'person'}]}
  flat = {'keypoints': [10, 20, 0.5, 30, 40, 0.25], 'score': 0.8}
  for content, size in (
    ([roboflow, roboflow], (48, 64)),
    ([{'frame': n, 'predictions': [flat]} for n in range(2)], None),
  ):
    poses = read(content)
    assert (list(poses.people), poses.frame_size) == ([0, 1], size)
    assert poses.people[1].tolist() == [[[10, 20, 0.5], [30, 40, 0.25]]]


def test_landmarks_that_some_frames_lack(read):
  left = {'x': 10, 'y': 20, 'confidence': 0.5, 'class': 'left_eye'}
  right = left | {'class': 'right_eye'}
  poses = read([{'predictions': [{'keypoints': k}]} for k in ([left], [right, left])])
  assert [people[0, :, 2].tolist() for people in poses.frames((48, 64))] == [
    [0.5, 0],
    [0.5, 0.5],
  ]
  with pytest.raises(PoseDataError, match='does not name right_eye'):
    read([{'predictions': [{'keypoints': [left]}]}] * 2)
