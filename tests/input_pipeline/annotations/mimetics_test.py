"""Mimetics' and Kinetics' lists: small lists with the official columns."""

import pytest

from input_pipeline.annotations import mimetics
from input_pipeline.errors import PoseDataError

KINETICS = """label,youtube_id,time_start,time_end,split,is_cc
testifying,---QUuC4vJs,84,94,train,0
"playing violin",-aaaaaaaaaa,0,10,train,0
bowling,-bbbbbbbbbb,120,130,train,0
bowling,-bbbbbbbbbb,200,210,train,1
bowling,-cccccccccc,5,15,val,0
"""
MIMETICS = """label,youtube_id,time_start,time_end
playing_violin,xxxxxxxxxxx,3,9
bowling,yyyyyyyyyyy,1,4
"""


@pytest.fixture
def folder(tmp_path):
  (tmp_path / 'kinetics_train.csv').write_text(KINETICS)
  (tmp_path / 'mimetics_v1.0.csv').write_text(MIMETICS)
  return tmp_path


def test_kinetics_trains_the_classes_that_mimetics_tests(folder):
  annotation = mimetics.read(folder)
  assert annotation.class_names == ('bowling', 'playing violin')  # Not testifying.
  assert annotation.splits == {
    'train': (
      '-aaaaaaaaaa_000000_000010',
      '-bbbbbbbbbb_000120_000130',
      '-bbbbbbbbbb_000200_000210',
    ),
    'test': ('xxxxxxxxxxx_000003_000009', 'yyyyyyyyyyy_000001_000004'),
  }
  assert annotation.labels['-bbbbbbbbbb_000200_000210'] == (0,)
  assert annotation.labels['xxxxxxxxxxx_000003_000009'] == (1,)
  assert not annotation.multi_label


def test_poses_may_be_named_by_the_video_if_unambiguous(folder):
  names = mimetics.read(folder).other_names
  assert names['xxxxxxxxxxx_000003_000009'] == ('xxxxxxxxxxx_3_9', 'xxxxxxxxxxx')
  # Two clips share this video, so the video's name is ambiguous.
  assert names['-bbbbbbbbbb_000120_000130'] == ('-bbbbbbbbbb_120_130',)


def test_the_column_may_be_labels_and_times_fractions(folder):
  (folder / 'mimetics_v1.0.csv').write_text(
    'labels,youtube_id,time_start,time_end\nbowling,yyyyyyyyyyy,1.0,4.5\n'
  )
  annotation = mimetics.read(folder)
  assert annotation.class_names == ('bowling',)
  assert annotation.splits['test'] == ('yyyyyyyyyyy_000001_000004',)


def test_a_class_that_kinetics_lacks_is_named(folder):
  (folder / 'mimetics_v1.0.csv').write_text(f'{MIMETICS}climbing a rope,zz,0,5\n')
  with pytest.raises(PoseDataError, match=r'no training video of climbing a rope, whi'):
    mimetics.read(folder)


@pytest.mark.parametrize(
  ('name', 'text', 'message'),
  [
    ('mimetics_v1.0.csv', None, r'needs mimetics_v1\.0\.csv and one .* kinetics_train'),
    (
      'kinetics_train.csv',
      None,
      r'one list \*train\*\.csv .* \*\.csv are: mimetics_v1',
    ),
    ('other_train.csv', KINETICS, r'its \*\.csv are: kinetics_train\.csv, mimetics_v1'),
    (
      'mimetics_v1.0.csv',
      'label,youtube_id\n',
      r'columns label, youtube_id, but needs',
    ),
    (
      'mimetics_v1.0.csv',
      MIMETICS.splitlines()[0],
      r'mimetics_v1\.0\.csv lists no vid',
    ),
    (
      'mimetics_v1.0.csv',
      f'{MIMETICS}{MIMETICS}{MIMETICS}',
      r'mimetics_v1\.0\.csv: 6 of 8 lines cannot be used',
    ),
  ],
)
def test_malformed_files(folder, name, text, message):
  if text is None:
    (folder / name).unlink()
  else:
    (folder / name).write_text(text)
  with pytest.raises(PoseDataError, match=message):
    mimetics.read(folder)


@pytest.mark.parametrize(
  ('row', 'message'),
  [
    (
      'bowling,zz,soon,9',
      "clip 'zz': left out, because time_start 'soon' and time_end",
    ),
    ('bowling,zz,1', "clip 'zz': left out, because time_start '1' and time_end None"),
    ('bowling,zz,1,inf', "clip 'zz': left out, because time_start '1' and time_end"),
    ('bowling,,1,2', 'line 4: left out, because it has no youtube_id'),
    (',zz,1,2', "clip 'zz': left out, because it has no label"),
    ('bowling,zz,1,2,3', 'line 4: left out, because it has too many columns'),
    ('bowling,xxxxxxxxxxx,3,9', 'left out, because it was listed before'),
    ('"bowling,zz,1,2', 'line 4: left out, because it has no youtube_id'),
  ],
)
def test_a_malformed_line_is_left_out_and_named(folder, row, message):
  whole = mimetics.read(folder)
  file = folder / 'mimetics_v1.0.csv'
  file.write_text(f'{MIMETICS}{row}\nbowling,last,0,1\n')
  annotation = mimetics.read(folder)
  assert annotation.splits['test'] == (*whole.splits['test'], 'last_000000_000001')
  (note,) = annotation.notes
  assert note.message.startswith(f'{file}: 1 of 4 lines are faulty: line 4')
  assert message in note.message


def test_a_clip_that_is_tested_is_not_trained_on(folder):
  file = folder / 'kinetics_train.csv'
  file.write_text(f'{KINETICS}bowling,yyyyyyyyyyy,1,4,train,0\n')
  annotation = mimetics.read(folder)
  assert len(annotation.splits['train']) == 3
  (note,) = annotation.notes
  assert 'left out, because it is also a test clip' in note.message


def test_marks_line_ends_and_delimiters_make_no_difference(folder):
  whole = mimetics.read(folder)
  for file in folder.iterdir():
    text = file.read_text().replace(',', ' ; ').replace('\n', '\r')
    file.write_bytes(text.encode('utf-8-sig'))
  assert mimetics.read(folder) == whole
