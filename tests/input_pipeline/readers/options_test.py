import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.options import (
  ReadOptions,
  options_of_flags,
)
from input_pipeline.storage.rendered_maps import DEFAULT_SHORT_SIDE


def test_flags_that_are_set():
  assert options_of_flags(frame_size=None, max_people=None, per_person=None) is None
  options = options_of_flags(frame_size='4x3', max_people=2, per_person=None)
  assert options == ReadOptions((3, 4), 2)
  assert options.given == ('frame_size', 'max_people')
  assert options.frame_size_in_words == (
    'frames are read as 4 wide, 3 high, unless the files state their size'
  )
  assert ReadOptions(max_people=2).frame_size_in_words == ''


def test_maps_are_as_large_as_rendered_ones():
  assert ReadOptions().short_side == DEFAULT_SHORT_SIDE


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'max_people': 0}, r'max_people is 0'),
    ({'short_side': 0}, r'short_side 0'),
    ({'frame_size': (0, 4)}, r'frame_size is \(0, 4\), but must be \(height, width\)'),
    ({'frame_size': (4,)}, r'frame_size is \(4,\)'),
  ],
)
def test_what_makes_no_sense(options, message):
  with pytest.raises(PoseDataError, match=message):
    ReadOptions(**options)
