"""Peaks of maps with known maxima, and their positions in the frame."""

import numpy as np

from input_pipeline.maps.rendering import pixels_to_cells
from pose_action.extraction.peaks import cells_to_pixels, pick_peaks


def bumps(tops, height=9, width=12, peak=0.8):
  """Maps [1, h, w, j], each a paraboloid with its top at that joint's (x, y)."""
  y, x = np.mgrid[:height, :width]
  maps = [peak - 0.1 * (x - top[0]) ** 2 - 0.1 * (y - top[1]) ** 2 for top in tops]
  return np.stack(maps, axis=-1)[None].astype(np.float32)


def test_finds_the_top_between_cells():
  tops = [(3.0, 4.0), (5.3, 2.8), (7.49, 6.51)]
  cells, scores = pick_peaks(bumps(tops), threshold=0.1)
  np.testing.assert_allclose(cells[0], tops, atol=1e-5)
  # The score is the highest cell's: 0.8 - (0.3² + 0.2²) / 10, 0.8 - (0.49² + 0.49²) / 10.
  np.testing.assert_allclose(scores[0], [0.8, 0.787, 0.75198], atol=1e-5)
  assert (cells.dtype, scores.dtype) == (np.float32, np.float32)


def test_each_frame_and_joint_has_its_own_peak():
  maps = np.zeros((2, 5, 6, 2), np.float32)
  maps[0, 1, 2, 0] = maps[0, 3, 4, 1] = maps[1, 2, 1, 0] = maps[1, 3, 3, 1] = 0.5
  cells, _ = pick_peaks(maps, threshold=0.1)
  np.testing.assert_array_equal(cells, [[[2, 1], [4, 3]], [[1, 2], [3, 3]]])


def test_peaks_at_a_border_are_not_refined_along_that_axis():
  # The tops are beyond the first column and the last row.
  cells, _ = pick_peaks(bumps([(-0.4, 3.2), (4.2, 8.3)]), threshold=0.1)
  np.testing.assert_allclose(cells[0], [[0, 3.2], [4.2, 8]], atol=1e-5)


def test_scores_are_clipped_to_0_to_1_and_low_peaks_are_missing():
  maps = np.zeros((1, 3, 3, 3), np.float32)
  maps[0, 1, 1] = [1.2, 0.3, 0.29]
  _, scores = pick_peaks(maps, threshold=0.3)
  np.testing.assert_array_equal(scores, np.float32([[1, 0.3, 0]]))


def test_a_flat_map_is_missing_and_finite():
  cells, scores = pick_peaks(np.zeros((1, 4, 4, 1), np.float32), threshold=0.05)
  assert np.isfinite(cells).all()
  assert scores == 0


def test_the_peak_of_a_plateau_is_its_middle():
  maps = np.zeros((1, 3, 5, 1), np.float32)
  maps[0, 1, 1:3, 0] = 0.6
  cells, _ = pick_peaks(maps, threshold=0.1)
  np.testing.assert_allclose(cells[0, 0], [1.5, 1])


def test_cells_to_pixels_is_the_inverse_of_rendering():
  cells = np.float32([[[[0, 0], [5, 3], [2.5, 1.25]]]])
  pixels = cells_to_pixels(cells, cell_size=(4.0, 8.0))
  # Cell 0 is 8 pixels wide and 4 high, so its centre is at x = 3.5, y = 1.5.
  np.testing.assert_array_equal(pixels[0, 0, 0], [3.5, 1.5])
  assert pixels.dtype == np.float32
  frame_size, map_size = np.float32([40, 80]), np.float32([10, 10])
  np.testing.assert_allclose(pixels_to_cells(pixels, frame_size, map_size), cells)
