"""Placing frames and people on the canvas, and settings that are refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.maps.canvas import MapSettings, frame_offset
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.poses.clip import PoseClip
from tests.input_pipeline.maps.clip_batches import (
  BACKGROUND,
  PENN,
  centre_of_mass,
  maps_of,
)


@pytest.mark.parametrize(
  ('map_size', 'canvas', 'offset'),
  [(21, 22, 0), (16, 22, 3), (15, 22, 3), (28, 22, -3), (29, 22, -4), (22, 22, 0)],
)
def test_frame_offset(map_size, canvas, offset):
  assert frame_offset(map_size, canvas) == offset
  assert frame_offset(jnp.int32(map_size), jnp.int32(canvas)) == offset


PERSON = MapSettings(size=(40, 50), short_side=16, sigma=1.0, crop='person')


def person_crop(joints, *, frames=2, persons=2, skeleton=PENN):
  """The maps `[t, h, w, c]` for joints given as (frame, person, joint): (x, y)."""
  positions = np.zeros((frames, persons, skeleton.num_joints, 2))
  scores = np.zeros(positions.shape[:-1])
  for place, position in joints.items():
    positions[place], scores[place] = position, 1
  clip = PoseClip('clip', positions, scores, (240, 320), skeleton)
  return maps_of(clip, 'keypoints', PERSON)[0]


@pytest.mark.parametrize(
  ('corners', 'cells'),
  [
    # 100 × 40 pixels into 0.8 · (50 × 40) cells: 0.4 cells per pixel, by the width.
    (((10, 20), (110, 60)), ((4.5, 11.5), (44.5, 27.5))),
    # 10 × 80 pixels: 0.4 again, by the height. One corner is outside the frame.
    (((-5, 200), (5, 280)), ((22.5, 3.5), (26.5, 35.5))),
  ],
)
@pytest.mark.parametrize(
  ('first', 'second'),
  [((0, 0, 0), (0, 0, 5)), ((0, 0, 0), (1, 0, 0)), ((0, 0, 0), (0, 1, 1))],
  ids=['two joints', 'two frames', 'two people'],
)
def test_a_person_crop_fits_the_clips_box_into_the_canvas(
  corners, cells, first, second
):
  maps = person_crop({first: corners[0], second: corners[1]})
  for (frame, _, joint), cell in zip((first, second), cells, strict=True):
    one_map = maps[frame, ..., joint]
    np.testing.assert_allclose(centre_of_mass(one_map), cell, atol=1e-4)


def test_a_person_crop_of_a_single_joint_shows_it_in_the_middle():
  maps = person_crop({(0, 0, 4): (300, 7)})
  np.testing.assert_allclose(centre_of_mass(maps[0, ..., 4]), (24.5, 19.5), atol=1e-4)
  assert np.count_nonzero(maps.sum(axis=(1, 2))) == 1


def test_a_person_crop_of_nobody_is_empty():
  maps = person_crop({}, skeleton=BACKGROUND)
  np.testing.assert_array_equal(maps[..., :18], 0)
  np.testing.assert_array_equal(maps[..., 18], 1)


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'crop': 'people'}, r"no crop 'people'; it is one of \('frame', 'person'\)"),
    ({'size': (64, 86, 32, 43)}, r'map_size is \(.*\); it is \(height, width\)'),
    ({'size': (64,)}, r'map_size is \(.*\); it is \(height, width\)'),
    ({'size': (0, 86)}, r'map_size is \(.*\); it is \(height, width\)'),
    ({'modalities': ('limbs',)}, r"data.modalities is \('limbs',\)"),
    ({'part_width': 0.0}, r'data\.part_width is 0\.0; it is above 0'),
    (
      {'modalities': ('parts',), 'potion': PotionSettings()},
      r"modalities is \('parts',\), but PoTion maps show joints only; set data\.modal",
    ),
  ],
)
def test_settings_that_make_no_sense_are_refused(fields, message):
  with pytest.raises(ValueError, match=message):
    MapSettings(**{'size': (16, 22), 'short_side': 16, 'sigma': 1.0} | fields)
