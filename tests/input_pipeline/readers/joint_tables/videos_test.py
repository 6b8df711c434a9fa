"""The videos in a table."""

import pathlib

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.rows import read_rows
from input_pipeline.readers.joint_tables.videos import split_note, split_rows


def split(columns, *rows):
  cells = Cells(
    pathlib.Path('all.csv'),
    (*columns, 'x0', 'y0'),
    tuple((*map(str, row), '1', '2') for row in rows),
    tuple(range(2, len(rows) + 2)),
  )
  cells, found = read_rows(cells)
  videos = split_rows(cells, found)
  return [(v.name, v.label, len(v.rows)) for v in videos], split_note(
    cells, found, videos
  )


def test_one_video_has_no_name_of_its_own():
  assert split(['frame', 'class'], [0, 'nod'], [1, 'nod']) == ([('', 'nod', 2)], ())


def test_frames_that_begin_again():
  videos, (note,) = split(['frame'], [0], [1], [2], [0], [1])
  assert videos == [('all_1', '', 3), ('all_2', '', 2)]
  assert (
    "holds 2 videos, split where frames begin again: the second is 'all_2', from"
    in (note.message)
  )
  assert 'line 5' in note.message


def test_frames_in_disorder_or_of_several_people_are_one_video():
  assert split(['frame'], [4], [2], [3])[0] == [('', '', 3)]
  people = [[frame, person] for person in 'ab' for frame in (0, 1)]
  assert split(['frame', 'person'], *people)[0] == [('', '', 4)]


def test_times_that_begin_again():
  assert split(['time'], [0.0], [0.1], [0.0], [0.1])[0] == [
    ('all_1', '', 2),
    ('all_2', '', 2),
  ]


def test_a_column_of_classes():
  rows = [[c] for c in ('nod', 'nod', 'bow', 'bow', 'bow', 'nod', 'nod')]
  videos = [('nod_1', 'nod', 2), ('bow_2', 'bow', 3), ('nod_3', 'nod', 2)]
  assert split(['exercise'], *rows)[0] == videos
  numbered = [[n, *row] for n, row in zip((0, 1, 0, 1, 2, 0, 1), rows, strict=True)]
  assert split(['frame', 'label'], *numbered)[0] == videos


def test_people_of_one_frame_with_classes_of_their_own():
  rows = [[n, p, c] for n in (0, 1) for p, c in (('a', 'nod'), ('b', 'bow'))]
  assert split(['frame', 'person', 'class'], *rows)[0] == [
    ('nod_1', 'nod', 2),
    ('bow_2', 'bow', 2),
  ]


def test_columns_of_videos():
  rows = [[v, s, n] for s in 'AB' for v in ('x.mp4', 'y.mp4') for n in (0, 1)]
  videos, (note,) = split(['video', 'subject', 'frame'], *rows)
  assert [name for name, _, _ in videos] == ['x_A', 'y_A', 'x_B', 'y_B']
  assert 'split by video, subject' in note.message
  # Rows of a video need not be together.
  rows = [['x', 0], ['y', 0], ['x', 1], ['y', 1]]
  assert split(['clip', 'frame'], *rows)[0] == [('x', '', 2), ('y', '', 2)]


def test_several_takes_of_a_named_video_are_numbered():
  rows = [['x', 0], ['x', 1], ['x', 0], ['y', 0]]
  assert [name for name, _, _ in split(['clip', 'frame'], *rows)[0]] == [
    'x_1',
    'x_2',
    'y',
  ]


def test_images_of_two_videos():
  rows = [[f'{v}_{n}.jpg'] for v in ('north', 'south') for n in (1, 2)]
  assert split(['image'], *rows)[0] == [('north', '', 2), ('south', '', 2)]


def test_rows_of_classes_in_turn_are_no_videos():
  with pytest.raises(PoseDataError, match=r'class changes 5 times in 6 rows'):
    split(['class'], *[[c] for c in 'ababab'])


def test_splits():
  cells = Cells(
    pathlib.Path('v.csv'),
    ('video', 'split', 'x0', 'y0'),
    tuple((v, s, '1', '2') for v, s in (('a', 'train'), ('b', 'test')) for _ in 'xx'),
    (2, 3, 4, 5),
  )
  assert [v.split for v in split_rows(*read_rows(cells))] == ['train', 'test']
  with pytest.raises(PoseDataError, match=r"splits 'train' and 'test'; name one"):
    split(['split'], ['train'], ['test'])
