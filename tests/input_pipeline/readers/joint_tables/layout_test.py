"""Which columns or rows are which joints."""

import pathlib

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.joint_tables.cells import Cells
from input_pipeline.readers.joint_tables.columns import read_columns
from input_pipeline.readers.joint_tables.layout import (
  find_layout,
  joint_names,
  unread_note,
)
from input_pipeline.skeletons.registry import Skeleton, get_skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
SPINE = Skeleton('spine', ('c7', 't12'), ())
COCO = get_skeleton('coco_17')


def cells(columns, rows=(('0',),)):
  rows = [[*row, *['0'] * (len(columns) - len(row))] for row in rows]
  return Cells(
    pathlib.Path('v.csv'), tuple(columns), tuple(map(tuple, rows)), (2,) * len(rows)
  )


def layout(columns, skeleton=EYES, rows=(('0',),), trust_order=False):
  table = cells(columns, rows)
  return find_layout(
    table, read_columns(table.columns), skeleton, trust_order=trust_order
  )


def xy(*points):
  return [f'{point}_{axis}' for point in points for axis in 'xy']


@pytest.mark.parametrize(
  'columns',
  [
    xy('0', '1'),
    xy('1', '2'),
    xy('L0', 'L1'),
    xy('left_eye', 'right_eye'),
    xy('kp_left_eye', 'kp_right_eye'),
    xy('LEye', 'REye'),
    xy('eye.L', 'eye.R'),
  ],
)
def test_joints_of_columns(columns):
  found = layout(columns)
  assert found.places.tolist() == [[0, 1, -1], [2, 3, -1]]
  assert found.joints is None
  assert found.notes == ()


def test_names_in_another_order_are_taken_by_name_with_a_note():
  found = layout(xy('right_eye', 'left_eye'))
  assert found.places[:, 0].tolist() == [2, 0]
  assert [note.kind for note in found.notes] == ['joint_order']
  trusted = layout(xy('right_eye', 'left_eye'), trust_order=True)
  assert trusted.places[:, 0].tolist() == [0, 2]


def test_own_names_with_digits_are_no_numbers():
  assert layout(xy('T12', 'C7'), SPINE).places[:, 0].tolist() == [2, 0]


def test_numbers_of_other_things_are_left_out():
  hands = [*xy('hand_0', 'hand_1'), *xy('pose_0', 'pose_1')]
  assert layout(hands).places[:, 0].tolist() == [4, 6]
  with pytest.raises(
    PoseDataError, match=r"all joints twice, from '0' and from 'kp_0'"
  ):
    layout(xy('0', '1', 'kp_0', 'kp_1'))


def test_the_first_joints_of_a_larger_skeleton():
  found = layout(xy(*map(str, range(133))), COCO)
  assert found.places[:, 0].tolist() == [2 * i for i in range(17)]
  assert 'coco_wholebody_133' in found.notes[0].message


def test_joints_of_rows():
  columns = ['joint', 'x', 'y', 'score']
  rows = [['RIGHT_EYE'], ['left eye'], ['right_eye']]
  found = layout(columns, rows=rows)
  assert found.places.tolist() == [[1, 2, 3]]
  assert found.joints == {'RIGHT_EYE': 1, 'left eye': 0, 'right_eye': 1}
  assert layout(columns, rows=[['1'], ['2']]).joints == {'1': 0, '2': 1}
  assert layout(columns, rows=[['1'], ['0']]).joints == {'1': 1, '0': 0}


def test_columns_that_are_not_read():
  columns = ['frame', *xy('0', '1', 'box'), 'quality', '0_z']
  table = cells(columns)
  (note,) = unread_note(table, read_columns(columns), layout(columns))
  assert note.kind == 'columns_not_read'
  assert 'box_x, box_y, quality;' in note.message
  columns = xy('left_eye', 'right_eye', 'nose')  # Another note names the nose.
  assert unread_note(cells(columns), read_columns(columns), layout(columns)) == ()


def test_joint_names_without_other_points():
  assert joint_names(cells(xy('Nose', 'centroid', 'kp_LEye'))) == ('nose', 'leye')
  assert joint_names(cells(xy('0', '1'))) == ()
  rows = [['nose'], ['left_eye'], ['nose']]
  assert joint_names(cells(['joint', 'x', 'y'], rows)) == ('nose', 'left_eye')


@pytest.mark.parametrize(
  ('columns', 'message'),
  [
    (['frame', 'quality'], r'no columns of joints, .*its columns are frame, quality'),
    (xy('0'), r"x and y for 1 numbered joints \(0\), but skeleton 'eyes' has 2"),
    (xy('0', '2'), r'numbered from 0 or 1'),
    (xy('nose', 'neck'), r"joint 0 is 'nose', but joint 0 of skeleton 'eyes' is 'left"),
  ],
)
def test_layouts_that_are_refused(columns, message):
  with pytest.raises(PoseDataError, match=message):
    layout(columns)


def test_rows_of_other_joints_are_refused():
  with pytest.raises(PoseDataError, match=r'has 3 numbered|for 3 numbered joints'):
    layout(['joint', 'x', 'y'], rows=[['0'], ['1'], ['2']])
