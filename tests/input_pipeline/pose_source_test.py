"""PoseSource: splits are checked, clips are loaded on demand."""

import pytest

from input_pipeline.pose_clip import PoseDataError
from input_pipeline.pose_source import PoseSource
from input_pipeline.skeletons import SKELETONS


def source_of(splits) -> PoseSource:
  def load(video_id):
    raise PoseDataError(f'clip {video_id!r} was loaded')

  return PoseSource(SKELETONS['jhmdb'], ('sit', 'stand'), splits, load)


def test_nothing_is_loaded_until_asked_for():
  source = source_of({'train': ('a', 'b'), 'test': ('c',)})
  with pytest.raises(PoseDataError, match="'b' was loaded"):
    source.load('b')


def test_a_clip_twice_in_one_split():
  with pytest.raises(PoseDataError, match="split 'test' names clip 'b' more than once"):
    source_of({'train': ('a',), 'test': ('a', 'b', 'c', 'b', 'c')})


def test_a_clip_in_two_splits():
  splits = {'train1': ('a', 'b'), 'test2': ('b',)}  # As JHMDB's three splits do.
  assert source_of(splits).splits == splits
