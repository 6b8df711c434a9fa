"""MediaPipe landmarks in the usual self-made forms, JSON and CSV."""

import csv
import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import mediapipe
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton, get_skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
LEFT = {'x': 0.25, 'y': 0.5, 'z': -0.1, 'visibility': 0.9}
RIGHT = {'x': 0.75, 'y': 1.25, 'z': -0.1, 'visibility': 0.5, 'presence': 1.0}
PERSON = [LEFT, RIGHT]
ROWS = [[0.25, 0.5, -0.1, 0.9], [0.75, 1.25, -0.1, 0.5]]
# In frames 20 pixels high and 40 wide; pixel centres are whole numbers.
PIXELS = np.array([[9.5, 9.5, 0.9], [29.5, 24.5, 0.5]], np.float32)


@pytest.fixture
def read(tmp_path):
  """Writes JSON, or the lines of a table, and reads the file."""

  def read_content(content, suffix: str = 'json'):
    file = tmp_path / f'v.{suffix}'
    if suffix == 'json':
      file.write_text(json.dumps(content))
    else:
      with file.open('w', newline='') as handle:
        csv.writer(handle).writerows(content)
    return mediapipe.read_video(file, EYES)

  return read_content


@pytest.mark.parametrize(
  'frame',
  [
    {'landmarks': [PERSON], 'worldLandmarks': [PERSON]},
    {'pose_landmarks': PERSON},
    {'poseLandmarks': ROWS},
    {'frame': 0, 'landmarks': PERSON},
    PERSON,
    ROWS,
    [PERSON],
  ],
)
def test_forms_of_a_frame(read, frame):
  poses = read([frame, None, []])
  assert [len(people) for people in poses.frames((20, 40))] == [1, 0, 0]
  np.testing.assert_allclose(poses.frames((20, 40))[0][0], PIXELS)


def test_several_people_and_numbers_of_frames(read):
  content = {
    'frames': [
      {'frame': 3, 'landmarks': [PERSON, PERSON[::-1]]},
      {'frame': 4, 'landmarks': []},
      {'frame': 6, 'landmarks': None},
    ],
    'height': 20,
    'width': 40,
    'fps': 30,
  }
  poses = read(content)
  assert (poses.frame_size, poses.frame_rate) == ((20, 40), 30)
  frames = poses.frames((20, 40))
  assert [len(people) for people in frames] == [2, 0, 0, 0]
  np.testing.assert_allclose(frames[0][1], PIXELS[::-1])


def test_without_visibility_a_landmark_at_0_0_is_missing(read):
  poses = read([[{'x': 0, 'y': 0}, {'x': 0, 'y': 0.5}]])
  assert poses.people[0].tolist() == [[[0, 0, 0], [0, 0.5, 1]]]
  assert read([[[0, 0], [0, 0.5]]]).people[0].tolist() == [[[0, 0, 0], [0, 0.5, 1]]]


WIDE = [0.25, 0.5, -0.1, 0.9, 0.75, 1.25, -0.1, 0.5]


@pytest.mark.parametrize(
  'columns',
  [
    'x0,y0,z0,v0,x1,y1,z1,v1',
    'x1,y1,z1,v1,x2,y2,z2,v2',
    'x_0,y_0,z_0,visibility_0,x_1,y_1,z_1,visibility_1',
    'landmark_0_x,landmark_0_y,landmark_0_z,landmark_0_visibility,'
    'landmark_1_x,landmark_1_y,landmark_1_z,landmark_1_visibility',
    'Left_Eye_x,LEFT_EYE_Y,left_eye_z,left_eye_visibility,'
    'right_eye_x,right_eye_y,right_eye_z,right_eye_visibility',
    'X_LEFT_EYE,Y_LEFT_EYE,Z_LEFT_EYE,visibility_LEFT_EYE,'
    'X_RIGHT_EYE,Y_RIGHT_EYE,Z_RIGHT_EYE,visibility_RIGHT_EYE',
  ],
)
def test_a_line_a_frame(read, columns):
  header = columns.split(',')
  poses = read([header, WIDE, [''] * 8], 'csv')
  frames = poses.frames((20, 40))
  np.testing.assert_allclose(frames[0][0], PIXELS)
  assert (frames[1] == 0).all()
  poses = read([['frame', 'class', *header], [5, 'sit', *WIDE]], 'csv')
  np.testing.assert_allclose(poses.people[5][0, :, 2], [0.9, 0.5])


def test_people_of_lines(read):
  header = ['frame', 'person', 'x0', 'y0', 'x1', 'y1']
  lines = [
    [0, 'a', 0.1, 0.1, 0.2, 0.2],
    [0, 'b', 0.3, 0.3, 0.4, 0.4],
    [1, 'b', *'1111'],
  ]
  poses = read([header, *lines], 'csv')
  assert [len(poses.people[n]) for n in (0, 1)] == [2, 1]
  np.testing.assert_allclose(poses.people[0][1], [[0.3, 0.3, 1], [0.4, 0.4, 1]])


@pytest.mark.parametrize('names', [(0, 1), ('left_eye', 'RIGHT_EYE')])
def test_a_line_a_landmark(read, names):
  header = ['frame', 'landmark', 'x', 'y', 'z', 'visibility']
  lines = [[n, names[j], *ROWS[j]] for n in (0, 1) for j in (1, 0)]
  poses = read([header, *lines], 'csv')
  for people in poses.frames((20, 40)):
    np.testing.assert_allclose(people[0], PIXELS)


def test_all_33_landmarks_by_the_registry(tmp_path):
  joints = get_skeleton('mediapipe_33').joints
  header = ['frame', *(f'{joint}_{axis}' for joint in joints for axis in 'xy')]
  line = [0, *(value for j in range(33) for value in (j / 33, 0.5))]
  with (tmp_path / 'v.csv').open('w', newline='') as file:
    csv.writer(file).writerows([header, line])
  with pytest.raises(PoseDataError, match=r"clip 'v': .*give --frame_size"):
    read_poses('mediapipe', tmp_path).load('v')
  source = read_poses('mediapipe', tmp_path, options=ReadOptions(frame_size=(20, 66)))
  clip = source.load('v')
  np.testing.assert_allclose(clip.keypoints[0, 0, :, 0], 2 * np.arange(33) - 0.5)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ({'people': []}, r"v\.json needs 'frames', but has 'people'"),
    ([], r'there is no frame'),
    ([{'x': 1}], r"frame 0 needs 'landmarks' or 'pose_landmarks'"),
    ([[LEFT]], r'frame 0 has 1 joints, but skeleton .eyes. has 2'),
    ([[LEFT, {'x': 1}]], r"frame 0, landmark 1 needs 'y', but has 'x'"),
    ([[LEFT, {'x': 'a', 'y': 1}]], r'frame 0 is not a list of numbers'),
    ([{'frame': 'a', 'landmarks': []}], r"its number is 'a', but must be an integer"),
    ([{'frame': 1, 'landmarks': []}] * 2, r'frame 1: its number is 1'),
    ({'frames': [PERSON], 'width': 40}, r'height and width are None and 40'),
  ],
)
def test_json_that_is_refused(read, content, message):
  with pytest.raises(PoseDataError, match=message):
    read(content)


def test_pixels_are_refused(read):
  poses = read([[LEFT, {**RIGHT, 'x': 640}]])
  with pytest.raises(PoseDataError, match=r'in 0\.\.640, but must be fractions'):
    poses.frames((48, 64))


@pytest.mark.parametrize(
  ('lines', 'message'),
  [
    ([], r'v\.csv has no line below the first'),
    ([['x0', 'y0', 'x1', 'y1']], r'v\.csv has no line below the first'),
    (
      [['x0', 'y0', 'x1'], [1, 1, 1]],
      r'columns for 2 landmarks, but needs x and y for each',
    ),
    ([['x0', 'y0', 'x1', 'y1', 'x2', 'y2'], [1] * 6], r'columns for 3 landmarks'),
    (
      [['nose_x', 'nose_y'], [1, 1]],
      r"columns for 'nose', which skeleton 'eyes' does not",
    ),
    ([['x0', 'y0', 'x1', 'y1'], [1, 1, 1]], r'line 2 has 3 values, but needs .* 4 col'),
    (
      [['x0', 'y0', 'x1', 'y1'], [1, 1, 1, 'a']],
      r"line 2: y1 is 'a', but must be a num",
    ),
    ([['landmark', 'x', 'y'], [0, 1, 1]], r'has no column frame'),
    (
      [['frame', 'landmark', 'x', 'y'], [0, 2, 1, 1]],
      r"line 2: skeleton 'eyes' has no landmark '2'; give",
    ),
    ([['frame', 'landmark', 'x', 'y'], [0, 'ear', 1, 1]], r"has no landmark 'ear'"),
    ([['frame', 'x0', 'y0', 'x1', 'y1'], ['', 1, 1, 1, 1]], r'line 2: frame is \'\''),
  ],
)
def test_tables_that_are_refused(read, lines, message):
  with pytest.raises(PoseDataError, match=message):
    read(lines, 'csv')
