import numpy as np

from pose_action.plots.clip_overview import clip_overview_image


def overview(**changes):
  rng = np.random.default_rng(0)
  inputs = {
    'limbs': [(0, 1), (1, 2)],
    'limb_sides': ['left', 'right'],
    'maps': rng.uniform(size=(3, 8, 10)),
    'motion_maps': rng.normal(size=(2, 8, 10)),
    'answer': [('wave', 0.8), ('sit', 0.2)],
    'truth': 'wave',
  } | changes
  return clip_overview_image(
    rng.uniform(0, 50, (3, 3, 2)), np.ones((3, 3), bool), **inputs
  )


def share_of(picture, colour):
  return (picture == colour).all(axis=-1).mean()


def test_a_picture_with_the_sides_and_the_true_class_in_colour():
  picture = overview()
  assert picture.dtype == np.uint8 and picture.shape[-1] == 3
  assert share_of(picture, (0x00, 0x72, 0xB2)) > 0  # A left limb.
  assert share_of(picture, (0xD5, 0x5E, 0x00)) > 0  # A right one.
  green = (0x00, 0x9E, 0x73)
  assert share_of(picture, green) > 0.01
  assert share_of(overview(truth=''), green) == 0
  wrong = overview(truth='sit')
  assert 0 < share_of(wrong, green) < share_of(picture, green)
