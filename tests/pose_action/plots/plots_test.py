"""Pictures, checked by their pixels: which cell has which colour."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib import image as images

from pose_action import plots


def _colour(name: str, value: float) -> np.ndarray:
  return np.round(np.array(colormaps[name](value)[:3]) * 255)


def _where(image: np.ndarray, colour) -> np.ndarray:
  """Pixels (row, column) with a colour, up to the colour map's rounding."""
  near = np.abs(image.astype(int) - np.asarray(colour)).max(axis=-1) <= 2
  return np.argwhere(near)


def _filled_rows(image: np.ndarray, colour) -> np.ndarray:
  """The number of pixels with a colour, per row that has more than text would."""
  per_row = np.bincount(_where(image, colour)[:, 0], minlength=1)
  return per_row[per_row > 40]


def test_rows_of_the_confusion_matrix_are_true_classes_and_add_up_to_one():
  # 0.65 of class 0 is predicted as class 1 (top right); class 1 is always right. The
  # shares 0.35 and 0.65 occur only here; normalised by columns they would be 1 and
  # 0.065.
  image = plots.confusion_matrix_image(np.array([[35, 65], [0, 1000]]), ['a', 'b'])
  assert image.dtype == np.uint8
  own = _where(image[:, :-90], _colour('Blues', 0.35)).mean(axis=0)
  other = _where(image[:, :-90], _colour('Blues', 0.65)).mean(axis=0)
  assert abs(own[0] - other[0]) < 10  # The same row …
  assert 60 < other[1] - own[1] < 140  # … and the wrong one to the right.


def test_a_class_without_clips_is_grey_not_wrong():
  image = plots.confusion_matrix_image(np.diag([3, 0, 2]), ['a', 'b', 'c'])
  grey = _filled_rows(image, 191)  # 0.75 · 255
  assert 50 < len(grey) < 80  # One cell high, of 200 pixels for three …
  assert np.median(grey) > 190  # … and three wide.
  complete = plots.confusion_matrix_image(np.diag([3, 1, 2]), ['a', 'b', 'c'])
  assert len(_filled_rows(complete, 191)) == 0


@pytest.mark.parametrize(('num_classes', 'pixels_per_class'), [(12, 40), (51, 18)])
def test_every_class_has_room_for_its_name(num_classes, pixels_per_class):
  names = [f'swing_baseball_{i}' for i in range(num_classes)]
  image = plots.confusion_matrix_image(np.eye(num_classes, dtype=int), names)
  assert min(image.shape[:2]) > num_classes * pixels_per_class
  border = np.concatenate([image[:4].ravel(), image[-4:].ravel(), image[:, :4].ravel()])
  assert (border == 255).all()  # Nothing is cut off at an edge.


def test_longer_names_make_a_larger_picture_not_a_smaller_matrix():
  short = plots.confusion_matrix_image(np.eye(4, dtype=int), ['a'] * 4)
  long = plots.confusion_matrix_image(np.eye(4, dtype=int), ['a' * 40] * 4)
  assert long.shape[0] > short.shape[0] + 100
  assert long.shape[1] > short.shape[1] + 100


def test_counts_stand_in_the_cells_up_to_thirty_classes():
  def dark_pixels(num_classes):
    """Inside the upper triangle, where only counts are drawn."""
    counts = np.triu(np.ones((num_classes, num_classes), int), 1)
    with_counts = plots.confusion_matrix_image(counts, ['a'] * num_classes)
    return int((with_counts.max(axis=-1) < 60).sum())

  assert dark_pixels(30) > dark_pixels(31) + 1000


def test_sample_maps_stand_clip_by_row_and_frame_by_column():
  maps = np.zeros((2, 3, 16, 16, 4), np.float32)
  maps[0, 2, :, :, 1] = 0.5  # First clip, last frame: top right.
  maps[1, 0, :, :, 3] = 1.0  # Second clip, first frame: bottom left.
  image = plots.sample_maps_image(maps, ['first', 'second'])[:, :-90]  # No scale.
  half = _where(image, _colour('magma', 0.5)).mean(axis=0)
  full = _where(image, _colour('magma', 1.0)).mean(axis=0)
  assert half[0] < full[0] - 100  # Above.
  assert half[1] > full[1] + 200  # Two columns to the right.


def test_motion_maps_show_the_strongest_channel_with_its_sign():
  motion = np.zeros((1, 16, 16, 3, 2), np.float32)
  motion[..., 0, 0], motion[..., 2, 0] = 0.4, -0.8  # Output 0: -0.8 is larger than 0.4.
  motion[..., 1, 1] = 0.4
  image = plots.motion_maps_image(motion, ['clip'])[:, :-90]
  negative = _where(image, _colour('RdBu_r', 0.0)).mean(axis=0)
  positive = _where(image, _colour('RdBu_r', 0.75)).mean(axis=0)  # 0.4 on -0.8..0.8.
  assert positive[1] > negative[1] + 100  # Output 1 is to the right of output 0.


def test_maps_without_any_signal_or_with_nan_are_still_drawn():
  nothing = plots.sample_maps_image(np.zeros((1, 2, 8, 8, 3)), ['empty'])
  assert len(_where(nothing, _colour('magma', 0.0))) > 10_000
  broken = np.full((1, 8, 8, 3, 2), np.nan, np.float32)
  assert len(_where(plots.motion_maps_image(broken, ['diverged']), 191)) > 10_000


@pytest.mark.parametrize(
  ('draw', 'message'),
  [
    (
      lambda: plots.confusion_matrix_image(np.eye(3, dtype=int), ['a', 'b']),
      r'counts have shape \(3, 3\), but 2 class names',
    ),
    (
      lambda: plots.sample_maps_image(np.zeros((2, 8, 8, 3)), ['a', 'b']),
      r'maps have shape \(2, 8, 8, 3\), but need \[b, t, h, w, c\]',
    ),
    (
      lambda: plots.motion_maps_image(np.zeros((2, 8, 8, 3, 6)), ['a']),
      '2 clips need a title each, but got 1',
    ),
  ],
)
def test_misuse_is_refused(draw, message):
  with pytest.raises(ValueError, match=message):
    draw()


def test_save_png_keeps_every_pixel_and_leaves_nothing_else(tmp_path):
  image = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
  plots.save_png(tmp_path / 'image.png', image)
  assert [path.name for path in tmp_path.iterdir()] == ['image.png']
  read = np.round(images.imread(tmp_path / 'image.png')[..., :3] * 255)
  np.testing.assert_array_equal(read, image)


def test_save_png_that_fails_leaves_the_old_picture(tmp_path):
  path = tmp_path / 'image.png'
  path.write_bytes(b'old')
  with pytest.raises(ValueError):
    plots.save_png(path, np.zeros((4, 4, 7), np.uint8))
  assert path.read_bytes() == b'old'


def test_import_loads_neither_matplotlib_nor_jax():
  code = (
    'import sys, pose_action.plots as p, numpy;'
    "assert not {'matplotlib', 'jax'} & set(sys.modules);"
    "p.sample_maps_image(numpy.ones((1, 1, 8, 8, 1)), ['a']);"
    "assert not {'matplotlib.pyplot', 'jax'} & set(sys.modules)"
  )
  subprocess.run([sys.executable, '-c', code], check=True)
