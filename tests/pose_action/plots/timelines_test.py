"""Pictures of timelines: which colour is where."""

import numpy as np
from matplotlib import colors

from pose_action.plots.timelines import Bar, Lane, style_of, timelines_image


def test_every_action_has_its_colour_in_its_lane_and_time():
  lanes = [
    Lane('first', (0, 10), (Bar('a', 0, 5, 0.9), Bar('b', 5, 10, 0.9))),
    Lane('second', (0, 10), (Bar('b', 0, 5, 0.9),)),
  ]
  image = timelines_image(lanes, end=10, unit='frames', title='t').astype(int)

  def shares(row: int) -> tuple[float, float]:
    """Which share of the picture's row has the colour of the first and second class."""
    colours = [np.array(colors.to_rgb(style_of(i)[0])) * 255 for i in (0, 1)]
    near = [np.abs(image[row] - colour).max(axis=-1) < 3 for colour in colours]
    return near[0].sum() / 1000, near[1].sum() / 1000  # The axes are 10 inches wide.

  a, b = np.array([shares(row) for row in range(len(image))]).T
  first = np.flatnonzero(a > 0.35)
  second = np.flatnonzero((b > 0.35) & (a < 0.1))
  assert 20 < len(first) < 42 and 20 < len(second) < 42
  assert (b[first] > 0.35).mean() > 0.8  # Half of the lane each; but for the text.
  assert second.min() > first.max()
  half = image[first[2], : image.shape[1] // 2]
  assert np.abs(half - np.array(colors.to_rgb(style_of(1)[0])) * 255).max(-1).min() > 3


def test_classes_beyond_the_colours_have_another_hatch():
  styles = [style_of(index) for index in range(42)]
  assert len(set(styles)) == 42
  assert len({colour for colour, _ in styles}) == 7


def test_many_people_are_cut_and_nobody_is_fine():
  lanes = [Lane(str(n), (0, 1), (Bar(f'c{n}', 0, 1, 0.5),)) for n in range(70)]
  many = timelines_image(lanes, end=1, unit='frames', title='t')
  some = timelines_image(lanes[:60], end=1, unit='frames', title='t')
  assert abs(len(many) - len(some)) < 20
  assert timelines_image([], end=1, unit='frames', title='t').ndim == 3
