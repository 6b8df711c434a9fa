"""The contact sheet: where the colours are, and what is refused."""

import dataclasses

import numpy as np
import pytest

from pose_action.plots.contact_sheet import SheetClip, contact_sheet_image

LEFT, RIGHT, MIDDLE = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (0x59,) * 3
# A left limb over the left half of the frame, a right limb over the right one.
LIMBS = [(0, 1), (2, 3)]


def clip(**fields) -> SheetClip:
  keypoints = np.array([[[[5, 50], [45, 50], [55, 50], [95, 50]]]], np.float32)
  return dataclasses.replace(
    SheetClip('id', 'run', keypoints, np.ones((1, 1, 4), bool), [7], (100, 100)),
    **fields,
  )


def drawn(image, colour, below=70):
  """Columns of the pixels with a colour, without the legend above."""
  return np.nonzero((image[below:] == colour).all(axis=-1))[1]


def test_sides_have_their_colours():
  image = contact_sheet_image('sheet', [clip()], LIMBS, ['left', 'right'])
  assert image.dtype == np.uint8 and image.shape[2] == 3
  left, right = drawn(image, LEFT), drawn(image, RIGHT)
  assert len(left) > 20 and len(right) > 20
  assert left.max() < right.min()
  swapped = contact_sheet_image('sheet', [clip()], LIMBS, ['right', 'left'])
  assert drawn(swapped, RIGHT).max() < drawn(swapped, LEFT).min()


def test_a_limb_of_the_middle_is_grey():
  image = contact_sheet_image('sheet', [clip()], LIMBS, ['middle', 'right'])
  assert not len(drawn(image, LEFT))
  assert len(drawn(image, MIDDLE)) > 20


def test_a_limb_is_drawn_where_both_joints_are():
  seen = np.array([[[True, False, True, True]]])
  image = contact_sheet_image('sheet', [clip(seen=seen)], LIMBS, ['left', 'right'])
  assert not len(drawn(image, LEFT))
  assert len(drawn(image, RIGHT)) > 20


def test_what_lies_outside_the_frame_is_cut_off():
  far = np.array([[[[5, 50], [300, 50], [0, 400], [95, 400]]]], np.float32)
  one = contact_sheet_image('sheet', [clip()], LIMBS, ['left', 'left'])
  image = contact_sheet_image('sheet', [clip(keypoints=far)], LIMBS, ['left', 'right'])
  assert image.shape == one.shape
  assert drawn(image, LEFT).max() <= drawn(one, LEFT).max() + 10
  assert not len(drawn(image, RIGHT))


def test_the_sheet_grows_downwards():
  one, four, six = (
    contact_sheet_image('sheet', [clip()] * n, LIMBS, ['left', 'right']).shape
    for n in (3, 4, 6)
  )
  assert one[1] == four[1] == six[1]
  assert one[0] < four[0] == six[0]


def test_high_frames_have_high_panels():
  wide = contact_sheet_image('s', [clip(frame_size=(50, 100))] * 3, LIMBS, ['left'] * 2)
  high = contact_sheet_image(
    's', [clip(frame_size=(200, 100))] * 3, LIMBS, ['left'] * 2
  )
  assert high.shape[0] > wide.shape[0] + 80


def test_a_long_id_keeps_its_ends_and_its_place():
  short = contact_sheet_image('s', [clip()] * 3, LIMBS, ['left'] * 2)
  long = contact_sheet_image('s', [clip(title='x' * 300)] * 3, LIMBS, ['left'] * 2)
  assert long.shape[1] < short.shape[1] + 60


def test_what_is_refused():
  with pytest.raises(ValueError, match=r'no clip to draw'):
    contact_sheet_image('sheet', [], LIMBS, ['left', 'right'])
  with pytest.raises(ValueError, match=r"'id' has keypoints \(1, 1, 4, 2\), seen \(2,"):
    clip(seen=np.ones((2, 1, 4), bool))
  with pytest.raises(ValueError, match=r'2 frame numbers'):
    clip(frames=[1, 2])
