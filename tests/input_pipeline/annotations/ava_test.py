"""AVA's annotation files: the official form, and malformed files."""

import ava_tree
import numpy as np
import pytest

from input_pipeline.annotations.ava import (
  Annotations,
  PersonBox,
  has_class,
  labels_of_detected,
)
from input_pipeline.errors import PoseDataError

TRAIN_A, TRAIN_B = ava_tree.TRAIN


@pytest.fixture
def folder(tmp_path):
  return ava_tree.write(tmp_path / 'ava')


def replace(folder, name, old, new):
  file = folder / name
  text = file.read_text()
  assert old in text
  file.write_text(text.replace(old, new, 1))


def box(video, second, corners=ava_tree.LEFT):
  return PersonBox(video, second, corners)


def test_the_name_of_a_box_is_spelled_as_in_the_files():
  one = box('a,b', 902)  # A video's name may contain commas.
  assert one.name == 'a,b,0902,0.050,0.100,0.350,0.900'
  assert one.frame == 'a,b,0902'
  assert PersonBox.from_name(one.name) == one
  np.testing.assert_array_equal(one.shares, [0.05, 0.1, 0.35, 0.9])
  with pytest.raises(PoseDataError, match=r"'clip_7' does not name a box of AVA"):
    PersonBox.from_name('clip_7')


def test_classes_are_the_listed_actions(folder):
  assert Annotations(folder).actions == ava_tree.CLASSES
  assert Annotations(folder).class_names == tuple(ava_tree.CLASSES.values())


@pytest.mark.parametrize(
  'text',
  [
    'label {\n  name: "stand"\n  label_id: 12\n  label_type: PERSON_MOVEMENT\n}\n',
    'item { name: "stand" id: 12 label_type: PERSON_MOVEMENT }',
    'item {\r\n  id: 12\r\n  name: "stand"\r\n}\r\n',
  ],
  ids=['label', 'in one line', 'id first'],
)
def test_other_spellings_of_the_list(folder, text):
  file = folder / 'ava_action_list_v2.1_for_activitynet_2018.pbtxt'
  file.write_text(text)
  file.rename(file.with_name(f'{file.name}.txt'))  # The name of ActivityNet's copy.
  assert Annotations(folder).actions == {12: 'stand'}


def test_a_box_has_all_its_labels(folder):
  boxes = Annotations(folder).labelled_boxes('train')
  # "stand" is class 1, "watch" class 2. The middle person walks, which is no class.
  assert list(boxes.items())[:3] == [
    (box(TRAIN_A, 902), (1, 2)),
    (box(TRAIN_A, 902, ava_tree.RIGHT), (0,)),
    (box(TRAIN_A, 902, ava_tree.MIDDLE), ()),
  ]
  assert boxes[box(TRAIN_A, 903)] == (0,)


def test_excluded_seconds_are_left_out(folder):
  annotations = Annotations(folder)
  # 904 is excluded for the first training video, but not for the second.
  boxes = annotations.labelled_boxes('train')
  assert {b.frame for b in boxes} == {
    *(f'{TRAIN_A},0902', f'{TRAIN_A},0903'),
    *(f'{TRAIN_B},0902', f'{TRAIN_B},0903', f'{TRAIN_B},0904'),
  }
  assert {b.second for b in annotations.labelled_boxes('val')} == {902, 903}
  assert {b.second for b in annotations.detected_boxes(0)} == {902, 903}


def test_seconds_are_numbers_however_they_are_written(folder):
  name = 'ava_train_excluded_timestamps_v2.1.csv'
  (folder / name).write_text(f'{TRAIN_A},902\n{TRAIN_A},903.0\n{TRAIN_B},0904\n')
  boxes = Annotations(folder).labelled_boxes('train')
  assert {b.frame for b in boxes} == {
    *(f'{TRAIN_B},0902', f'{TRAIN_B},0903'),
    f'{TRAIN_A},0904',
  }


def test_rows_without_a_box_or_an_action(folder):
  extra = f'{TRAIN_B},0902\n{TRAIN_B},0902,0.1,0.1,0.2,0.2,,7\n\n'
  with (folder / 'ava_train_v2.1.csv').open('a') as file:
    file.write(extra)
  boxes = Annotations(folder).labelled_boxes('train')
  assert boxes[PersonBox(TRAIN_B, 902, ('0.1', '0.1', '0.2', '0.2'))] == ()


def test_detected_boxes_are_those_scored_high_enough(folder):
  annotations = Annotations(folder)
  corners = [b.corners for b in annotations.detected_boxes(0.8) if b.second == 902]
  assert corners == [
    ava_tree.NEARLY_LEFT,
    ava_tree.RIGHT,
    ava_tree.NEARLY_RIGHT,
    ava_tree.NOBODY,
  ]
  assert len(annotations.detected_boxes(0.95)) == 4
  assert len(annotations.detected_boxes(0.5)) == 10


def test_a_detected_box_has_the_labels_of_the_matching_box(folder):
  annotations = Annotations(folder)
  labels = labels_of_detected(
    annotations.detected_boxes(0.8), annotations.labelled_boxes('val')
  )
  assert {b.corners: own for b, own in labels.items() if b.second == 902} == {
    ava_tree.NEARLY_LEFT: (1, 2),
    ava_tree.RIGHT: (0,),
    ava_tree.NEARLY_RIGHT: (0,),  # 0.70 instead of 0.75 high: the same person.
    ava_tree.NOBODY: (),
  }
  hot = has_class(labels, 3)
  assert hot.shape == (8, 3)
  assert hot[0].tolist() == [False, True, True]


def test_all_missing_files_are_named(tmp_path):
  ava_tree.write(tmp_path)
  (tmp_path / 'ava_val_v2.1.csv').unlink()
  (tmp_path / 'ava_train_excluded_timestamps_v2.1.csv').unlink()
  with pytest.raises(
    PoseDataError,
    match=r'lacks ava_train_excluded_timestamps_v2\.1\.csv, ava_val_v2\.1\.csv of AVA'
    r' v2\.1; .*research\.google\.com',
  ):
    Annotations(tmp_path)


@pytest.mark.parametrize(
  ('old', 'new', 'message'),
  [
    ('0902,0.050', 'noon,0.050', "the second is 'noon', but must be a number"),
    (
      '0902,0.050',
      '902.5,0.050',
      "the second is '902.5', but must be a whole number",
    ),
    ('0902,0.050', '0902,left', "x1 is 'left', but must be a number"),
    ('0.900,12', 'nan,12', "y2 is 'nan', but must be a number"),
    ('0.900,12', '0.900,stand', "action is 'stand', but must be a number"),
    (',12,0', '', 'it has 6 columns, but needs 2 or 7 or 8'),
  ],
)
def test_a_broken_row_is_left_out_and_named(folder, old, new, message):
  whole = Annotations(folder).labelled_boxes('train')
  replace(folder, 'ava_train_v2.1.csv', old, new)
  annotations = Annotations(folder)
  boxes = annotations.labelled_boxes('train')
  # The first row is the label "stand", class 1, of this box; "watch" has its own row.
  first = box(TRAIN_A, 902)
  assert whole[first] == (1, 2)
  assert boxes == whole | {first: (2,)}
  (note,) = annotations.notes
  assert note.message.startswith(str(folder / 'ava_train_v2.1.csv'))
  assert f"line 1, clip '{TRAIN_A}': left out, because {message}" in note.message


def test_a_broken_row_in_each_file_is_left_out(folder):
  for file in folder.glob('ava_*.csv'):
    file.write_text(file.read_text() * 3 + 'no,row,3\n')
  annotations = Annotations(folder)
  annotations.labelled_boxes('train')
  annotations.labelled_boxes('val')
  assert len(annotations.detected_boxes(0.8)) == 8
  (note,) = annotations.notes
  assert (
    note.message.count('.csv: 1 of ') == 5
  )  # Excluded seconds of val are read twice.


def test_a_file_of_broken_rows_is_refused(folder):
  file = folder / 'ava_train_v2.1.csv'
  file.write_text(file.read_text().replace('0.', 'zero'))
  with pytest.raises(PoseDataError, match=r'train_v2\.1\.csv: \d+ of \d+ lines cannot'):
    Annotations(folder).labelled_boxes('train')


@pytest.mark.parametrize('line_end', ['\r\n', '\r', '  \n\n'])
def test_marks_line_ends_and_spaces_make_no_difference(folder, line_end):
  whole = Annotations(folder)
  boxes, detected = whole.labelled_boxes('train'), whole.detected_boxes(0)
  for file in (*folder.glob('*.csv'), *folder.glob('*.pbtxt')):
    text = file.read_text().replace('\n', line_end)
    file.write_bytes(text.encode('utf-8-sig'))
  annotations = Annotations(folder)
  assert annotations.actions == whole.actions
  assert annotations.labelled_boxes('train') == boxes
  assert annotations.detected_boxes(0) == detected
  assert annotations.notes == ()


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('', 'lists no actions'),
    (
      f'item {{\n  name: "stand"\n  id: {"9" * 5000}\n}}\n',
      'cannot be read: ValueError',
    ),
    ('item {\n  name: "stand"\n}\n', r"'name: \"stand\"' is no action"),
    ('item { name: "a" id: 1 } item { name: "b" id: 1 }', 'that no other has'),
  ],
)
def test_a_broken_list_is_named(folder, text, message):
  (folder / 'ava_action_list_v2.1_for_activitynet_2018.pbtxt').write_text(text)
  with pytest.raises(PoseDataError, match=rf'2018\.pbtxt.*{message}'):
    Annotations(folder)


def test_a_binary_file_is_named(folder):
  (folder / 'ava_train_v2.1.csv').write_bytes(b'\x93\xff\x00')
  with pytest.raises(PoseDataError, match=r'train_v2\.1\.csv is not a text file'):
    Annotations(folder).labelled_boxes('train')
