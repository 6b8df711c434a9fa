"""Folders of files with frame numbers in their names."""

import os

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.numbered_files import (
  has_numbered_files,
  numbered_files,
  videos_of_files,
)


@pytest.fixture
def folder(tmp_path):
  for name in ('h_2.json', 'h_10.json', 'g_2.json', 'g_10.json', 'x.txt', '.h_3.json'):
    (tmp_path / name).touch()
  return tmp_path


def test_files_of_each_video_in_the_order_of_their_numbers(folder):
  found = numbered_files(folder, ('.json',), 'h')
  assert found == {2: folder / 'h_2.json', 10: folder / 'h_10.json'}
  assert list(found) == [2, 10]
  assert list(videos_of_files(folder, ('.json',))) == ['g', 'h']


def test_which_folders_have_numbered_files(folder):
  assert has_numbered_files(folder, ('.json',))
  assert not has_numbered_files(folder, ('.txt',))
  assert not has_numbered_files(folder / 'x.txt', ('.txt',))


def test_a_folder_that_changed_is_listed_again(folder):
  long_ago = 1_500_000_000
  os.utime(folder, (long_ago, long_ago))
  assert len(videos_of_files(folder, ('.json',))) == 2
  for number in (1, 2):
    (folder / f'k_{number}.json').touch()
    assert len(videos_of_files(folder, ('.json',))['k']) == number


def test_what_is_no_folder_of_frames(folder):
  with pytest.raises(PoseDataError, match=r'x\.txt is not a folder'):
    videos_of_files(folder / 'x.txt', ('.txt',))
  with pytest.raises(PoseDataError, match=r'holds no \.png or \.float files'):
    videos_of_files(folder, ('.png', '.float'))
