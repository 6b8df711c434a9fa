"""The picture of a clip's activations, checked by its pixels."""

import numpy as np
import pytest
from matplotlib import colormaps

from pose_action import plots
from pose_action.plots import activations, channel_pooling, panel_rows
from pose_action.plots.panel_rows import PanelRow, panel_rows_image

RNG = np.random.default_rng(0)


def _where(image, colours, value):
  """Pixels (row, column) with a colour, up to the colour map's rounding."""
  colour = np.array(colormaps[colours](value)[:3]) * 255
  return np.argwhere(np.abs(image.astype(int) - colour).max(axis=-1) <= 2)


def _draw(**changes):
  given = {
    'title': 'clip',
    'subtitle': 'predicted: a (50.0%)',
    'maps': {'joints': RNG.uniform(size=(4, 12, 16, 3))},
    'motion_maps': {'joints': RNG.normal(size=(12, 16, 3, 6))},
    'layer': 'conv3_2',
    'filters': RNG.normal(size=(3, 3, 5, 64)),
    'features': RNG.uniform(size=(2, 3, 64)),
  }
  return plots.activations_image(**(given | changes))


def _rows_of(monkeypatch, **changes):
  """The drawn rows, by heading."""
  drawn = {}

  def keep(title, subtitle, rows):
    drawn.update({row.heading: row for row in rows})
    return np.zeros((1, 1, 3), np.uint8)

  monkeypatch.setattr(activations, 'panel_rows_image', keep)
  _draw(**changes)
  return drawn


def test_rows_come_by_modality_then_of_the_layer(monkeypatch):
  maps = {name: RNG.uniform(size=(4, 8, 8, 3)) for name in ('parts', 'joints')}
  motion = {name: RNG.normal(size=(8, 8, 3, 6)) for name in maps}
  rows = _rows_of(monkeypatch, maps=maps, motion_maps=motion)
  assert [heading.split(':')[0] for heading in rows] == [
    *('parts', 'parts', 'joints', 'joints', 'conv3_2', 'conv3_2')
  ]
  assert [len(row.panels) for row in rows.values()] == [4, 6, 4, 6, 32, 32]


def test_maps_show_the_largest_magnitude_and_motion_its_sign(monkeypatch):
  maps = np.zeros((1, 2, 2, 3))
  maps[0, 0, 1] = [0.2, -0.7, 0.4]  # A field that points left is not lost.
  motion = np.zeros((2, 2, 3, 2))
  motion[1, 0, :, 0], motion[0, 0, :, 1] = [0.4, -0.8, 0.1], [0.1, 0.3, -0.2]
  rows = _rows_of(monkeypatch, maps={'parts': maps}, motion_maps={'parts': motion})
  shown, moved = list(rows.values())[:2]
  np.testing.assert_array_equal(shown.panels, [[[0, 0.7], [0, 0]]])
  np.testing.assert_array_equal(moved.panels, [[[0, 0], [-0.8, 0]], [[0.3, 0], [0, 0]]])
  assert (shown.signed, moved.signed) == (False, True)


def test_the_most_active_channels_are_shown_by_number_with_their_filters(monkeypatch):
  features = np.zeros((2, 3, 64))
  features[..., ::2] = RNG.uniform(0.1, 1, (2, 3, 32))
  filters = RNG.normal(size=(3, 3, 5, 64))
  rows = _rows_of(monkeypatch, features=features, filters=filters)
  shown_filters, shown_features = list(rows.values())[-2:]
  assert shown_filters.names == shown_features.names
  assert shown_features.names == [str(channel) for channel in range(0, 64, 2)]
  np.testing.assert_array_equal(shown_features.panels[1], features[..., 2])
  np.testing.assert_allclose(shown_filters.panels[1], filters[..., 2].mean(axis=2))


def test_a_layer_of_few_channels_shows_them_all(monkeypatch):
  rows = _rows_of(
    monkeypatch, features=-np.ones((2, 3, 8)), filters=np.ones((3, 3, 5, 8))
  )
  row = list(rows.values())[-1]
  assert row.panels.shape == (8, 2, 3)
  assert row.signed  # BatchNorm was last, so that values below 0 matter.


def test_what_is_not_given_is_left_out(monkeypatch):
  rows = _rows_of(monkeypatch, motion_maps={}, filters=None, features=None)
  assert list(rows) == ['joints: the maps that the model reads']


def test_panels_stand_as_their_arrays_do():
  panels = np.full((3, 10, 10), 0.5)
  panels[1, :5, :5] = 1.0  # The second panel's top left.
  panels[2, 5:, 5:] = 0.25  # The third's bottom right.
  row = PanelRow('maps', '', panels, ['0', '1', '2'], signed=False, scale='value')
  image = panel_rows_image('clip', '', [row])[:, :480]  # Without the scale.
  half, full, quarter = (_where(image, 'magma', v) for v in (0.5, 1.0, 0.25))
  side = 155.5 / 2  # Half a panel in pixels; 8 are between panels.
  top, left = half.min(axis=0)
  np.testing.assert_allclose(full.min(axis=0), [top, left + 2 * side + 8], atol=2)
  expected = [top + side, left + 5 * side + 16]
  np.testing.assert_allclose(quarter.min(axis=0), expected, atol=3)


def test_signs_have_colours_of_their_own():
  panels = np.stack([np.full((4, 4), -2.0), np.full((4, 4), 1.0)])
  row = PanelRow('motion', '', panels, ['0', '1'], signed=True, scale='value')
  image = panel_rows_image('clip', '', [row])[:, :320]
  negative, positive = (_where(image, 'RdBu_r', value) for value in (0.0, 0.75))
  assert len(negative) > 10_000 and len(positive) > 10_000
  assert negative[:, 1].max() < positive[:, 1].min()


@pytest.mark.parametrize('panels', [1, 4, 8, 12, 16, 32, 40])
def test_nothing_is_cut_off_and_lines_go_on_after_sixteen(panels):
  row = PanelRow(
    'maps', 'note', np.ones((panels, 6, 8)), ['name'] * panels, True, 'value'
  )
  image = panel_rows_image('a clip of a long name ' * 4, 'subtitle', [row])
  border = np.concatenate(
    [image[:4].ravel(), image[-4:].ravel(), image[:, -4:].ravel()]
  )
  assert (border == 255).all()
  assert image.shape[1] < 1500
  lines = -(-panels // 16)
  width = min(155, 1300 / min(panels, 16))
  assert abs(image.shape[0] - 110 - lines * (0.75 * width + 25)) < 40


def test_a_clip_that_diverged_is_grey_and_nothing_is_black():
  grey = _draw(
    maps={'joints': np.full((4, 8, 8, 3), np.nan)},
    motion_maps={'joints': np.full((8, 8, 3, 4), np.nan)},
    features=np.full((2, 2, 64), np.nan),
  )
  assert ((grey == 191).all(axis=-1)).sum() > 150_000
  empty = _draw(maps={'joints': np.zeros((4, 8, 8, 3))})
  assert len(_where(empty, 'magma', 0.0)) > 60_000


def test_pooling_by_hand():
  maps = np.array([[0.5, -0.75, 0.25], [0.0, np.nan, -1.0], [np.nan] * 3])
  np.testing.assert_array_equal(channel_pooling.largest(maps), [0.75, 1.0, np.nan])
  np.testing.assert_array_equal(channel_pooling.strongest(maps), [-0.75, -1.0, np.nan])
  assert channel_pooling.peak(maps) == 1.0
  assert channel_pooling.peak(np.array([-np.inf, 0.0])) == 1.0


@pytest.mark.parametrize(
  ('draw', 'message'),
  [
    (
      lambda: PanelRow('maps', '', np.ones((4, 4)), ['0'], False, 'value'),
      r"panels of 'maps' have shape \(4, 4\), but need \[n, h, w\]",
    ),
    (
      lambda: PanelRow('maps', '', np.ones((2, 4, 4)), ['0'], False, 'value'),
      "2 panels of 'maps' need a name each, but got 1",
    ),
    (lambda: panel_rows.panel_rows_image('clip', '', []), 'there is no row of panels'),
  ],
)
def test_misuse_is_refused(draw, message):
  with pytest.raises(ValueError, match=message):
    draw()
