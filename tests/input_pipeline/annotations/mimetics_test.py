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
      f'{MIMETICS}bowling,zz,soon,9\n',
      r"line 4: time_start 'soon' and time_end '9' must be seconds",
    ),
    (
      'mimetics_v1.0.csv',
      f'{MIMETICS}bowling,xxxxxxxxxxx,3,9\n',
      r'line 4: xxxxxxxxxxx_000003_000009 is listed twice',
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
