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
    ({'faces': []}, r"v\.json needs 'frames', but has 'faces'"),
    ([], r'there is no frame'),
    ({'a_1.mp4': [PERSON]}, r'holds several videos, a_1\.mp4; give each its own file'),
    (
      {'a_1': [{'landmarks': PERSON}] * 2},
      r"person 0 needs 'keypoints', but has 'landm",
    ),
    ([{'hand': [1]}], r"frame 0 needs 'landmarks' or 'pose_landmarks'"),
    ([[LEFT]], r'frame 0 has 1 joints, but skeleton .eyes. has 2'),
    ([[LEFT, {'x': 1}]], r"frame 0, landmark 1 needs 'y', but has 'x'"),
    ([[LEFT, {'x': 'a', 'y': 1}]], r'frame 0 is not a list of numbers'),
    (
      [{'frame': 'a', 'landmarks': []}],
      r"its number is 'a', but must be a frame number",
    ),
    ([{'frame': 1, 'landmarks': []}] * 2, r'entry 0 and entry 1 are both frame 1'),
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
      r"x and y for 1 numbered joints \(0\), but skeleton 'eyes' has 2",
    ),
    ([['x0', 'y0', 'x1', 'y1', 'x2', 'y2'], [1] * 6], r'x and y for 3 numbered joints'),
    (
      [['nose_x', 'nose_y'], [1, 1]],
      r"joint 0 is 'nose', but joint 0 of skeleton 'eyes' is 'left_eye'",
    ),
    ([['x0', 'y0', 'x1', 'y1'], [1, 1, 1]], r'line 2 has 3 values, but needs .* 4 col'),
    (
      [['x0', 'y0', 'x1', 'y1'], [1, 1, 1, 'a']],
      r"line 2: y1 is 'a', but must be a num",
    ),
    ([['landmark', 'x', 'y'], *[[j, 1, 1] for j in (0, 1, 0)]], r'has no column frame'),
    (
      [['frame', 'landmark', 'x', 'y'], [0, 2, 1, 1]],
      r'x and y for 1 numbered joints \(2\)',
    ),
    ([['frame', 'landmark', 'x', 'y'], [0, 'ear', 1, 1]], r"joint 0 is 'ear'"),
    ([['frame', 'x0', 'y0', 'x1', 'y1'], ['', 1, 1, 1, 1]], r'line 2: frame is \'\''),
  ],
)
def test_tables_that_are_refused(read, lines, message):
  with pytest.raises(PoseDataError, match=message):
    read(lines, 'csv')


NAMED = {'left_eye': LEFT, 'right_eye': RIGHT}


@pytest.mark.parametrize(
  'content',
  [
    PERSON,
    ROWS,
    {'landmarks': [PERSON]},
    {'pose_landmarks': {'landmark': PERSON}},
    [{'frame': 0, 'keypoints': PERSON}],
    [{'0': LEFT, '1': RIGHT}],
    [{'frame': 0, '1': RIGHT, '0': LEFT}],
    [NAMED],
    [{'PoseLandmark.RIGHT_EYE': RIGHT, 'PoseLandmark.LEFT_EYE': LEFT}],
    [{'left_eye': ROWS[0], 'right_eye': ROWS[1]}],
    {'0': PERSON},
    {'frame_0007.jpg': {'landmarks': [PERSON]}},
    [[{'id': 1, **RIGHT}, {'id': 0, **LEFT}]],
    [[{'name': 'right_eye', **RIGHT}, {'name': 'left_eye', **LEFT}]],
    [[{'keypoints': PERSON, 'score': 0.7}]],
    [{'frame': 0, 'landmark': j, **PERSON[j]} for j in (1, 0)],
    [{'frame': 0, **{f'{n}_{a}': NAMED[n][a] for n in NAMED for a in LEFT}}],
  ],
)
def test_forms_of_a_file(read, content):
  (people,) = read(content).frames((20, 40))
  np.testing.assert_allclose(people, [PIXELS])


@pytest.mark.parametrize('key', ['score', 'confidence', 'presence'])
def test_scores_in_place_of_a_visibility(read, key):
  landmarks = [{'x': 0.25, 'y': 0.5, key: 0.9}, {'x': 0.75, 'y': 1.25, key: 0.5}]
  np.testing.assert_allclose(read([landmarks]).frames((20, 40))[0][0], PIXELS)


def test_a_missing_visibility_beside_others_is_a_missing_joint(read):
  for missing in (None, float('nan')):
    content = [[{**LEFT, 'visibility': missing}, RIGHT]]
    np.testing.assert_allclose(read(content).frames((20, 40))[0][0, :, 2], [0, 0.5])
  header = ['x0', 'y0', 'v0', 'x1', 'y1', 'v1']
  poses = read(
    [header, [0.1, 0.2, '', 0.3, 0.4, 0.5], [0.1, 0.2, 'NaN', 0, 0, 1]], 'csv'
  )
  assert [p[0, :, 2].tolist() for p in poses.frames((20, 40))] == [[0, 0.5], [0, 1]]


def test_landmarks_by_number_are_all_there_somewhere(read):
  one, both = [{'id': 1, **RIGHT}], [{'id': 0, **LEFT}, {'id': 1, **RIGHT}]
  frames = read([one, both]).frames((20, 40))
  assert [people[0, 0, 2] > 0 for people in frames] == [False, True]
  with pytest.raises(
    PoseDataError, match=r'none has number 0, but skeleton .eyes. has 2'
  ):
    read([one, one])
  with pytest.raises(
    PoseDataError, match=r'numbered 1 to 2, but must have numbers in 0'
  ):
    read([[{'id': 1, **RIGHT}, {'id': 2, **LEFT}]])


def test_keys_and_columns_that_are_not_read_cause_a_note(read):
  content = [{'frame': 0, 'label': 'nod', 'timestamp': 3, 'landmarks': [PERSON]}]
  (note,) = read(content).notes
  assert (note.kind, note.message[-5:]) == ('columns_not_read', 'label')
  header = ['x0', 'y0', 'x1', 'y1', 'box_x', 'box_y']
  (note,) = read([header, [0.1] * 6], 'csv').notes
  assert 'box_x, box_y' in note.message


def test_a_table_of_pixels_or_other_joints_names_the_format(tmp_path):
  joints = get_skeleton('coco_17').joints
  header = [f'{joint}_{axis}' for joint in joints for axis in 'xy']
  pixels = [f'{axis}{j}' for j in range(33) for axis in 'xy']
  for columns, skeleton in ((header, 'coco_17'), (pixels, 'mediapipe_33')):
    with (tmp_path / 'v.csv').open('w', newline='') as file:
      csv.writer(file).writerows([columns, [300] * len(columns)])
    source = read_poses('mediapipe', tmp_path, options=ReadOptions(frame_size=(9, 9)))
    with pytest.raises(PoseDataError, match=rf'--format=csv --skeleton={skeleton}'):
      source.load('v')


def test_a_table_of_several_videos(tmp_path):
  columns = [f'{axis}_{j}' for j in range(33) for axis in 'xy']
  rows = [[label, *[0.5] * 66] for label in ('nod', 'nod', 'bow')]
  with (tmp_path / 'all.csv').open('w', newline='') as file:
    csv.writer(file).writerows([['exercise', *columns], *rows])
  source = read_poses('mediapipe', tmp_path, options=ReadOptions(frame_size=(9, 9)))
  assert source.splits == {'all': ('nod_1', 'bow_2')}
  assert source.class_names == ('bow', 'nod')
  assert source.load('nod_1').num_frames == 2
  assert 'the second is' in source.notes[0].message


def test_a_folder_with_a_file_per_frame(tmp_path):
  for number in (1, 2, 4):
    content = {'landmarks': PERSON} if number != 2 else {'landmarks': []}
    (tmp_path / f'frame_{number}.json').write_text(json.dumps(content))
  assert mediapipe.is_video(tmp_path)
  poses = mediapipe.read_video(tmp_path, EYES)
  assert {n: len(people) for n, people in poses.people.items()} == {1: 1, 2: 0, 4: 1}


def test_frames_by_the_names_of_their_images(read):
  poses = read([{'image': f'a_{n}.jpg', 'landmarks': PERSON} for n in (7, 5)])
  assert list(poses.people) == [5, 7]
  assert poses.notes == ()


def test_a_landmark_that_is_null_or_absent_is_missing(read):
  named = [{'name': n, **p} for n, p in zip(EYES.joints, PERSON, strict=True)]
  for missing in ([None, RIGHT], named[1:]):
    frames = [{'landmarks': missing}, {'landmarks': named}]
    scores = [people[0, :, 2].tolist() for people in read(frames).frames((20, 40))]
    np.testing.assert_allclose(scores, [[0, 0.5], [0.9, 0.5]])


def test_keys_beside_the_frames_are_noted(read):
  (note,) = read({'frames': [PERSON], 'label': 'wave', 'fps': 30}).notes
  assert (note.kind, 'label' in note.message) == ('columns_not_read', True)


def test_lists_of_frames_by_name_are_several_videos(read):
  with pytest.raises(PoseDataError, match=r'holds several videos, walk_1, walk_2'):
    read({f'walk_{n}': [PERSON] * 3 for n in (1, 2)})
