"""Poses from elsewhere and the videos that they were found in."""

import dataclasses

import numpy as np
import pytest
import tiny_run

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.footage import Footage
from pose_action.sources.footage import with_footage
from pose_action.sources.opener import Reading, open_any


def source_of(*names):
  source = tiny_run.source()
  return dataclasses.replace(
    source, splits={'test': names}, load=lambda name: source.load('test_501')
  )


@pytest.fixture
def videos(tmp_path):
  for name in ('a.mp4', 'b.avi'):
    (tmp_path / name).touch()
  return tmp_path


def test_the_video_of_all_people_in_it(videos):
  source = with_footage(source_of('a#0', 'a#1'), str(videos / 'b.avi'))
  assert source.load('a#1').footage == Footage(videos / 'b.avi')


def test_videos_by_name(videos):
  source = with_footage(source_of('b', 'a#7', 'c'), str(videos))
  assert source.load('b').footage == Footage(videos / 'b.avi')
  assert source.load('a#7').footage == Footage(videos / 'a.mp4')
  assert source.load('c').footage is None
  assert source.notes[0].message.startswith('1 of 3 clips have no video of their name')


def test_videos_that_do_not_fit(videos):
  with pytest.raises(PoseDataError, match='is one video, but the poses are those of 2'):
    with_footage(source_of('a', 'b'), str(videos / 'a.mp4'))
  with pytest.raises(PoseDataError, match=r'the videos are a, b, the clips c$'):
    with_footage(source_of('c'), str(videos))
  with pytest.raises(PoseDataError, match='does not exist'):
    with_footage(source_of('c'), str(videos / 'd.mp4'))


def test_a_source_that_is_a_video_takes_no_other(videos):
  reading = Reading(footage=str(videos / 'b.avi'))
  with pytest.raises(PoseDataError, match='is a video, so its poses are found in it'):
    open_any(str(videos / 'a.mp4'), reading)


def test_pose_files_on_their_video(videos):
  np.save(videos / 'a.npy', np.full((4, 5, 3), [20, 30, 1], np.float32))
  from input_pipeline.readers.options import ReadOptions

  reading = Reading(
    format='numpy', options=ReadOptions(frame_size=(48, 64)), footage=str(videos)
  )
  opened = open_any(str(videos / 'a.npy'), reading, model=tiny_run.SKELETON)
  assert opened.source.load('a').footage == Footage(videos / 'a.mp4')
  assert not opened.is_temporary
