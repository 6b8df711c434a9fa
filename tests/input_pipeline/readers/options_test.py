import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.options import (
  ReadOptions,
  options_of_flags,
  parse_frame_size,
)
from input_pipeline.storage.rendered_maps import DEFAULT_SHORT_SIDE


@pytest.mark.parametrize('text', ['1080x1920', ' 1080 x 1920 ', '1080×1920'])
def test_height_comes_first(text):
  assert parse_frame_size(text) == (1080, 1920)


@pytest.mark.parametrize('text', ['1080', '1080,1920', '0x5', '-1x5', '5x5x5', '1.5x2'])
def test_other_sizes_are_refused(text):
  with pytest.raises(PoseDataError, match=r'must be HEIGHTxWIDTH .* 1080x1920'):
    parse_frame_size(text)


def test_flags_that_are_set():
  assert options_of_flags(frame_size=None, max_people=None, per_person=None) is None
  options = options_of_flags(frame_size='3x4', max_people=2, per_person=None)
  assert options == ReadOptions((3, 4), 2)
  assert options.given == ('frame_size', 'max_people')


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
