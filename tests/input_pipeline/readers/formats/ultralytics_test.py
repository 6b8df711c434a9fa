"""Ultralytics' poses: text files, and the two kinds of JSON in folders."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses

SIZE = (200, 400)
X = 0.1 + 0.03 * np.arange(17)  # Fractions of the frame.


def line(shift=0.0, scores: float | None = 0.8, rest=(), kind=0, joints=17):
  values = [
    value
    for x in X[:joints] + shift
    for value in (x, 0.5, *([] if scores is None else [scores]))
  ]
  return ' '.join(f'{value:g}' for value in (kind, 0.3, 0.5, 0.4, 0.6, *values, *rest))


def write(folder, files):
  for name, lines in files.items():
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text(''.join(f'{text}\n' for text in lines))


def opened(path, skeleton=None, format='ultralytics', **options):
  return read_poses(
    format, path, skeleton=skeleton, options=ReadOptions(frame_size=SIZE, **options)
  )


@pytest.mark.parametrize('scores', [0.8, None])
@pytest.mark.parametrize('rest', [(), (0.9,), (5,), (0.9, 5)])
@pytest.mark.parametrize('folder', ['walk', 'walk/labels'])
def test_text_files(tmp_path, scores, rest, folder):
  files = {
    f'{folder}/dance_{n}.txt': [line(n / 100, scores, rest)] for n in (1, 2, 4, 10)
  }
  write(tmp_path, files)
  source = opened(tmp_path / 'walk', format='yolo')
  assert source.splits == {'all': ('walk',)}
  clip = source.load('walk')
  assert clip.skeleton.name == 'coco_17'
  assert clip.keypoints.shape == (10, 1, 17, 2)
  for frame, number in ((0, 1), (3, 4), (9, 10)):
    expected = (X + number / 100) * 400 - 0.5
    np.testing.assert_allclose(clip.keypoints[frame, 0, :, 0], expected, atol=0.01)
  assert (clip.scores[[2, 4]] == 0).all()
  np.testing.assert_allclose(clip.scores[0], scores or 1)
  assert clip.notes == ()


def test_tracks_beat_the_order_of_lines(tmp_path):
  files = {
    'a_1.txt': [line(0, rest=(0.9, 3)), line(0.3, rest=(0.9, 8))],
    'a_2.txt': [line(0.3, rest=(0.9, 3)), line(0, rest=(0.9, 8))],
  }
  write(tmp_path, files)
  keypoints = opened(tmp_path).load(tmp_path.name).keypoints
  moves = sorted(np.diff(keypoints[:, :, 0, 0], axis=0)[0].tolist())
  np.testing.assert_allclose(moves, [-120, 120], atol=0.01)


def test_joints_at_0_0_are_missing_and_labels_have_flags(tmp_path):
  words = line(scores=2).split()
  words[5:8] = ['0', '0', '0.4']
  write(tmp_path, {'a_1.txt': [' '.join(words)]})
  assert opened(tmp_path).load(tmp_path.name).scores[0, 0, 0] == 0
  write(tmp_path, {'a_1.txt': [line(scores=2)], 'a_2.txt': [line(scores=1)]})
  scores = opened(tmp_path).load(tmp_path.name).scores
  assert scores[:, 0, 3].tolist() == [1, 0.5]


def test_files_of_two_videos(tmp_path):
  write(
    tmp_path / 'runs',
    {f'{v}_{n}.txt': [line()] for v in ('north', 'south') for n in (1, 2)},
  )
  source = opened(tmp_path / 'runs')
  assert source.splits == {'all': ('north', 'south')}
  assert [note.kind for note in source.notes] == ['skeleton_chosen', 'split_by_name']
  assert source.load('south').num_frames == 2


def test_an_empty_file_is_an_empty_frame(tmp_path):
  write(tmp_path, {'a_1.txt': [], 'a_2.txt': [line()], 'a_3.txt': []})
  scores = opened(tmp_path).load(tmp_path.name).scores
  assert (scores > 0).any(axis=(1, 2)).tolist() == [False, True, False]


def test_doubtful_files_cause_notes(tmp_path):
  write(tmp_path, {'a_1.txt': [line(), line(), line(0.3, kind=4)], 'a_2.txt': [line()]})
  clip = opened(tmp_path).load(tmp_path.name)
  assert clip.keypoints.shape[1] == 2
  messages = {note.kind: note.message for note in clip.notes}
  assert sorted(messages) == ['columns_not_read', 'people_repeated']
  assert 'classes 0, 4, which are not read' in messages['columns_not_read']
  assert '1 lines repeat' in messages['people_repeated']


@pytest.mark.parametrize(
  ('lines', 'message'),
  [
    (['0 0.5 0.5 0.2 0.2'], r'a_1\.txt, line 1 holds a box without joints'),
    ([line(joints=13)], r'line 1 has 44 numbers, .*it fits penn_action'),
    (['one two'], r"line 1 is 'one two', but must hold numbers"),
    ([line(200)], r'must be fractions of the frame'),
  ],
)
def test_text_files_that_are_refused(tmp_path, lines, message):
  write(tmp_path, {'a_1.txt': lines})
  with pytest.raises(PoseDataError, match=message):
    opened(tmp_path).load(tmp_path.name)


def test_another_skeleton(tmp_path):
  write(tmp_path, {'a_1.txt': [line(joints=13)]})
  clip = opened(tmp_path, 'penn_action').load(tmp_path.name)
  assert clip.keypoints.shape == (1, 1, 13, 2)


def person(shift=0.0, scale=400):
  return {
    'name': 'person',
    'box': {'x1': 1, 'y1': 1, 'x2': 2, 'y2': 2},
    'keypoints': {'x': ((X + shift) * scale).tolist(), 'y': [0.2 * scale] * 17},
  }


def test_a_folder_of_json_is_a_video_or_many(tmp_path):
  for n in (1, 2, 4):
    (tmp_path / f'a_{n}.json').write_text(json.dumps([person(n / 100)]))
  clip = opened(tmp_path).load(tmp_path.name)
  assert clip.num_frames == 4
  np.testing.assert_allclose(clip.keypoints[3, 0, :, 0], (X + 0.04) * 400, rtol=1e-6)
  for n in (1, 2, 4):
    (tmp_path / f'a_{n}.json').write_text(json.dumps([[person()]] * n))
  source = opened(tmp_path)
  assert source.splits == {'all': ('a_1', 'a_2', 'a_4')}
  assert source.load('a_4').num_frames == 4
