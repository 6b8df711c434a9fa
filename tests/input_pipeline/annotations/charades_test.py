"""Charades' CSV files: small files with the official columns."""

import pytest

from input_pipeline.annotations import charades
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import Segment

COLUMNS = 'id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length'


def line(video_id, actions, length='24.83'):
  return f'{video_id},HR43,Kitchen,6,7,Yes,"A person, cooking.",food,cooks,{actions},{length}'


@pytest.fixture
def folder(tmp_path):
  """Three classes; 46GP8 has two actions in one class, N11GT has no action."""
  (tmp_path / 'Charades_v1_classes.txt').write_text(
    'c000 Holding some clothes\nc001 Putting clothes somewhere\nc002 Sitting\n'
  )
  train = [
    line('46GP8', 'c002 11.90 21.20;c000 0.00 12.60;c002 22.00 24.00'),
    line('N11GT', ''),
  ]
  (tmp_path / 'Charades_v1_train.csv').write_text('\n'.join([COLUMNS, *train]) + '\n')
  test = [line('YSKX3', 'c001 0.00 4.10')]
  (tmp_path / 'Charades_v1_test.csv').write_text('\n'.join([COLUMNS, *test]) + '\n')
  return tmp_path


def test_labels_and_segments(folder):
  annotation = charades.read(folder)
  assert annotation.multi_label
  assert annotation.class_names[1] == 'c001 Putting clothes somewhere'
  assert annotation.splits == {'train': ('46GP8', 'N11GT'), 'val': ('YSKX3',)}
  assert annotation.labels == {'46GP8': (0, 2), 'N11GT': (), 'YSKX3': (1,)}
  assert annotation.segments['46GP8'] == (
    Segment(2, 11.9, 21.2),
    Segment(0, 0.0, 12.6),
    Segment(2, 22.0, 24.0),
  )
  assert annotation.segments['N11GT'] == ()


def test_what_is_missing_is_named(folder):
  (folder / 'Charades_v1_test.csv').unlink()
  (folder / 'Charades_v1_classes.txt').unlink()
  message = r'lacks Charades_v1_test\.csv, Charades_v1_classes\.txt; .* Charades\.zip'
  with pytest.raises(PoseDataError, match=message):
    charades.read(folder)


def long(*rows, count=40):
  """A list with these rows among as many good ones as a real list has, relatively."""
  good = [line(f'G{n:03}', 'c001 0.50 2.00') for n in range(count)]
  return '\n'.join([COLUMNS, *rows, *good]) + '\n'


@pytest.mark.parametrize(
  'times', ['3.40 1.25', '-1.0 2.0', 'nan 2.0', '1.0 inf', '1.0', 'soon later', '']
)
def test_an_action_with_impossible_times_keeps_its_label(folder, times):
  bad = line('BAD01', f'c000 1.00 2.50;c002 {times};c001 4.00 4.00')
  file = folder / 'Charades_v1_train.csv'
  file.write_text(long(bad))
  annotation = charades.read(folder)
  assert annotation.labels['BAD01'] == (0, 1, 2)
  assert annotation.segments['BAD01'] == (Segment(0, 1.0, 2.5), Segment(1, 4.0, 4.0))
  (note,) = annotation.notes
  assert note.message.startswith(
    f'{file}: 1 of 84 videos and actions are faulty: line 2'
  )
  assert "clip 'BAD01': action 'c002" in note.message
  assert 'keeps its label but not its times' in note.message


@pytest.mark.parametrize(
  'action', ['c003 1.0 2.0', 'x001 1.0 2.0', '1.0 2.0', 'c0011.0']
)
def test_an_action_without_a_class_is_left_out(folder, action):
  (folder / 'Charades_v1_test.csv').write_text(
    long(line('BAD01', f'{action};c001 0.00 3.00'))
  )
  annotation = charades.read(folder)
  assert annotation.labels['BAD01'] == (1,)
  (note,) = annotation.notes
  assert f"line 2, clip 'BAD01': action '{action}' is left out" in note.message


@pytest.mark.parametrize(
  ('row', 'why'),
  [
    (line('', 'c001 0.0 1.0'), 'line 2: left out, because it has no id'),
    ('BAD01,HR43,Kitchen', "'BAD01': left out, because it ends before the column act"),
    (f'{line("BAD01", "")},9,9', "'BAD01': left out, because it has too many columns"),
    (line('G007', 'c002 0.0 9.0'), "'G007': left out, because the video is also in"),
    (
      line('YSKX3', 'c002 0.0 9.0'),
      'left out, because the video is also in Charades_v1',
    ),
    ('BAD01,HR43,"Kitchen,6', "'BAD01': left out, because it ends before"),
  ],
)
def test_a_malformed_line_is_left_out(folder, row, why):
  (folder / 'Charades_v1_train.csv').write_text(long(row))
  annotation = charades.read(folder)
  assert len(annotation.splits['train']) in (40, 41)
  assert {f'G{n:03}' for n in range(40)} <= set(annotation.splits['train'])
  assert annotation.splits['val'] == ('YSKX3',)
  (note,) = annotation.notes
  assert why in note.message


def test_a_few_bad_lines_are_a_warning_and_many_an_error(folder):
  file = folder / 'Charades_v1_train.csv'
  bad = [line(f'B{n}', 'c002 9.0 1.0') for n in range(9)]
  file.write_text(long(*bad[:5]))
  (note,) = charades.read(folder).notes
  assert '5 of 90 ' in note.message and "clip 'B4'" in note.message

  file.write_text(long(*bad[:6]))
  with pytest.raises(PoseDataError, match=r'train\.csv: 6 of 92 .* cannot be used'):
    charades.read(folder)

  file.write_text(long(*bad, count=450))
  (note,) = charades.read(folder).notes
  assert '9 of 918 ' in note.message


def test_the_files_of_an_editor_or_a_spreadsheet(folder):
  whole = charades.read(folder)
  for file in folder.iterdir():
    file.write_bytes(file.read_text().replace('\n', ' \r').encode('utf-8-sig'))
  assert charades.read(folder) == whole
  file = folder / 'Charades_v1_test.csv'
  file.write_text('id;actions\nYSKX3;"c001 0.00 4.10"\n')
  assert charades.read(folder) == whole


def test_names_in_cp1252_are_read_and_said(folder):
  file = folder / 'Charades_v1_classes.txt'
  file.write_bytes('c000 Making café\nc001 Sitting\nc002 Standing\n'.encode('cp1252'))
  annotation = charades.read(folder)
  assert annotation.class_names[0] == 'c000 Making café'
  (note,) = annotation.notes
  assert 'is not UTF-8 and was read as cp1252' in note.message


def test_a_line_that_names_no_class_is_left_out(folder):
  file = folder / 'Charades_v1_classes.txt'
  file.write_text(f'Classes\n{file.read_text()}c001 Another\n')
  annotation = charades.read(folder)
  assert annotation.class_names[1] == 'c001 Putting clothes somewhere'
  (note,) = annotation.notes
  assert "line 1: 'Classes' is left out" in note.message
  assert "line 5: 'c001 Another' is left out" in note.message


@pytest.mark.parametrize(
  ('name', 'text', 'message'),
  [
    (
      'Charades_v1_test.csv',
      'id,length\nA,3\n',
      r'columns id, length, but needs id, actions',
    ),
    ('Charades_v1_test.csv', f'{COLUMNS}\n', r'test\.csv lists no video'),
    (
      'Charades_v1_test.csv',
      f'{COLUMNS}\n{line("", "")}\n',
      r'test\.csv: 1 of 1 .* cannot be used, so this is not the published file',
    ),
    ('Charades_v1_classes.txt', 'c000 A\nc002 B\n', r'has no line for class c001'),
    ('Charades_v1_classes.txt', '\n', r'names no class'),
  ],
)
def test_malformed_files(folder, name, text, message):
  (folder / name).write_text(text)
  with pytest.raises(PoseDataError, match=message):
    charades.read(folder)
