"""Stored maps and PoTion maps on the canvas: cut, padded, cropped, stretched."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.loading import sampling
from input_pipeline.loading.clip_rows import ClipSettings
from tests.input_pipeline.loading.loader_test import (
  SETTINGS,
  WHOLE,
  evaluate,
  first,
  joined,
  train,
)


def stored_batch(maps, *, background=False, num_views=1):
  settings = ClipSettings(3, 'segments', 1, canvas=(4, 6), background=background)
  record = {'maps': maps, 'frame_size': (9, 9), 'label': 0}
  (batch,) = evaluate([record], settings=settings, batch_size=1, num_views=num_views)
  return batch['maps'][0]


def test_stored_maps_are_cut_and_padded_about_the_centre():
  rng = np.random.default_rng(0)
  maps = rng.integers(1, 255, (6, 3, 9, 2), dtype=np.uint8)
  clip = stored_batch(maps)[0]
  assert clip.shape == (3, 4, 6, 2)
  assert clip.dtype == np.uint8
  # 3 rows at the top of 4; from 9 columns, two are cut on the left and one on the right.
  np.testing.assert_array_equal(clip[:, :3], maps[[1, 3, 5], :, 2:8])
  assert not clip[:, 3].any()


def test_beside_stored_maps_there_is_background():
  maps = np.full((3, 4, 2, 3), 7, np.uint8)
  clip = stored_batch(maps, background=True)[0]
  np.testing.assert_array_equal(clip[:, :, 2:4], maps)
  for beside in (clip[:, :, :2], clip[:, :, 4:]):
    np.testing.assert_array_equal(beside, np.broadcast_to([0, 0, 255], (3, 4, 2, 3)))


def test_views_of_stored_maps():
  maps = np.zeros((9, 4, 6, 1), np.uint8)
  maps[:] = np.arange(9).reshape(-1, 1, 1, 1)
  views = stored_batch(maps, num_views=4)
  assert views.shape == (4, 3, 4, 6, 1)
  np.testing.assert_array_equal(views[..., 0, 0, 0], sampling.test_frames(9, 3, 4))


def potion_record(height, width, *, num_frames=33, maps=2):
  """Every value is a thousandth of the cell's row-major number, in all channels."""
  values = np.arange(height * width, dtype=np.float16).reshape(1, height, width, 1)
  potion = np.broadcast_to(values / np.float16(1000), (maps, height, width, 3))
  return {
    'potion': np.ascontiguousarray(potion),
    'num_frames': np.int32(num_frames),
    'frame_size': (height, width),
    'label': 0,
  }


def cells(batch):
  """The cell numbers in the first map of each clip."""
  return np.round(batch['potion'][..., 0, :, :, 0].astype(np.float32) * 1000)


def test_potion_maps_lie_on_the_canvas_with_the_videos_length():
  (batch,) = evaluate([potion_record(3, 9)], settings=WHOLE, batch_size=1)
  assert batch['potion'].shape == (1, 1, 2, 4, 6, 3)
  assert batch['potion'].dtype == np.float16
  expected = np.zeros((4, 6))
  expected[:3] = np.arange(27).reshape(3, 9)[:, 2:8]
  np.testing.assert_array_equal(cells(batch)[0, 0], expected)
  np.testing.assert_array_equal(
    batch['num_frames'], np.array([33], np.int32), strict=True
  )
  (trained,) = first(1, train([potion_record(3, 9)], settings=WHOLE, batch_size=1))
  np.testing.assert_array_equal(trained['potion'], batch['potion'][:, 0], strict=True)


def test_beside_potion_maps_there_is_background():
  settings = dataclasses.replace(WHOLE, background=True)
  (batch,) = evaluate([potion_record(4, 4)], settings=settings, batch_size=1)
  joint, background = batch['potion'][0, 0]
  for columns in (slice(1), slice(5, None)):
    assert (joint[:, columns] == 0).all()
    assert (background[:, columns] == 1).all()
  np.testing.assert_array_equal(background[:, 1:5], joint[:, 1:5])


def test_potion_maps_have_one_view():
  with pytest.raises(ValueError, match=r'eval\.views is 2, but PoTion maps .*views=1'):
    evaluate([potion_record(4, 6)], batch_size=1, num_views=2)


def test_random_crops_are_every_window_in_training_and_the_centre_in_evaluation():
  settings = dataclasses.replace(WHOLE, random_crop=True)
  records = [potion_record(6, 8)] * 4  # 4 x 6 windows can start at 3 x 3 places.
  (batch,) = first(1, train(records, settings=settings, batch_size=240, read_threads=0))
  rows = cells(batch)
  corners, counts = np.unique(rows[:, 0, 0], return_counts=True)
  np.testing.assert_array_equal(corners, [0, 1, 2, 8, 9, 10, 16, 17, 18])
  np.testing.assert_allclose(counts, 240 / 9, rtol=0.7)
  window = np.arange(48).reshape(6, 8)[:4, :6]
  np.testing.assert_array_equal(rows, window + rows[:, :1, :1])
  (batch,) = evaluate(records[:1], settings=settings, batch_size=1)
  assert cells(batch)[0, 0, 0, 0] == 9
  # A map that is smaller than the canvas stays in the middle.
  narrow = joined(first(9, train([potion_record(4, 4)], settings=settings)))
  assert (cells(narrow)[:, 0, 1] == 0).all()
  assert (cells(narrow)[:, 0, 2] == 1).all()


def test_random_crops_of_stored_maps_are_the_same_in_all_frames():
  maps = np.zeros((3, 8, 6, 1), np.uint8)
  maps[:] = np.arange(8).reshape(1, 8, 1, 1)
  record = {'maps': maps, 'frame_size': (9, 9), 'label': 0}
  settings = dataclasses.replace(SETTINGS, random_crop=True)
  (batch,) = first(1, train([record] * 9, settings=settings, batch_size=9))
  tops = batch['maps'][:, :, 0, 0, 0]
  assert len(np.unique(tops)) > 2
  assert (tops == tops[:, :1]).all()


def test_random_crops_of_all_modalities_are_the_same():
  maps = np.zeros((3, 8, 9, 1), np.uint8)
  maps[:] = np.arange(8).reshape(1, 8, 1, 1) * 10 + np.arange(9).reshape(1, 1, 9, 1)
  record = {'maps': maps, 'parts': maps, 'frame_size': (9, 9), 'label': 0}
  settings = dataclasses.replace(
    SETTINGS, random_crop=True, modalities=('joints', 'parts')
  )
  (batch,) = first(1, train([record] * 9, settings=settings, batch_size=9))
  np.testing.assert_array_equal(batch['maps'], batch['parts'])
  assert len(np.unique(batch['maps'][:, 0, 0, 0, 0])) > 2


def test_only_the_modalities_asked_for_are_read():
  maps = np.full((3, 4, 4, 2), 9, np.uint8)
  record = {
    'maps': maps,
    'parts': maps,
    'features': maps,
    'features_scale': np.float32(0.5),
    'frame_size': (9, 9),
    'label': 0,
  }
  wide = dataclasses.replace(SETTINGS, canvas=(4, 6))
  for modalities, fields in {
    ('parts',): {'parts'},
    ('joints', 'features'): {'maps', 'features', 'features_scale'},
  }.items():
    settings = dataclasses.replace(wide, modalities=modalities)
    (batch,) = evaluate([record], settings=settings, batch_size=1)
    held = {'maps', 'parts', 'features', 'features_scale'}
    assert held & batch.keys() == fields
  # Outside the map, cells are empty, which is 128 for parts.
  settings = dataclasses.replace(wide, modalities=('parts',))
  (batch,) = evaluate([record], settings=settings, batch_size=1)
  assert (batch['parts'][..., 0, :] == 128).all()
  assert (batch['parts'][..., 1, :] == 9).all()


def test_maps_smaller_than_the_canvas_are_stretched_if_configured():
  settings = dataclasses.replace(WHOLE, stretch=True)
  (batch,) = evaluate([potion_record(4, 3)], settings=settings, batch_size=1)
  # Columns at -0.25 (clipped to 0), 0.25, 0.75, 1.25, 1.75 and 2.25 (clipped to 2).
  across = np.array([0, 0.25, 0.75, 1.25, 1.75, 2])
  stretched = batch['potion'][0, 0, 0, :, :, 0] * 1000
  np.testing.assert_allclose(
    stretched, np.array([[0], [3], [6], [9]]) + across, atol=0.01
  )
  # Rows fit, columns are cut: nothing is resized.
  (batch,) = evaluate([potion_record(4, 8)], settings=settings, batch_size=1)
  expected = np.arange(32).reshape(4, 8)[:, 1:7]
  np.testing.assert_array_equal(cells(batch)[0, 0], expected)


def test_stored_maps_are_stretched_to_whole_grey_levels():
  maps = np.array([0, 100], np.uint8).reshape(1, 2, 1, 1)
  settings = ClipSettings(1, 'segments', 1, canvas=(4, 3), stretch=True)
  record = {'maps': maps, 'frame_size': (9, 9), 'label': 0}
  (batch,) = evaluate([record], settings=settings, batch_size=1)
  assert batch['maps'].dtype == np.uint8
  expected = np.array([[0], [25], [75], [100]]) + np.zeros((4, 3))
  np.testing.assert_array_equal(batch['maps'][0, 0, 0, :, :, 0], expected)
