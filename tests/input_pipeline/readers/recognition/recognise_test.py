"""Formats are recognised from the content of files; others are named in the error."""

import json
import pickle

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.recognition.recognise import recognise
from input_pipeline.readers.registry import READERS, read_poses
from input_pipeline.skeletons.registry import SKELETONS

COCO = SKELETONS['coco_17'].joints
PERSON = [value for k in range(17) for value in (20 + 5 * k, 30 + 7 * k, 0.9)]
LANDMARKS = [
  {'x': 0.01 * k, 'y': 0.02 * k, 'z': -0.1, 'visibility': 0.8} for k in range(1, 34)
]
YOLO = {
  'name': 'person',
  'class': 0,
  'confidence': 0.9,
  'box': {'x1': 20, 'y1': 30, 'x2': 100, 'y2': 142},
  'keypoints': {'x': PERSON[::3], 'y': PERSON[1::3], 'visible': PERSON[2::3]},
}
INSTANCE = {
  'keypoints': [[20 + 5 * k, 30 + 7 * k] for k in range(17)],
  'keypoint_scores': [0.9] * 17,
}
MEDIAPIPE_COLUMNS = ','.join(f'x{k},y{k},v{k}' for k in range(33))
COCO_COLUMNS = ','.join(f'{name}_x,{name}_y' for name in COCO)

JSON_FILES = [
  ('alphapose', [{'image_id': f'{n}.jpg', 'keypoints': PERSON} for n in range(3)]),
  ('alphapose', {f'{n}.jpg': {'people': []} for n in range(2)}),
  ('mmpose', [{'frame_id': n, 'instances': [INSTANCE]} for n in range(3)]),
  ('mmpose', {'instance_info': [{'frame_id': 0, 'instances': [INSTANCE]}]}),
  ('mediapipe', [{'landmarks': [LANDMARKS]}, None]),
  ('mediapipe', [LANDMARKS, []]),
  ('mediapipe', [[LANDMARKS]]),
  ('mediapipe', [[[[point['x'], point['y'], 0, 0.9] for point in LANDMARKS]]]),
  ('mediapipe', {'frames': [{'pose_landmarks': LANDMARKS}]}),
  ('ultralytics', [[YOLO], [], [YOLO]]),
  ('ultralytics', [json.dumps([YOLO]), '[]']),
  ('ultralytics', {'1.jpg': [YOLO], '2.jpg': []}),
  ('ultralytics', {'frames': [{'frame': 1, 'detections': [YOLO]}]}),
  ('ultralytics', [{'frame': 1, 'predictions': [{'keypoints': PERSON, 'score': 1}]}]),
  ('ultralytics', {'predictions': [{'keypoints': LANDMARKS[:17], 'class': 'person'}]}),
  ('alphapose', {'1.jpg': [{'keypoints': PERSON, 'idx': 1}]}),
  ('alphapose', [{'version': 1.3, 'people': []}, {'version': 1.3, 'people': []}]),
  ('mmpose', [[INSTANCE], [INSTANCE]]),
  ('mmpose', [{'visualization': [], 'predictions': [[INSTANCE]]}]),
  ('mmpose', [[{'bbox': [1, 2, 3, 4], 'keypoints': [[1, 2, 0.5]] * 17}]]),
  ('mediapipe', [[{'keypoints': LANDMARKS, 'score': 0.9}]]),
  ('ultralytics', [{'frame': 0, 'predictions': [YOLO]}]),
  ('coco', {'images': [], 'annotations': [], 'categories': []}),
]


@pytest.mark.parametrize(('format', 'content'), JSON_FILES)
def test_json(tmp_path, format, content):
  (tmp_path / 'v.json').write_text(json.dumps(content))
  assert recognise(tmp_path / 'v.json')[0] == format
  (tmp_path / 'videos').mkdir()
  (tmp_path / 'v.json').rename(tmp_path / 'videos' / 'v.json')
  assert recognise(tmp_path / 'videos')[0] == format
  assert format in READERS


def test_folders_of_frames(tmp_path):
  for n in range(2):
    frame = {'version': 1.3, 'people': [{'pose_keypoints_2d': PERSON}]}
    (tmp_path / 'a' / 'lap').mkdir(parents=True, exist_ok=True)
    (tmp_path / 'a' / 'lap' / f'{n:012}_keypoints.json').write_text(json.dumps(frame))
    (tmp_path / 'b').mkdir(exist_ok=True)
    (tmp_path / 'b' / f'{n:06}.json').write_text(json.dumps([INSTANCE]))
  assert recognise(tmp_path / 'a')[0] == 'openpose'
  assert recognise(tmp_path / 'b')[0] == 'mmpose'


@pytest.mark.parametrize(
  ('format', 'head', 'row'),
  [
    ('mediapipe', MEDIAPIPE_COLUMNS, ','.join(['0.3', '0.4', '0.9'] * 33)),
    ('csv', COCO_COLUMNS, ','.join(str(20 + k) for k in range(34))),
    ('csv', MEDIAPIPE_COLUMNS, ','.join(['130', '240', '0.9'] * 33)),
    ('deeplabcut', 'scorer,net,net\nbodyparts,nose,nose\ncoords,x,y', '0,20,30'),
  ],
)
def test_tables(tmp_path, format, head, row):
  (tmp_path / 'v.csv').write_text(f'{head}\n{row}\n')
  assert recognise(tmp_path / 'v.csv')[0] == format


def test_binary_files_and_lines(tmp_path):
  np.save(tmp_path / 'v.npy', np.ones((3, 17, 3)))
  (tmp_path / 'v.json').write_text('{"height": 48, "width": 64}')
  assert recognise(tmp_path)[0] == 'numpy'  # Not the description beside it.
  (tmp_path / 'p.pkl').write_bytes(pickle.dumps([]))
  assert recognise(tmp_path / 'p.pkl')[0] == 'pyskl'
  (tmp_path / 'labels').mkdir()
  (tmp_path / 'labels' / 'notes.txt').write_text('a walk in the park\n')
  (tmp_path / 'labels' / 'v_1.txt').write_text(' '.join(['0', *['0.5'] * 55]) + '\n')
  assert recognise(tmp_path / 'labels')[0] == 'ultralytics'
  for name, format in (('v.slp', 'sleap'), ('vDLC_net.h5', 'deeplabcut')):
    (tmp_path / name).touch()
    assert recognise(tmp_path / name)[0] == format


def test_published_folders(tmp_path):
  for folder in ('joint_positions', 'splits'):
    (tmp_path / 'jhmdb' / folder).mkdir(parents=True)
  (tmp_path / 'labels').mkdir()
  (tmp_path / 'labels' / '0001.mat').touch()
  assert recognise(tmp_path / 'jhmdb')[0] == 'jhmdb_tree'
  assert recognise(tmp_path / 'labels')[0] == 'penn_action'
  with pytest.raises(PoseDataError, match='For Penn Action, give its folder labels/'):
    recognise(tmp_path)


def test_the_note_says_by_what(tmp_path):
  np.save(tmp_path / 'v.npy', np.full((3, 17, 3), [30, 40, 1]))
  source = read_poses('auto', tmp_path, skeleton='coco_17')
  (note,) = source.notes
  assert not note.is_warning
  assert note.message == (
    "poses are read in format 'numpy': v.npy, an array; if that is wrong, give --format"
  )


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    (
      'v.json',
      '[{"frame_id": 3, "skeletons": []}]',
      r"v\.json holds a list of objects with the keys 'frame_id', 'skeletons', which is"
      r".* the nearest format is 'mmpose'",
    ),
    ('v.json', '{"height": 3}', r"with the keys 'height', .* Give --format"),
    ('v.csv', 'time,speed\n0,3\n', r"v\.csv begins 'time,speed', .* no known format"),
    ('v.csv', '1,2,3\n4,5,6\n', r'begins with numbers .* first line must name'),
    ('v.csv', 'x0,y0,x1,y1\n4,5\n', r'line 2 has 2 values, but needs one for each'),
    ('v.csv', 'jaw_x,jaw_y\n4,5\n', r"joint 0 is 'jaw', but joint 0 of skeleton"),
    ('v.csv', 'nose_x (m),nose_y (m)\n4,5\n', r'column nose_x \(m\) is in m, so'),
    ('v.txt', 'nose_x,nose_y\n4,5\n', r'v\.txt is a table of joints; rename it to'),
    ('v.txt', 'hello\n', r"v\.txt begins 'hello'"),
    ('v.bin', '\0\1', r'v\.bin'),
    ('v.mp4', '', r'holds videos \(v\.mp4\), not poses; .*pose-action extract'),
    ('v.jpg', '', r'holds images \(v\.jpg\), not poses; .*pose-action extract'),
  ],
)
def test_what_is_not_recognised(tmp_path, name, content, message):
  (tmp_path / name).write_text(content)
  (tmp_path / '.hidden.json').write_text('[]')
  for path in (tmp_path / name, tmp_path):
    with pytest.raises(PoseDataError, match=message):
      recognise(path)


def test_an_empty_folder(tmp_path):
  with pytest.raises(PoseDataError, match='holds no file'):
    recognise(tmp_path)
  with pytest.raises(PoseDataError, match='gone does not exist'):
    read_poses('auto', tmp_path / 'gone')


def test_the_list_of_videos_leads_to_the_files(tmp_path):
  (tmp_path / 'poses').mkdir()
  np.save(tmp_path / 'poses' / 'v.npy', np.ones((3, 17, 3)))
  (tmp_path / 'videos.csv').write_text('path,label\nposes/v.npy,walk\n')
  assert recognise(tmp_path)[0] == 'numpy'
  assert recognise(tmp_path / 'videos.csv')[0] == 'numpy'


def test_files_of_frames_without_people_say_nothing(tmp_path):
  for number in range(5):
    people = [YOLO] if number == 4 else []
    (tmp_path / f'{number}.json').write_text(json.dumps(people))
  assert recognise(tmp_path)[0] == 'ultralytics'


def test_a_broken_file_is_named_as_broken(tmp_path):
  (tmp_path / 'a.json').write_text('[{"image_id": 1, "keypo')
  with pytest.raises(PoseDataError, match=r'a\.json is not a readable JSON file'):
    recognise(tmp_path / 'a.json')
