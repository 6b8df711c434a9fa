"""Stored maps: resampled to their grid, thresholded, and coded in 8 bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.maps.quantization import dequantize
from input_pipeline.maps.rendering import pixels_to_cells
from input_pipeline.skeletons.registry import get_skeleton
from pose_action.extraction.extractor import NetworkMaps
from pose_action.extraction.maps import map_size, resampled, stored_maps
from pose_action.extraction.peaks import pick_peaks

SKELETON = get_skeleton('openpose_18_background')


def test_map_size_keeps_the_aspect():
  assert map_size((240, 320), 64) == (64, 85)
  assert map_size((320, 240), 64) == (85, 64)


def test_the_same_grid_gives_the_same_maps():
  maps = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype(np.float32)
  same = resampled(maps, (10.0, 10.0), (60, 80), (6, 8))
  np.testing.assert_allclose(same, maps, atol=1e-6)


@pytest.mark.parametrize('size', [(4, 5), (13, 17)])
def test_resampling_agrees_with_jax(size):
  maps = np.random.default_rng(0).normal(size=(1, 7, 9, 2)).astype(np.float32)
  # 7 × 9 cells of 8 pixels; the frame ends inside the last cells.
  frame_size = (50, 68)
  expected = jax.image.scale_and_translate(
    jnp.array(maps),
    (1, *size, 2),
    spatial_dims=(1, 2),
    scale=jnp.array([8 * size[0] / 50, 8 * size[1] / 68], jnp.float32),
    translation=jnp.zeros(2, jnp.float32),
    method='cubic',
  )
  found = resampled(maps, (8.0, 8.0), frame_size, size)
  np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize('size', [(9, 13), (30, 40), (64, 85)])
def test_a_ramp_is_sampled_at_cell_centres(size):
  # The map's values are the pixel positions of its cell centres.
  frame_size, cell_size = (120, 160), (8.0, 8.0)
  y, x = np.mgrid[:15, :20].astype(np.float32)
  positions = np.stack([8 * x + 3.5, 8 * y + 3.5], axis=-1)[None]
  found = resampled(positions, cell_size, frame_size, size)[0]
  rows, columns = np.mgrid[: size[0], : size[1]]
  pixels = np.stack(
    [(columns + 0.5) * 160 / size[1] - 0.5, (rows + 0.5) * 120 / size[0] - 0.5], axis=-1
  )
  inner = (slice(size[0] // 4, -size[0] // 4), slice(size[1] // 4, -size[1] // 4))
  # Antialiasing costs up to 1/32 of a cell of 8 pixels.
  np.testing.assert_allclose(found[inner], pixels[inner], atol=0.25)


def test_cells_that_extend_beyond_the_frame_are_cut():
  # 20 pixels need three cells of 8, and the last cell ends at 24.
  maps = np.zeros((1, 3, 3, 1), np.float32)
  maps[0, 1, 2] = 1
  found = resampled(maps, (8.0, 8.0), (24, 20), (24, 20))
  cells, _ = pick_peaks(found, threshold=0.1)
  # The last cell's centre is at x = 19.5, y = 11.5 pixels.
  assert cells[0, 0, 0] == 19
  assert cells[0, 0, 1] == pytest.approx(11.5, abs=0.5)


def test_a_peak_stays_at_its_pixel():
  maps = np.zeros((1, 46, 54, 19), np.float32)
  maps[0, 20, 30, 3] = 0.8
  network = NetworkMaps({'joints': maps}, cell_size=(240 / 46, 320 / 54))
  stored = store(network, ['joints'])['joints']
  cells, _ = pick_peaks(dequantize(stored, 'joints')[..., :18], threshold=0.1)
  pixel = np.float32([[[[(30.5) * 320 / 54 - 0.5, (20.5) * 240 / 46 - 0.5]]]])
  expected = pixels_to_cells(pixel, np.float32([240, 320]), np.float32([64, 85]))
  np.testing.assert_allclose(cells[0, 3], expected[0, 0, 0], atol=0.05)


def store(network, modalities, *, frame_size=(240, 320), short_side=64, threshold=0.05):
  return stored_maps(
    network,
    modalities,
    skeleton=SKELETON,
    frame_size=frame_size,
    short_side=short_side,
    threshold=threshold,
  )


def stored_as_is(modality, channels, values):
  """Stores one frame's maps; the first cell has these values in its first channels."""
  maps = np.zeros((1, 4, 4, channels), np.float32)
  maps[0, 0, 0, : len(values)] = values
  network = NetworkMaps({modality: maps}, cell_size=(2.0, 2.0))
  return store(network, [modality], frame_size=(8, 8), short_side=4)[modality]


def test_joints_below_the_threshold_are_0():
  codes = stored_as_is('joints', 19, [1.3, 0.5, 0.06, 0.04, -0.3])
  # round(255 · value), with 1.3 clipped to 1.
  np.testing.assert_array_equal(codes[0, 0, 0, :5], [255, 128, 15, 0, 0])
  assert codes.dtype == np.uint8


def test_the_background_is_the_network_s_own_and_exactly_1_near_1():
  maps = np.zeros((1, 4, 4, 19), np.float32)
  maps[0, ..., -1] = [[1.02, 0.97, 0.94, 0.3]] * 4
  network = NetworkMaps({'joints': maps}, cell_size=(2.0, 2.0))
  codes = store(network, ['joints'], frame_size=(8, 8), short_side=4)['joints']
  # 0.97 is closer to 1 than 0.05; 0.94 and 0.3 are 239.7 and 76.5 of 255.
  np.testing.assert_array_equal(codes[0, 0, :, -1], [255, 255, 240, 76])


def test_fields_with_magnitudes_below_the_threshold_are_0():
  codes = stored_as_is('parts', 38, [1.0, -1.0, 0.04, -0.04, 0.5, -0.5])
  # The code 128 means 0, and steps are 1/127.
  np.testing.assert_array_equal(codes[0, 0, 0, :6], [255, 1, 128, 128, 192, 64])


def test_features_remain_float16_and_not_negative():
  features = stored_as_is('features', 3, [40.0, 0.01, -2.0])
  np.testing.assert_allclose(features[0, 0, 0], [40, 0.01, 0], rtol=1e-3)
  assert features.dtype == np.float16


def test_only_the_requested_modalities_are_stored():
  maps = {
    'joints': np.zeros((1, 4, 4, 19), np.float32),
    'parts': np.zeros((1, 4, 4, 38), np.float32),
  }
  stored = store(NetworkMaps(maps, (2.0, 2.0)), ['parts'], frame_size=(8, 8))
  assert list(stored) == ['parts']
