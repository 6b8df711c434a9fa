"""Temporal pose convolution compared with the paper's equations written as loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pa3d_jax.temporal_pose_conv import (
  TemporalPoseConv,
  dilated_branch,
  global_branch,
  local_branch,
  split_outputs,
)


def random_maps(frames, channels=3, *, clips=2, seed=0):
  rng = np.random.default_rng(seed)
  return jnp.array(rng.standard_normal((clips, frames, 4, 5, channels)), jnp.float32)


def shapes_of_filters(maps, **fields):
  init = TemporalPoseConv(**fields).init
  return jax.eval_shape(init, jax.random.key(0), maps)['params']


def with_random_filters(maps, **fields):
  rng = np.random.default_rng(7)
  filters = {
    name: rng.standard_normal(shape.shape).astype(np.float32)
    for name, shape in shapes_of_filters(maps, **fields).items()
  }
  return TemporalPoseConv(**fields), filters


@functools.partial(jax.jit, static_argnums=0)
def applied(module, filters, maps):
  return module.apply({'params': filters}, maps)


def output_of(maps, **fields):
  """Returns (output `[b, h, w, c, n]`, filters by branch)."""
  module, filters = with_random_filters(maps, **fields)
  return np.asarray(applied(module, filters, maps)), filters


def by_loops(maps, taps):
  """Sums (frame, weight) pairs for each output, equally for every channel."""
  maps = np.asarray(maps, np.float64)
  clips, _, height, width, channels = maps.shape
  out = np.zeros((clips, height, width, channels, len(taps)))
  for clip in range(clips):
    for channel in range(channels):
      for output, pairs in enumerate(taps):
        for frame, weight in pairs:
          out[clip, :, :, channel, output] += weight * maps[clip, frame, :, :, channel]
  return out


def number_of_parameters(frames, channels=3, **fields):
  maps = jax.ShapeDtypeStruct((1, frames, 4, 5, channels), jnp.float32)
  shapes = shapes_of_filters(maps, **fields)
  return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes))


@pytest.mark.parametrize(('frames', 'outputs'), [(8, 6), (4, 8), (1, 1)])
def test_global_is_equation_1(frames, outputs):
  maps = random_maps(frames)
  output, filters = output_of(maps, branches=('global',), outputs=outputs)
  theta = filters['global']
  assert theta.shape == (outputs, frames)
  taps = [[(t, theta[n, t]) for t in range(frames)] for n in range(outputs)]
  assert output.dtype == np.float32
  np.testing.assert_allclose(output, by_loops(maps, taps), atol=1e-5)


@pytest.mark.parametrize(
  ('frames', 'dilation', 'read'),
  [
    (8, 2, [0, 2, 4, 6]),
    (4, 2, [0, 2]),
    (9, 3, [0, 3, 6]),
    (8, 4, [0, 4]),
    (4, 1, [0, 1, 2, 3]),
    # A difference has one frame less: T/d is rounded up.
    (7, 2, [0, 2, 4, 6]),
    (3, 2, [0, 2]),
    (7, 3, [0, 3, 6]),
    (8, 3, [0, 3, 6]),
    (1, 2, [0]),
  ],
)
def test_dilated_is_equation_2(frames, dilation, read):
  maps = random_maps(frames)
  output, filters = output_of(maps, branches=('dilated',), outputs=3, dilation=dilation)
  phi = filters['dilated']
  assert phi.shape == (3, len(read))
  taps = [[(t, phi[m, k]) for k, t in enumerate(read)] for m in range(3)]
  np.testing.assert_allclose(output, by_loops(maps, taps), atol=1e-5)


def test_dilated_at_all_phases_slides_each_filter_over_its_starts():
  maps = random_maps(6)
  output, filters = output_of(
    maps, branches=('dilated',), outputs=5, dilation=3, dilation_phases='all'
  )
  phi = filters['dilated']
  assert phi.shape == (2, 2)  # Five outputs, three starts: a second filter is needed.
  taps = [
    [(0, phi[0, 0]), (3, phi[0, 1])],
    [(1, phi[0, 0]), (4, phi[0, 1])],
    [(2, phi[0, 0]), (5, phi[0, 1])],
    [(0, phi[1, 0]), (3, phi[1, 1])],
    [(1, phi[1, 0]), (4, phi[1, 1])],
  ]
  np.testing.assert_allclose(output, by_loops(maps, taps), atol=1e-5)


def test_local_is_one_filter_over_the_windows_of_table_3():
  # The paper's "t1-3, t2-4, t3-5, t4-6, t5-7, t6-8", here counted from 0.
  branch = local_branch(8, 6)
  windows = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6, 7]]
  np.testing.assert_array_equal(branch.frames, windows)
  np.testing.assert_array_equal(branch.filters, [0, 0, 0, 0, 0, 0])
  maps = random_maps(8)
  output, filters = output_of(maps, branches=('local',), outputs=6)
  weights = filters['local']
  assert weights.shape == (1, 3)
  taps = [[(t, weights[0, i]) for i, t in enumerate(window)] for window in windows]
  np.testing.assert_allclose(output, by_loops(maps, taps), atol=1e-5)


@pytest.mark.parametrize(
  ('frames', 'outputs', 'starts', 'filters'),
  [
    (4, 2, [0, 1], [0, 0]),
    (4, 8, [0, 1] * 4, [0, 0, 1, 1, 2, 2, 3, 3]),  # Two windows: four filters.
    (4, 3, [0, 1, 0], [0, 0, 1]),
    (8, 3, [0, 2, 5], [0, 0, 0]),  # Spread over the clip: 0, 2.5, 5.
    (8, 2, [0, 5], [0, 0]),
    (3, 2, [0, 0], [0, 1]),
    (7, 6, [0, 1, 2, 3, 4, 0], [0, 0, 0, 0, 0, 1]),  # The difference of 8 frames.
  ],
)
def test_local_windows_where_outputs_are_not_as_many_as_positions(
  frames, outputs, starts, filters
):
  branch = local_branch(frames, outputs)
  np.testing.assert_array_equal(branch.frames, np.array(starts)[:, None] + [0, 1, 2])
  np.testing.assert_array_equal(branch.filters, filters)


def test_layout_of_global_and_dilated_branches():
  branch = global_branch(4, 2)
  np.testing.assert_array_equal(branch.frames, [[0, 1, 2, 3]] * 2)
  assert branch.filter_shape == (2, 4)
  branch = dilated_branch(8, 3, 2)
  np.testing.assert_array_equal(branch.frames, [[0, 2, 4, 6]] * 3)
  assert branch.filter_shape == (3, 4)
  branch = dilated_branch(8, 3, 2, 'all')
  np.testing.assert_array_equal(
    branch.frames, [[0, 2, 4, 6], [1, 3, 5, 7], [0, 2, 4, 6]]
  )
  np.testing.assert_array_equal(branch.filters, [0, 0, 1])
  assert branch.filter_shape == (2, 4)


@pytest.mark.parametrize(
  'branches', [('global', 'dilated', 'local'), ('local', 'global')]
)
def test_outputs_of_branches_stand_in_the_order_named(branches):
  maps = random_maps(4)
  output, filters = output_of(maps, branches=branches, outputs=6)
  share = 6 // len(branches)
  for i, name in enumerate(branches):
    alone = TemporalPoseConv(branches=(name,), outputs=share)
    np.testing.assert_allclose(
      output[..., i * share : (i + 1) * share],
      applied(alone, {name: filters[name]}, maps),
      atol=1e-6,
    )


@pytest.mark.parametrize(
  ('outputs', 'number', 'shares'),
  [
    (8, 2, (4, 4)),
    (6, 2, (3, 3)),
    (8, 3, (3, 3, 2)),
    (7, 2, (4, 3)),
    (3, 3, (1, 1, 1)),
  ],
)
def test_outputs_are_shared_evenly_the_first_taking_what_is_left(
  outputs, number, shares
):
  assert split_outputs(outputs, ('global', 'dilated', 'local')[:number]) == shares


@pytest.mark.parametrize(
  ('fields', 'frames', 'number'),
  [
    # HMDB, Sec. 3.2: N·T = 6·8.
    ({'branches': ('global',), 'outputs': 6}, 8, 48),
    # JHMDB with both scales: 4 outputs with 4 taps, 4 with 2.
    ({'branches': ('global', 'dilated'), 'outputs': 8}, 4, 24),
    # HMDB with both scales: 3 outputs with 8 taps, 3 with 4.
    ({'branches': ('global', 'dilated'), 'outputs': 6}, 8, 36),
    ({'branches': ('dilated',), 'outputs': 6}, 8, 24),
    ({'branches': ('dilated',), 'outputs': 6, 'dilation_phases': 'all'}, 8, 12),
    ({'branches': ('local',), 'outputs': 6}, 8, 3),
    # 2 outputs with 8 taps, 2 with 4, and one local filter with 3.
    ({'branches': ('global', 'dilated', 'local'), 'outputs': 6}, 8, 27),
  ],
)
@pytest.mark.parametrize('channels', [15, 38])
def test_parameters_do_not_grow_with_channels(fields, frames, number, channels):
  assert number_of_parameters(frames, channels, **fields) == number


def test_the_same_filters_serve_any_number_of_channels():
  wide = random_maps(8, channels=38)
  fields = {'branches': ('global', 'dilated')}
  assert shapes_of_filters(wide, **fields) == shapes_of_filters(
    wide[..., :15], **fields
  )
  module, filters = with_random_filters(wide, **fields)
  np.testing.assert_allclose(
    applied(module, filters, wide)[..., :15, :],
    applied(module, filters, wide[..., :15]),
    atol=1e-6,
  )


def test_a_relu_cuts_what_the_filters_give():
  maps = random_maps(4)
  linear, _ = output_of(maps, outputs=2)
  cut, _ = output_of(maps, outputs=2, nonlinearity='relu')
  assert linear.min() < 0
  np.testing.assert_array_equal(cut, np.maximum(linear, 0))


def test_is_linear_and_permuting_channels_permutes_the_output():
  maps, others = random_maps(4, channels=5), random_maps(4, channels=5, seed=1)
  module, filters = with_random_filters(maps, branches=('global', 'dilated'), outputs=4)

  def convolved(maps):
    return np.asarray(applied(module, filters, maps))

  np.testing.assert_allclose(
    convolved(2 * maps - 3 * others),
    2 * convolved(maps) - 3 * convolved(others),
    atol=1e-5,
  )
  permutation = np.array([3, 0, 4, 1, 2])
  np.testing.assert_allclose(
    convolved(maps[..., permutation]), convolved(maps)[..., permutation, :], atol=1e-6
  )


def test_gradients_of_a_shared_filter_add_up_over_its_places():
  maps = jnp.ones((1, 8, 1, 1, 1))
  module, filters = with_random_filters(maps, branches=('local',), outputs=6)
  gradient = jax.grad(lambda params: applied(module, params, maps).sum())(filters)
  np.testing.assert_allclose(gradient['local'], [[6, 6, 6]], rtol=1e-6)


def test_filters_start_as_pytorch_starts_them():
  module = TemporalPoseConv(branches=('global', 'dilated'), outputs=800)
  filters = jax.jit(module.init)(jax.random.key(0), random_maps(16))['params']
  for name, bound in (('global', 16**-0.5), ('dilated', 8**-0.5)):
    theta = np.asarray(filters[name])
    assert abs(theta).max() <= bound
    np.testing.assert_allclose(theta.std(), bound / 3**0.5, rtol=0.05)
    np.testing.assert_allclose(theta.mean(), 0, atol=0.05 * bound)


def test_bfloat16_computes_in_bfloat16_with_float32_filters():
  maps = random_maps(4)
  output, filters = output_of(maps, outputs=4, dtype=jnp.bfloat16)
  assert filters['global'].dtype == np.float32
  assert output.dtype == jnp.bfloat16
  expected, _ = output_of(maps, outputs=4)
  np.testing.assert_allclose(output.astype(np.float32), expected, atol=0.05)


@pytest.mark.parametrize(
  ('fields', 'frames', 'message'),
  [
    (
      {'branches': ('dilated',), 'dilation_phases': 'all'},
      7,
      r"dilation 2 with phases 'all' needs .* divisible.* got 7 frames; use phases 'fir",
    ),
    ({'branches': ('dilated',), 'dilation': 0}, 8, 'at least 1 frame, but got 0'),
    (
      {'branches': ('dilated',), 'dilation_phases': 'last'},
      8,
      "no dilation phases 'last'; use 'first' or 'all'",
    ),
    (
      {'branches': ('locl',)},
      8,
      "has no branch 'locl'; use 'global', 'dilated' or 'local'",
    ),
    (
      {'branches': ('local',)},
      2,
      'the local branch needs at least 3 frames, but got 2',
    ),
    (
      {'branches': ('global', 'dilated'), 'outputs': 1},
      8,
      r"cannot divide 1 outputs among the branches \('global', 'dilated'\); give",
    ),
    ({'branches': ()}, 8, 'give at least one branch'),
    (
      {'nonlinearity': 'tanh'},
      8,
      "no nonlinearity 'tanh'; use 'none' or 'relu'",
    ),
  ],
)
def test_misuse(fields, frames, message):
  with pytest.raises(ValueError, match=message):
    number_of_parameters(frames, **fields)
