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


@pytest.mark.parametrize(
  ('name', 'text', 'message'),
  [
    (
      'Charades_v1_test.csv',
      'id,length\nA,3\n',
      r'columns id, length, but needs id and',
    ),
    ('Charades_v1_test.csv', f'{COLUMNS}\n', r'test\.csv lists no video'),
    (
      'Charades_v1_test.csv',
      f'{COLUMNS}\n{line("A", "c002 1.0")}\n',
      r"test\.csv, line 2: action 'c002 1\.0', but needed .* c000 to c002",
    ),
    (
      'Charades_v1_test.csv',
      f'{COLUMNS}\n{line("A", "c003 1.0 2.0")}\n',
      r"line 2: action 'c003 1\.0 2\.0', but needed",
    ),
    (
      'Charades_v1_test.csv',
      f'{COLUMNS}\n{line("A", "c001 3.0 2.0")}\n',
      r'line 2: a segment of class 1 is from 3\.0 to 2\.0',
    ),
    (
      'Charades_v1_test.csv',
      f'{COLUMNS}\n{line("A", "")}\n{line("A", "")}\n',
      r"line 3: the id is 'A', but must be given and unique",
    ),
    (
      'Charades_v1_test.csv',
      f'{COLUMNS}\n{line("46GP8", "")}\n',
      r"'46GP8' is in both Charades_v1_train\.csv and",
    ),
    ('Charades_v1_classes.txt', 'c000 A\nc002 B\n', r"'c002 B', but class 1 begins"),
    ('Charades_v1_classes.txt', '\n', r'names no class'),
  ],
)
def test_malformed_files(folder, name, text, message):
  (folder / name).write_text(text)
  with pytest.raises(PoseDataError, match=message):
    charades.read(folder)
