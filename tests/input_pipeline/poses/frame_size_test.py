"""Frame sizes as text and in words, and joints that fit the transpose better."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.frame_size import (
  are_outside,
  as_text,
  how_to_give,
  in_words,
  parse_frame_size,
  size_notes,
  transposed_fits_better,
)

LANDSCAPE, PORTRAIT = (40, 90), (90, 40)


@pytest.mark.parametrize(
  'text',
  [
    '1920x1080',
    ' 1920 x 1080 ',
    '1920×1080',
    '1920X1080',
    'height:1080,width:1920',
    'width:1920, height:1080',
    'Height=1080,Width=1920',
  ],
)
def test_width_comes_first_in_text_and_height_in_code(text):
  assert parse_frame_size(text) == (1080, 1920)


@pytest.mark.parametrize(
  'text',
  [
    *['', '1920', '1920,1080', '1080p', '0x5', '5x0', '-1x5', '5x5x5', '1.5x2', '5 5'],
    *['(1080, 1920)', 'height:1080', 'height:1080,1920', 'width:5,width:6'],
    *['height:1080,width:1920,width:1920', 'height:0,width:5', 'depth:3,width:5'],
  ],
)
def test_other_sizes_are_refused_in_one_line(text):
  match = (
    r"^--size is '.*', but must be WIDTHxHEIGHT in pixels, such as 1280x720, or .*$"
  )
  with pytest.raises(PoseDataError, match=match):
    parse_frame_size(text, '--size')


def test_in_words_and_as_text():
  assert in_words((720, 1280)) == '1280 wide, 720 high'
  assert as_text((720, 1280)) == '1280x720'
  assert parse_frame_size(as_text((720, 1280))) == (720, 1280)


def test_a_frame_ends_at_the_edges_of_its_outer_pixels():
  inside = [[-0.5, -0.5], [89.5, 39.5], [0, 39]]
  outside = [[-0.6, 3], [3, -0.6], [89.6, 3], [3, 39.6], [50, 60]]
  assert are_outside(np.float32([inside + outside]), LANDSCAPE).tolist() == [
    [False] * 3 + [True] * 5
  ]


def clip(x, y):
  """Keypoints `[t, 1, 1, 2]` and scores `[t, 1, 1]` of one joint on a path."""
  positions = np.stack(np.broadcast_arrays(x, y), axis=-1).astype(np.float32)
  return positions[:, None, None], np.ones((len(positions), 1, 1), np.float32)


def test_a_person_who_walks_through_the_wider_frame():
  path = clip(np.linspace(0, 88, 30), 20)
  assert transposed_fits_better(*path, PORTRAIT)
  assert not transposed_fits_better(*path, LANDSCAPE)
  assert not transposed_fits_better(*path, (40, 40))  # Its transpose is the same.


def test_few_joints_outside_or_outside_either_way_are_no_reason():
  few = clip([60] + [20] * 29, 20)
  assert not transposed_fits_better(*few, PORTRAIT)
  either = clip(np.linspace(0, 88, 30), np.linspace(0, 88, 30))
  assert not transposed_fits_better(*either, PORTRAIT)


def test_missing_joints_do_not_count():
  keypoints, scores = clip([60] * 15 + [20] * 15, 20)
  assert transposed_fits_better(keypoints, scores, PORTRAIT)
  scores[:15] = 0
  assert not transposed_fits_better(keypoints, scores, PORTRAIT)
  assert not transposed_fits_better(keypoints, 0 * scores, PORTRAIT)


def test_how_to_give_a_size_names_what_each_program_has():
  assert how_to_give() == (
    '--frame_size=WIDTHxHEIGHT (train: --config.data.frame_size=WIDTHxHEIGHT; Python:'
    ' frame_size=(height, width))'
  )
  assert how_to_give((720, 1280)) == (
    '--frame_size=1280x720 (train: --config.data.frame_size=1280x720; Python:'
    ' frame_size=(720, 1280))'
  )


def test_notes_about_a_size():
  path = clip(np.linspace(0, 88, 30), 20)
  assert (
    size_notes(*path, LANDSCAPE, None) == size_notes(*path, LANDSCAPE, LANDSCAPE) == ()
  )
  (note,) = size_notes(*path, PORTRAIT, PORTRAIT)
  assert note.kind == 'exchanged_frame_size_40x90'
  assert 'read as 40 wide, 90 high, but nearly all inside frames 90 wide, 40 high' in (
    note.message
  )
  assert 'exchanged, give --frame_size=90x40 (' in note.message
  (note,) = size_notes(*path, PORTRAIT, None)
  assert note.message.endswith('exchanged, exchange height and width in the files')


def test_a_given_size_that_the_files_contradict():
  (note,) = size_notes(*clip(np.linspace(0, 88, 30), 20), LANDSCAPE, PORTRAIT)
  assert note.kind == 'given_frame_size'
  assert note.message == (
    'the files state frames 90 wide, 40 high, so the given size, 40 wide, 90 high, is'
    ' not used'
  )


def test_annotations_a_little_beyond_the_frame_are_no_exchange():
  """As in JHMDB: feet are followed below the lower edge."""
  keypoints = np.full((20, 1, 10, 2), 100.0)
  keypoints[:, 0, :2, 1] = 250  # A fifth of the joints, below a frame 240 high.
  scores = np.ones((20, 1, 10))
  assert not transposed_fits_better(keypoints, scores, (240, 320))
  keypoints[:, 0, :2, 1] = 300
  assert transposed_fits_better(keypoints, scores, (240, 320))
