"""Which frame and which person each row shows."""

import pathlib

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.rows import frame_numbers, read_rows

POINTS = ['x0', 'y0']


def rows_of(columns, *rows):
  table = tuple((*map(str, row), '1', '2') for row in rows)
  cells = Cells(
    pathlib.Path('v.csv'),
    (*columns, *POINTS),
    table,
    tuple(range(2, len(table) + 2)),
  )
  return read_rows(cells)


def numbers(columns, *rows):
  cells, found = rows_of(columns, *rows)
  return frame_numbers(cells, found, range(len(cells.rows)))


def test_frames_by_number_image_and_time():
  assert numbers(['frame'], [3], ['5.0']) == [3, 5]
  assert numbers([], [], []) == [0, 1]
  assert numbers(['image'], ['a_07.jpg'], ['a_08.jpg']) == [7, 8]
  assert numbers(['frame'], ['frame_07.jpg'], ['frame_08.jpg']) == [7, 8]
  # A frame is absent between 33 and 100 ms; times without steps give an order.
  assert numbers(['timestamp_ms'], [0], [33], [100], [133]) == [0, 1, 3, 4]
  assert numbers(['time'], [0], [1], [7.4], [30]) == [0, 1, 2, 3]
  assert numbers(['time'], ['12:00:01'], ['12:00:02']) == [0, 1]


def test_a_file_of_all_rows_is_a_video_and_an_image_per_row_a_frame():
  _, found = rows_of(['file', 'frame'], ['a.mp4', 0], ['a.mp4', 1], ['b.mp4', 0])
  assert found.videos == [('a.mp4',), ('a.mp4',), ('b.mp4',)]
  images = [[f'{v}_{n}.jpg'] for v in ('north', 'south') for n in (1, 2)]
  _, found = rows_of(['file'], *images)
  assert found.videos == [('north',), ('north',), ('south',), ('south',)]
  assert found.order == [1, 2, 1, 2]


def test_a_name_for_each_row_is_no_video():
  _, found = rows_of(['sample', 'frame'], ['a', 0], ['b', 1])
  assert found.columns.videos == ()


def test_identities_and_row_numbers():
  _, found = rows_of(['frame', 'id'], [0, 5], [1, 5])
  assert found.persons == ['5', '5']
  _, found = rows_of(['frame', 'id'], [0, 5], [0, 6])
  assert found.persons == ['5', '6']
  _, found = rows_of(['frame', 'id'], [0, 5], [1, 6])
  assert found.persons == ['', '']


def test_a_pose_is_a_person_or_a_class():
  _, found = rows_of(['frame', 'pose'], [0, 0], [0, 1])
  assert (found.persons, found.labels) == (['0', '1'], ['', ''])
  _, found = rows_of(['frame', 'pose'], [0, 'tree'], [1, 'tree'])
  assert (found.persons, found.labels) == (['', ''], ['tree', 'tree'])


def test_empty_rows_are_no_frames_where_frames_have_numbers():
  cells = Cells(
    pathlib.Path('v.csv'), ('frame', *POINTS), (('0', '1', '2'), ('', '', '')), (2, 3)
  )
  assert read_rows(cells)[0].lines == (2,)


@pytest.mark.parametrize(
  ('columns', 'row', 'message'),
  [
    (['frame'], ['1.5'], r"line 2: frame is '1.5', but must be a whole number"),
    (['person'], ['a'], r'v\.csv has no column frame, but needs one'),
  ],
)
def test_frames_that_are_refused(columns, row, message):
  with pytest.raises(PoseDataError, match=message):
    numbers(columns, row, row)
