"""Table 2's baselines compared with loops and with numbers worked out by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.temporal_baselines import (
  Colorization,
  TemporalConv,
  TSNStyle,
  colour_filters,
)
from pa3d_jax.temporal_pose_conv import TemporalPoseConv

ACTION_CNN = ActionCNN(num_classes=3, features=(4,), dropout=0.0)
TSN = TSNStyle(ACTION_CNN)


@pytest.fixture(scope='module')
def maps():
  rng = np.random.default_rng(0)
  return jnp.array(rng.standard_normal((2, 5, 6, 7, 2)), jnp.float32)


@pytest.fixture(scope='module')
def variables(maps, random_variables):
  return random_variables(TSN, maps.shape)


@jax.jit
def logits_of(variables, maps):
  return TSN.apply(variables, maps, train=False)


def test_is_the_mean_of_the_action_cnn_over_frames(maps, variables):
  logits = logits_of(variables, maps)
  assert logits.shape == (2, 3)
  # Its variables are the action CNN's, for any number of frames.
  of_frame = {name: tree['action_cnn'] for name, tree in variables.items()}
  by_frame = [
    ACTION_CNN.apply(of_frame, maps[:, frame], train=False) for frame in range(5)
  ]
  np.testing.assert_allclose(logits, np.mean(by_frame, axis=0), rtol=1e-5, atol=1e-6)
  assert np.ptp(by_frame, axis=0).max() > 0.01  # The frames do differ.


def test_is_blind_to_the_order_of_frames(maps, variables):
  logits = logits_of(variables, maps)
  for order in ([4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
    shuffled = logits_of(variables, maps[:, np.array(order)])
    np.testing.assert_allclose(shuffled, logits, rtol=1e-5, atol=1e-6)


def test_clips_are_not_mixed(maps, variables):
  alone = logits_of(variables, maps.at[0].set(0))
  np.testing.assert_allclose(alone[1], logits_of(variables, maps)[1], rtol=1e-5)


def test_training_normalises_over_clips_and_frames_together(maps, variables):
  _, changed = TSN.apply(variables, maps, train=True, mutable=['batch_stats'])
  frames = {name: tree['action_cnn'] for name, tree in variables.items()}
  _, expected = ACTION_CNN.apply(
    frames, maps.reshape(10, 6, 7, 2), train=True, mutable=['batch_stats']
  )
  jax.tree.map(
    functools.partial(np.testing.assert_allclose, rtol=1e-6),
    changed['batch_stats']['action_cnn'],
    expected['batch_stats'],
  )


def convolved_by_loops(maps, kernel):
  """A convolution over all frames, padded so that the map keeps its size.

  Args:
    kernel: `[t, row, column, c, n]`.
  """
  clips, frames, height, width, channels = maps.shape
  window, outputs = kernel.shape[1], kernel.shape[-1]
  reach = window // 2
  out = np.zeros((clips, height, width, outputs))
  for clip, row, column, n in np.ndindex(out.shape):
    for t, i, k, c in np.ndindex(frames, window, window, channels):
      y, x = row + i - reach, column + k - reach
      if 0 <= y < height and 0 <= x < width:
        out[clip, row, column, n] += maps[clip, t, y, x, c] * kernel[t, i, k, c, n]
  return out


@pytest.mark.parametrize('window', [1, 3])
def test_temporal_conv_equals_loops(window):
  rng = np.random.default_rng(0)
  maps = rng.standard_normal((2, 3, 4, 5, 2)).astype(np.float32)
  kernel = rng.standard_normal((3, window, window, 2, 4)).astype(np.float32)
  # The module uses a 2D convolution over T·C channels, frame by frame.
  laid = np.concatenate(list(kernel), axis=-2)
  module = TemporalConv(outputs=4, window=window)
  output = module.apply({'params': {'conv': {'kernel': laid}}}, maps)
  assert output.shape == (2, 4, 5, 1, 4)
  expected = convolved_by_loops(maps.astype(np.float64), kernel)
  np.testing.assert_allclose(output[..., 0, :], expected, rtol=1e-4, atol=1e-5)


def test_temporal_conv_of_shared_unmixed_weights_is_temporal_pose_convolution():
  rng = np.random.default_rng(0)
  maps = rng.standard_normal((2, 5, 4, 3, 1)).astype(np.float32)
  theta = rng.standard_normal((6, 5)).astype(np.float32)
  shared = TemporalPoseConv(branches=('global',)).apply(
    {'params': {'global': theta}}, maps
  )
  mixed = TemporalConv().apply(
    {'params': {'conv': {'kernel': theta.T[None, None]}}}, maps
  )
  np.testing.assert_allclose(mixed, shared, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
  ('window', 'number'),
  [(1, 912), (3, 8_208)],  # PA3D Sec. 3.2 (1): N·C·T = 6·19·8; 9 times as many for 3×3.
)
def test_weights_of_a_temporal_conv(window, number):
  maps = jax.ShapeDtypeStruct((1, 8, 4, 5, 19), jnp.float32)
  init = TemporalConv(outputs=6, window=window).init
  (leaf,) = jax.tree.leaves(jax.eval_shape(init, jax.random.key(0), maps))
  assert leaf.size == number


@pytest.mark.parametrize('window', [1, 3])
def test_a_temporal_conv_starts_as_pytorch_starts_it(window):
  init = jax.jit(TemporalConv(outputs=100, window=window).init)
  kernel = init(jax.random.key(0), jnp.zeros((1, 8, 4, 4, 5)))['params']['conv'][
    'kernel'
  ]
  bound = (8 * 5 * window**2) ** -0.5
  assert abs(kernel).max() <= bound
  np.testing.assert_allclose(kernel.std(), bound / 3**0.5, rtol=0.05)
  np.testing.assert_allclose(kernel.mean(), 0, atol=0.05 * bound)


def test_a_relu_cuts_what_a_temporal_conv_gives(maps):
  init = jax.eval_shape(TemporalConv().init, jax.random.key(0), maps)
  rng = np.random.default_rng(1)
  kernel = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape, np.float32), init)
  linear = TemporalConv().apply(kernel, maps)
  assert linear.min() < 0
  cut = TemporalConv(nonlinearity='relu').apply(kernel, maps)
  np.testing.assert_array_equal(cut, np.maximum(linear, 0))
  with pytest.raises(ValueError, match="no nonlinearity 'tanh'; use 'none' or 'relu'"):
    TemporalConv(nonlinearity='tanh').apply(kernel, maps)


@pytest.mark.parametrize(
  ('frames', 'weights'),
  [
    # Rows are colours, columns frames; the filter is each row divided by its sum.
    (5, [[1, 0.5, 0, 0, 0], [0, 0.5, 1, 0.5, 0], [0, 0, 0, 0.5, 1]]),
    (4, [[1, 1 / 3, 0, 0], [0, 2 / 3, 2 / 3, 0], [0, 0, 1 / 3, 1]]),
    (3, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    (3, [[1, 0.5, 0], [0, 0.5, 1]]),
  ],
)
def test_colours_by_hand(frames, weights):
  means = [[weight / sum(row) for weight in row] for row in weights]
  np.testing.assert_allclose(colour_filters(frames, len(weights)), means, rtol=1e-6)


def test_colours_that_no_frame_comes_near_are_empty():
  np.testing.assert_array_equal(colour_filters(1, 3), [[1], [0], [0]])
  np.testing.assert_array_equal(colour_filters(2, 3), [[1, 0], [0, 0], [0, 1]])
  # JHMDB's T = 4 and N = 8: frames at 0, 2⅓, 4⅔ and 7.
  read = [0, None, 1, 1, 2, 2, None, 3]
  expected = [[float(frame == t) for t in range(4)] for frame in read]
  np.testing.assert_array_equal(colour_filters(4, 8), expected)


def test_colorization_is_the_mean_of_frames_in_each_colour(maps):
  output = Colorization(outputs=3).apply({}, maps)
  assert output.shape == (2, 6, 7, 2, 3)
  first, second, third, fourth, fifth = np.moveaxis(np.asarray(maps), 1, 0)
  expected = (
    (first + 0.5 * second) / 1.5,
    (0.5 * second + third + 0.5 * fourth) / 2,
    (0.5 * fourth + fifth) / 1.5,
  )
  for colour, mean in enumerate(expected):
    np.testing.assert_allclose(output[..., colour], mean, rtol=1e-4, atol=1e-5)


def test_colorization_learns_nothing_and_keeps_maps_in_range(maps):
  assert Colorization().init(jax.random.key(0), maps) == {}
  constant = Colorization(outputs=4).apply({}, jnp.ones_like(maps))
  np.testing.assert_allclose(constant, 1, rtol=1e-6)


@pytest.mark.parametrize('colours', [0, 1])
def test_one_colour_is_refused(maps, colours):
  with pytest.raises(
    ValueError, match=f'at least 2 colours .* but got {colours}; a si'
  ):
    Colorization(outputs=colours).apply({}, maps)
