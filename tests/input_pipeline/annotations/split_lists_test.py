"""HMDB51's and JHMDB's split lists: small lists in the official format, and real lists."""

import pytest

from input_pipeline.annotations import split_lists
from input_pipeline.errors import PoseDataError


def write_lists(folder, lists):
  folder.mkdir(parents=True)
  for name, text in lists.items():
    (folder / name).write_text(text)


LISTS = {
  'wave_test_split1.txt': 'A_wave_1.avi 1 \nB_wave_2.avi 2 \nC_wave_3.avi 0 \n',
  'wave_test_split2.txt': 'A_wave_1.avi 0 \nB_wave_2.avi 1 \nC_wave_3.avi 2 \n',
  'sit_up_test_split1.txt': 'S (1)_sit_up.avi 1\n\nT_sit_up.avi 2\n',
  'sit_up_test_split2.txt': 'S (1)_sit_up.avi 2\nT_sit_up.avi 1\n',
}


def test_videos_of_neither_side_are_in_no_split(tmp_path):
  write_lists(tmp_path / 'splits', LISTS)
  annotation = split_lists.read(tmp_path)
  assert annotation.class_names == ('sit_up', 'wave')
  assert annotation.splits == {
    'train1': ('S (1)_sit_up', 'A_wave_1'),
    'test1': ('T_sit_up', 'B_wave_2'),
    'train2': ('T_sit_up', 'B_wave_2'),
    'test2': ('S (1)_sit_up', 'C_wave_3'),
  }
  assert annotation.labels['C_wave_3'] == (1,)
  assert not annotation.multi_label
  # The folder that contains the lists works too.
  assert split_lists.read(tmp_path / 'splits') == annotation


def seventy_thirty(of_train=70, of_test=30):
  sides = of_train * [1] + of_test * [2] + 15 * [0]
  return ''.join(f'v{n}_run.avi {side} \n' for n, side in enumerate(sides))


def test_hmdb51_lists_of_other_sizes_cause_a_note(tmp_path):
  folder = tmp_path / 'testTrainMulti_7030_splits'
  write_lists(
    folder,
    {
      'run_test_split1.txt': seventy_thirty(),
      'run_test_split2.txt': seventy_thirty(of_train=69),
    },
  )
  annotation = split_lists.read(tmp_path)
  sizes = {split: len(videos) for split, videos in annotation.splits.items()}
  assert sizes == {'train1': 70, 'test1': 30, 'train2': 69, 'test2': 30}
  assert [note.message for note in annotation.notes] == [
    f'{folder / "run_test_split2.txt"} lists 69 videos to train on, but the official'
    ' lists have 70 per class'
  ]


def test_no_lists(tmp_path):
  with pytest.raises(PoseDataError, match=r'no split lists: .*_test_split<k>.*\.rar'):
    split_lists.read(tmp_path)


def test_real_lists_of_jhmdb(shared_data):
  annotation = split_lists.read(shared_data / 'jhmdb')
  sizes = {split: len(videos) for split, videos in annotation.splits.items()}
  assert sizes == {
    'train1': 660,
    'test1': 268,
    'train2': 658,
    'test2': 270,
    'train3': 663,
    'test3': 265,
  }
  assert (len(annotation.class_names), len(annotation.labels)) == (21, 928)
  assert not annotation.notes  # JHMDB's lists need not have 70 and 30 videos per class.


@pytest.mark.parametrize('line_end', ['\n', '\r\n', '\r', '\t \n\n'])
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
def test_marks_line_ends_and_spaces_make_no_difference(tmp_path, encoding, line_end):
  write_lists(tmp_path / 'plain', LISTS)
  write_lists(tmp_path / 'saved', LISTS)
  for file in (tmp_path / 'saved').iterdir():
    text = file.read_text().replace(' 1', '\t1').replace('\n', line_end)
    file.write_bytes(text.encode(encoding))
  plain = split_lists.read(tmp_path / 'plain')
  saved = split_lists.read(tmp_path / 'saved')
  assert (saved.splits, saved.labels, saved.notes) == (plain.splits, plain.labels, ())


def test_a_name_in_cp1252_is_read_and_said(tmp_path):
  write_lists(tmp_path / 'splits', LISTS)
  file = tmp_path / 'splits' / 'wave_test_split1.txt'
  file.write_bytes('Zoë_wave.avi 1\nB_wave_2.avi 2\n'.encode('latin-1'))
  annotation = split_lists.read(tmp_path)
  assert 'Zoë_wave' in annotation.splits['train1']
  (note,) = annotation.notes
  assert note.message.startswith(f'{file} is not UTF-8')


@pytest.mark.parametrize('line', ['D_wave_4.avi 3', 'D_wave_4.avi', '12', 'a b c'])
def test_a_malformed_line_is_left_out_and_named(tmp_path, line):
  file = 'wave_test_split1.txt'
  write_lists(tmp_path / 'splits', LISTS | {file: f'{line}\n{LISTS[file]}'})
  annotation = split_lists.read(tmp_path)
  assert annotation.splits['train1'] == ('S (1)_sit_up', 'A_wave_1')
  (note,) = annotation.notes
  assert (
    f"{file}: 1 of 4 lines are faulty: line 1: '{line}' is left out" in note.message
  )


def test_a_list_that_cannot_be_read_is_refused(tmp_path):
  file = 'wave_test_split1.txt'
  write_lists(tmp_path / 'splits', LISTS | {file: 'A_wave_1.avi\nB_wave_2.avi\n'})
  with pytest.raises(PoseDataError, match=r'split1\.txt: 2 of 2 lines cannot be used'):
    split_lists.read(tmp_path)


@pytest.mark.parametrize(
  ('again', 'train', 'test'),
  [
    ('A_wave_1.avi 1', ('S (1)_sit_up', 'A_wave_1'), ('T_sit_up', 'B_wave_2')),
    ('A_wave_1.avi 2', ('S (1)_sit_up',), ('T_sit_up', 'A_wave_1', 'B_wave_2')),
    ('B_wave_2.avi 1', ('S (1)_sit_up', 'A_wave_1'), ('T_sit_up', 'B_wave_2')),
  ],
)
def test_a_video_listed_twice_is_never_trained_and_tested_on(
  tmp_path, again, train, test
):
  file = 'wave_test_split1.txt'
  write_lists(tmp_path / 'splits', LISTS | {file: f'{LISTS[file]}{again}\n'})
  annotation = split_lists.read(tmp_path)
  assert annotation.splits['train1'] == train
  assert annotation.splits['test1'] == test
  (note,) = annotation.notes
  assert f'line 4, clip {again.split(".")[0]!r}: already in line' in note.message


def test_a_video_of_two_classes_is_in_no_split(tmp_path):
  file = 'sit_up_test_split2.txt'
  lists = LISTS | {file: f'{LISTS[file]}A_wave_1.avi 2\n'}
  write_lists(tmp_path / 'splits', lists)
  annotation = split_lists.read(tmp_path)
  assert 'A_wave_1' not in annotation.labels
  assert all('A_wave_1' not in videos for videos in annotation.splits.values())
  (note,) = annotation.notes
  left_out = "clip 'A_wave_1': left out, because it is listed under sit_up and wave"
  assert note.message.count(left_out) == 3  # It is in three lists.


def test_an_empty_list_causes_a_note(tmp_path):
  write_lists(
    tmp_path / 'splits',
    {'sit_test_split1.txt': '\n', 'run_test_split1.txt': 'a.avi 1\n'},
  )
  (note,) = split_lists.read(tmp_path).notes
  assert 'sit_test_split1.txt lists no video' in note.message
