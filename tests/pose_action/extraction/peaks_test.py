"""Peaks of maps whose tops are known, and where they lie in the frame."""

import numpy as np

from input_pipeline.maps.rendering import pixels_to_cells
from pose_action.extraction.peaks import cells_to_pixels, pick_peaks


def bumps(tops, height=9, width=12, peak=0.8):
  """A map a joint, of a paraboloid with its top at (x, y): [1, h, w, j]."""
  y, x = np.mgrid[:height, :width]
  maps = [peak - 0.1 * (x - top[0]) ** 2 - 0.1 * (y - top[1]) ** 2 for top in tops]
  return np.stack(maps, axis=-1)[None].astype(np.float32)


def test_finds_the_top_between_cells():
  tops = [(3.0, 4.0), (5.3, 2.8), (7.49, 6.51)]
  cells, scores = pick_peaks(bumps(tops), threshold=0.1)
  np.testing.assert_allclose(cells[0], tops, atol=1e-5)
  # The score is the highest cell's: 0.3² + 0.2², and 0.49² + 0.49², a tenth lower.
  np.testing.assert_allclose(scores[0], [0.8, 0.787, 0.75198], atol=1e-5)
  assert (cells.dtype, scores.dtype) == (np.float32, np.float32)


def test_each_frame_and_joint_has_its_own():
  maps = np.zeros((2, 5, 6, 2), np.float32)
  maps[0, 1, 2, 0] = maps[0, 3, 4, 1] = maps[1, 2, 1, 0] = maps[1, 3, 3, 1] = 0.5
  cells, _ = pick_peaks(maps, threshold=0.1)
  np.testing.assert_array_equal(cells, [[[2, 1], [4, 3]], [[1, 2], [3, 3]]])


def test_at_a_border_the_cell_is_taken_along_that_axis():
  # The tops lie beyond the first column and the last row.
  cells, _ = pick_peaks(bumps([(-0.4, 3.2), (4.2, 8.3)]), threshold=0.1)
  np.testing.assert_allclose(cells[0], [[0, 3.2], [4.2, 8]], atol=1e-5)


def test_scores_lie_in_0_to_1_and_low_peaks_are_missing():
  maps = np.zeros((1, 3, 3, 3), np.float32)
  maps[0, 1, 1] = [1.2, 0.3, 0.29]
  _, scores = pick_peaks(maps, threshold=0.3)
  np.testing.assert_array_equal(scores, np.float32([[1, 0.3, 0]]))


def test_a_flat_map_is_missing_and_finite():
  cells, scores = pick_peaks(np.zeros((1, 4, 4, 1), np.float32), threshold=0.05)
  assert np.isfinite(cells).all()
  assert scores == 0


def test_a_plateau_stays_within_it():
  maps = np.zeros((1, 3, 5, 1), np.float32)
  maps[0, 1, 1:3, 0] = 0.6
  cells, _ = pick_peaks(maps, threshold=0.1)
  # The middle between two equal cells.
  np.testing.assert_allclose(cells[0, 0], [1.5, 1])


def test_pixels_are_those_that_rendering_takes_back():
  cells = np.float32([[[[0, 0], [5, 3], [2.5, 1.25]]]])
  pixels = cells_to_pixels(cells, cell_size=(4.0, 8.0))
  # Cell 0 is 8 pixels wide and 4 high: its centre lies between pixels 3 and 4, 1 and 2.
  np.testing.assert_array_equal(pixels[0, 0, 0], [3.5, 1.5])
  assert pixels.dtype == np.float32
  frame_size, map_size = np.float32([40, 80]), np.float32([10, 10])
  np.testing.assert_allclose(pixels_to_cells(pixels, frame_size, map_size), cells)
