"""HMDB51's and JHMDB's split lists: small lists in the official format, and real lists."""

import logging

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


def test_hmdb51_lists_of_other_sizes_cause_a_warning(tmp_path, caplog):
  folder = tmp_path / 'testTrainMulti_7030_splits'
  write_lists(
    folder,
    {
      'run_test_split1.txt': seventy_thirty(),
      'run_test_split2.txt': seventy_thirty(of_train=69),
    },
  )
  with caplog.at_level(logging.WARNING):
    annotation = split_lists.read(tmp_path)
  sizes = {split: len(videos) for split, videos in annotation.splits.items()}
  assert sizes == {'train1': 70, 'test1': 30, 'train2': 69, 'test2': 30}
  assert caplog.messages == [
    f'{folder / "run_test_split2.txt"} lists 69 videos to train on, but the official'
    ' lists have 70 per class'
  ]


def test_no_lists(tmp_path):
  with pytest.raises(PoseDataError, match=r'no split lists: .*_test_split<k>.*\.rar'):
    split_lists.read(tmp_path)


def test_real_lists_of_jhmdb(shared_data, caplog):
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
  assert not caplog.messages  # JHMDB's lists need not have 70 and 30 videos per class.
