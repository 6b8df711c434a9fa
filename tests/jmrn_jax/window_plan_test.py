"""Supports, schedules and plans, by hand."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax import window_plan

SIZES = (64, 86), (128, 256)


def test_a_support_is_measured_in_units_of_four_cells():
  maps = np.zeros((1, 4, 22, 30, 3), np.float32)
  maps[0, 0, 5, 7, 2] = 0.1  # unit (1, 1)
  maps[0, 1, 3:5, 21:22] = 1  # rows of units 0 and 1, column of unit 5
  maps[0, 2, 21, 0] = -1  # the last row, in unit 5
  found = window_plan.supports(jnp.asarray(maps))
  np.testing.assert_array_equal(found.top, [[1, 0, 5, 0]])
  np.testing.assert_array_equal(found.left, [[1, 5, 0, 0]])
  np.testing.assert_array_equal(found.need, [[1, 2, 1, 0]])  # The fourth map is empty.


def test_not_a_number_is_not_empty():
  maps = jnp.full((1, 1, 8, 8, 3), jnp.nan)
  assert window_plan.supports(maps).need == 2


def test_groups_by_hand():
  """A pass has as many windows as are 480/120 = 4 whole maps' work in all."""
  plan = ((40, 0.5, 0.2), (16, 3.0, 0.5))
  whole, large, small = window_plan.groups(plan, 32, 15, *SIZES)
  # A whole map costs 1.63, a window of 40 cells 0.505, one of 16 cells 0.155.
  assert (whole.shape, whole.windows, whole.room) == ((64, 88), 2, None)
  # 32·0.5 + 3·√32·0.2 = 19.4 windows in passes of 8; 32·3 + 3·√32·0.5 = 104.5 of 26.
  assert large == window_plan.Group((40, 40), 8, 3)
  assert small == window_plan.Group((16, 16), 26, 5)


def scheduled(needs, *groups):
  found = window_plan.schedule(
    jnp.array(needs), [window_plan.Group(*g) for g in groups]
  )
  return found.order.tolist(), found.begins.tolist(), found.passes.tolist()


def test_a_schedule_by_hand():
  groups = ((64, 64), 1, None), ((16, 16), 2, 2), ((8, 8), 3, 4)
  # One whole map; two of 16 cells in one pass; two of 8 cells in another.
  order, begins, passes = scheduled([2, 9, 4, 0, 1, 3], *groups)
  assert order == [1, 2, 5, 0, 4, 3, 6, 6, 6]  # Beyond the last map: its number, 6.
  assert (begins, passes) == ([0, 1, 3], [1, 1, 1])
  # A pass that is not full takes smaller maps.
  assert scheduled([2, 3, 1, 0, 0, 0], *groups)[1:] == ([0, 0, 2], [0, 1, 1])
  assert scheduled([2, 3, 0, 0, 0, 0], *groups)[1:] == ([0, 0, 2], [0, 1, 0])
  # Nothing moves: no passes.
  assert scheduled([0] * 6, *groups)[2] == [0, 0, 0]


def test_what_a_group_has_no_room_for_moves_up():
  groups = ((64, 64), 2, None), ((16, 16), 1, 2), ((8, 8), 1, 1)
  # Three of 8 cells, room for one: two move to 16 cells, which holds two in all.
  assert scheduled([2, 2, 1, 0], *groups)[2] == [0, 2, 1]
  # With one of 16 cells besides, one is left over for the whole maps, two in a pass.
  assert scheduled([2, 2, 4, 1], *groups)[2] == [1, 1, 1]


@pytest.mark.parametrize('seed', range(8))
def test_each_map_is_in_a_window_that_holds_it(seed):
  rng = np.random.default_rng(seed)
  groups = [
    window_plan.Group((44, 44), 1, None),
    window_plan.Group((24, 24), int(rng.integers(1, 4)), int(rng.integers(1, 9))),
    window_plan.Group((12, 12), int(rng.integers(1, 6)), int(rng.integers(1, 9))),
  ]
  needs = rng.integers(0, 12, 30) * (rng.uniform(size=30) > rng.uniform(0, 0.6))
  found = window_plan.schedule(jnp.array(needs), groups)
  seen = []
  for group, begin, passes in zip(groups, found.begins, found.passes, strict=True):
    assert group.room is None or passes <= group.room
    rows = found.order[begin : begin + passes * group.windows]
    rows = np.asarray(rows)[np.asarray(rows) < 30]
    assert (needs[rows] * window_plan.CELL <= group.shape[0]).all()
    seen += rows.tolist()
  assert len(set(seen)) == len(seen) and set(np.flatnonzero(needs)) <= set(seen)


def test_cost_by_hand():
  # 64×86 has 32·43 and 16·22 cells, one weight per kernel cell and pair of channels.
  weights = 9 * np.array([3 * 128, 128 * 128, 128 * 256, 256 * 256])
  whole = weights @ [1376, 1376, 352, 352]
  window = weights @ [11**2, 13**2, 8**2, 10**2]  # S = 20
  share = window_plan.cost(20, (64, 86), (128, 256))
  np.testing.assert_allclose(share, window / whole)
  # All of 64×88 cells, with the margins, in four passes in place of three.
  cells = weights @ [33 * 45, 35 * 47, 19 * 25, 21 * 27]
  found = window_plan.cost(0, (64, 86), (128, 256))
  np.testing.assert_allclose(found, 4 / 3 * cells / whole)


def test_a_plan_follows_the_motions():
  needs = np.full((50, 18), 3)  # 12 cells
  needs[:, :2] = 7  # 28 cells
  needs[0, 0] = 22
  plan = window_plan.make_plan(needs, (64, 86), (128, 256))
  assert [size for size, _, _ in plan] == [28, 12]
  # One of 50 clips has only one such joint, so 2 - 0.02, and √(0.02 · 0.98) = 0.14.
  assert plan == ((28, 1.98, 0.14), (12, 16.0, 0.0))


def test_no_plan_where_windows_do_not_pay():
  assert window_plan.make_plan(np.full((9, 5), 18), (64, 86), (128, 256)) == ()


def test_the_plan_has_the_least_work_of_all():
  """Against every choice of at most six sizes, map by map."""
  shape, features = (32, 32), (32, 64)
  needs = np.random.default_rng(1).choice(9, (20, 5), p=[0.1, 0.1, 0.2, *[0.1] * 6])
  costs = {u: window_plan.cost(4 * u, shape, features) for u in range(2, 9)}
  whole = window_plan.cost(0, shape, features)

  def work(sizes):
    fitting = ([u for u in sizes if u >= need] for need in needs.ravel() if need)
    return sum(costs[min(some)] if some else whole for some in fitting) / needs.size

  choices = [
    sizes
    for number in range(1, 7)
    for sizes in itertools.combinations([u for u in costs if costs[u] < whole], number)
  ]
  found = [size // 4 for size, _, _ in window_plan.make_plan(needs, shape, features)]
  # A size more must save a thousandth, so up to six of them may be missing.
  assert work(sorted(found)) <= min(map(work, choices)) + 6e-3
