"""Supports, counts and plans, by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax import window_plan

PLAN = ((16, 0.5, 0.2), (8, 1.0, 0.3))


def test_a_support_is_measured_in_units_of_four_cells():
  maps = np.zeros((1, 4, 22, 30, 3), np.float32)
  maps[0, 0, 5, 7, 2] = 0.1  # unit (1, 1)
  maps[0, 1, 3:5, 21:22] = 1  # rows of units 0 and 1, column of unit 5
  maps[0, 2, 21, 0] = -1  # the last row, in unit 5
  found = window_plan.supports(jnp.asarray(maps))
  np.testing.assert_array_equal(found.top, [[1, 0, 5, 0]])
  np.testing.assert_array_equal(found.left, [[1, 5, 0, 0]])
  np.testing.assert_array_equal(found.need, [[1, 2, 1, 1]])  # The fourth map is empty.


def test_not_a_number_is_not_empty():
  maps = jnp.full((1, 1, 8, 8, 3), jnp.nan)
  assert window_plan.supports(maps).need == 2


def test_counts_by_hand():
  # 4 clips: 4·0.5 + 3·2·0.2 = 3.2 whole maps; 4·1 + 3·2·0.3 = 5.8 of 16 or more.
  assert window_plan.counts(PLAN, 1, clips=4, joints=3) == ((0, 4), (16, 2), (8, 6))
  # 1 clip at the lower level: 0.6 and 1.15, so 1 and 2 of 3.
  assert window_plan.counts(PLAN, 0, clips=1, joints=3) == ((0, 1), (16, 1), (8, 1))
  # Never more windows than maps, and no group without one.
  assert window_plan.counts(((16, 3.0, 0.0),), 0, 2, 3) == ((0, 6),)


@pytest.mark.parametrize(
  ('needs', 'fitting'),
  [
    ([[9, 9, 4, 3, 2, 2]], True),
    ([[2, 3, 9, 2, 4, 9]], True),  # in any order
    ([[9, 1, 1, 1, 1, 1]], True),  # smaller maps move up
    ([[9, 9, 9, 1, 1, 1]], False),  # three whole maps
    ([[9, 9, 4, 3, 3, 1]], False),  # three of more than 8 cells besides
    ([[9, 1, 1, 1, 1, 1], [9, 9, 9, 1, 1, 1]], False),  # on each device
  ],
)
def test_a_level_fits_if_every_map_does(needs, fitting):
  assert window_plan.fits(jnp.array(needs), ((0, 2), (16, 2), (8, 2))) == fitting


def test_cost_by_hand():
  # 64×86 has 32·43 and 16·22 cells, one weight per kernel cell and pair of channels.
  weights = 9 * np.array([3 * 128, 128 * 128, 128 * 256, 256 * 256])
  whole = weights @ [1376, 1376, 352, 352]
  window = weights @ [11**2, 13**2, 8**2, 10**2]  # S = 20
  share = window_plan.cost(20, (64, 86), (128, 256))
  np.testing.assert_allclose(share, window / whole)
  assert window_plan.cost(0, (64, 86), (128, 256)) == 1


def test_a_plan_follows_the_motions():
  needs = np.full((50, 18), 3)  # 12 cells
  needs[:, :2] = 7  # 28 cells
  needs[0, 0] = 22
  plan = window_plan.make_plan(needs, (64, 86), (128, 256))
  assert [size for size, _, _ in plan] == [28, 12]
  assert plan[0][1:] == (0.02, 0.14)  # one of 50 clips: √(0.02 · 0.98) = 0.14
  assert plan[1][1:] == (2.0, 0.0)


def test_no_plan_where_windows_do_not_pay():
  assert window_plan.make_plan(np.full((9, 5), 16), (64, 86), (128, 256)) == ()
