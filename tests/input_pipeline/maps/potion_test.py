"""PoTion maps against numpy, against each other, and worked by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.maps import potion
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.maps.rendering import append_background, render_joint_maps

# T is traced, same as in a batch of clips with different lengths.
colour_weights = jax.jit(
  potion.colour_weights, static_argnames=('max_frames', 'settings')
)
aggregate_maps = jax.jit(potion.aggregate_maps)
MAP_SIZE = (11, 14)
aggregate_keypoints = jax.jit(
  functools.partial(potion.aggregate_keypoints, map_size=MAP_SIZE, sigma=1.2),
  static_argnames='background',
)


def exact_weights(num_frames, channels):
  """The triangles, frame by frame."""
  weights = np.zeros((num_frames, channels))
  for frame in range(num_frames):
    position = frame / max(num_frames - 1, 1) * (channels - 1)
    for channel in range(channels):
      weights[frame, channel] = max(0, 1 - abs(position - channel))
  return weights


def integer_break_weights(num_frames, channels):
  """Windows written one after another, with numpy's linspace."""
  weights = np.zeros((num_frames, channels))
  breaks = [i * num_frames // (channels - 1) for i in range(channels)]
  for window in range(channels - 1):
    start, stop = breaks[window], breaks[window + 1]
    if window < channels - 2:
      stop += 1
    weights[start:stop, window] = np.linspace(1, 0, stop - start)
    weights[start:stop, window + 1] = np.linspace(0, 1, stop - start)
  return weights


@pytest.mark.parametrize('channels', [2, 3, 4])
@pytest.mark.parametrize(
  ('kind', 'expected'),
  [('exact', exact_weights), ('integer_break', integer_break_weights)],
)
def test_weights_of_every_length(kind, expected, channels):
  settings = PotionSettings(channels=channels, weights=kind)
  lengths = range(1, 61)
  rows = jax.vmap(lambda n: colour_weights(n, max_frames=60, settings=settings))(
    jnp.array(lengths)
  )
  assert (rows.shape, rows.dtype) == ((60, 60, channels), jnp.float32)
  for length, row in zip(lengths, np.asarray(rows), strict=True):
    np.testing.assert_allclose(row[:length], expected(length, channels), atol=1e-6)
    np.testing.assert_array_equal(row[length:], 0)


def test_exact_weights_by_hand():
  weights = colour_weights(5, max_frames=6, settings=PotionSettings())
  np.testing.assert_array_equal(
    weights,
    [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1], [0, 0, 0]],
  )
  one = colour_weights(1, max_frames=2, settings=PotionSettings(channels=4))
  np.testing.assert_array_equal(one, [[1, 0, 0, 0], [0, 0, 0, 0]])


def test_integer_break_weights_by_hand():
  settings = PotionSettings(weights='integer_break')
  # T = 4: the windows are frames 0 to 2 and 2 to 3.
  weights = colour_weights(4, max_frames=4, settings=settings)
  np.testing.assert_array_equal(
    weights, [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]]
  )
  # T = 2: the second window has one frame, in which the third channel is still 0.
  np.testing.assert_array_equal(
    colour_weights(2, max_frames=2, settings=settings), [[1, 0, 0], [0, 1, 0]]
  )
  # The official code's divisors for 40 frames.
  sums = colour_weights(40, max_frames=40, settings=settings).sum(axis=0)
  np.testing.assert_allclose(sums, [10.5, 19.5, 10], rtol=1e-6)


def test_both_weights_agree_for_odd_lengths_only():
  exact, rounded = PotionSettings(), PotionSettings(weights='integer_break')
  odd = [colour_weights(39, max_frames=40, settings=s) for s in (exact, rounded)]
  np.testing.assert_allclose(odd[0], odd[1], atol=1e-6)
  even = [colour_weights(40, max_frames=40, settings=s) for s in (exact, rounded)]
  assert 0.02 < abs(even[0] - even[1]).max() < 0.03


def test_the_mean_equals_plain_loops():
  rng = np.random.default_rng(0)
  maps = rng.random((7, 3, 4, 2), np.float32)
  weights = np.array(exact_weights(7, 3), np.float32)
  expected = np.zeros((2, 3, 4, 3))
  for joint in range(2):
    for channel in range(3):
      frames = sum(weights[t, channel] * maps[t, :, :, joint] for t in range(7))
      expected[joint, :, :, channel] = frames / weights[:, channel].sum()
  np.testing.assert_allclose(aggregate_maps(maps, weights), expected, rtol=1e-5)


def test_a_channel_without_weight_is_empty():
  settings = PotionSettings(weights='integer_break')
  weights = colour_weights(2, max_frames=2, settings=settings)
  maps = jnp.full((2, 3, 4, 1), 0.5)
  mean = aggregate_maps(maps, weights)
  np.testing.assert_array_equal(mean[..., :2], 0.5)
  np.testing.assert_array_equal(mean[..., 2], 0)
  for normalization in potion.NORMALIZATIONS:
    finished = potion.finish(
      mean,
      weights.sum(axis=0),
      PotionSettings(normalization=normalization, variant='UIN'),
    )
    assert np.isfinite(finished).all()
    np.testing.assert_array_equal(finished[..., 2], 0)


def people():
  rng = np.random.default_rng(1)
  cells = rng.uniform(-2, 15, (6, 2, 3, 2)).astype(np.float32)
  scores = rng.uniform(0, 1, (6, 2, 3)).astype(np.float32)
  scores[rng.random(scores.shape) < 0.3] = 0
  return jnp.array(cells), jnp.array(scores)


@pytest.mark.parametrize('channels', [2, 3, 4, 7])
@pytest.mark.parametrize('kind', potion.WEIGHTS)
def test_weight_sums_of_every_length(kind, channels):
  settings = PotionSettings(channels=channels, weights=kind)
  lengths = jnp.array(range(61))
  sums = jax.vmap(lambda n: potion.weight_sums(n, settings))(lengths)
  weights = jax.vmap(lambda n: colour_weights(n, max_frames=60, settings=settings))(
    lengths
  )
  assert (sums.shape, sums.dtype) == ((61, channels), jnp.float32)
  np.testing.assert_allclose(sums, weights.sum(axis=1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
  ('kind', 'expected'),
  [('exact', exact_weights), ('integer_break', integer_break_weights)],
)
@pytest.mark.parametrize('num_frames', [2**14, 2**14 + 1, 50_000])
def test_weight_sums_of_long_videos(kind, expected, num_frames):
  sums = potion.weight_sums(num_frames, PotionSettings(weights=kind))
  by_frame = expected(num_frames, 3).sum(axis=0)
  np.testing.assert_allclose(sums, by_frame, rtol=1e-6)


@pytest.mark.parametrize('background', [False, True])
def test_keypoints_give_the_mean_of_rendered_maps(background):
  cells, scores = people()
  frame_mask = jnp.zeros(MAP_SIZE, bool).at[2:9, 3:].set(True)
  maps = render_joint_maps(cells, scores, map_size=MAP_SIZE, sigma=1.2)
  maps = jnp.where(frame_mask[None, :, :, None], maps, 0)
  if background:
    maps = append_background(maps)
  weights = colour_weights(6, max_frames=6, settings=PotionSettings())
  expected = aggregate_maps(maps, weights)
  assert np.count_nonzero(expected[:3]) > 100
  mean = aggregate_keypoints(
    cells, scores, weights, background=background, frame_mask=frame_mask
  )
  assert mean.shape == (4 if background else 3, *MAP_SIZE, 3)
  np.testing.assert_allclose(mean, expected, atol=1e-6)
  if background:
    np.testing.assert_allclose(mean[3, :2], 1, rtol=1e-6)


def test_frames_of_padding_add_nothing():
  cells, scores = people()
  weights = colour_weights(4, max_frames=6, settings=PotionSettings())
  padded = aggregate_keypoints(cells, scores, weights, background=True)
  alone = aggregate_keypoints(cells[:4], scores[:4], weights[:4], background=True)
  np.testing.assert_array_equal(padded, alone)


# One joint, two cells (the second is empty), two channels with weight sums 2 and 4.
MEAN = jnp.array([[[[0.5, 0.25], [0.0, 0.0]]]])
SUMS = jnp.array([2.0, 4.0])


@pytest.mark.parametrize(
  ('normalization', 'variant', 'expected'),
  [
    ('area', 'U', [0.5, 0.25]),
    ('max', 'U', [1, 1]),
    ('none', 'U', [1, 1]),
    ('area', 'I', [0.75]),
    ('none', 'I', [2]),
    ('max', 'N', [1 / 3, 1 / 3]),
    ('area', 'UIN', [0.5, 0.25, 0.75, 0.5 / 1.75, 0.25 / 1.75]),
  ],
)
def test_normalization_and_variant_by_hand(normalization, variant, expected):
  settings = PotionSettings(channels=2, normalization=normalization, variant=variant)
  finished = potion.finish(MEAN, SUMS, settings)
  assert finished.shape == (1, 1, 2, settings.num_maps_channels)
  np.testing.assert_allclose(finished[0, 0, 0], expected, rtol=1e-6)
  np.testing.assert_array_equal(finished[0, 0, 1], 0)


def test_each_joint_and_channel_has_its_own_maximum():
  mean = jnp.array([[[[0.5, 0.1], [0.25, 0.2]]], [[[0.0, 0.8], [0.0, 0.4]]]])
  finished = potion.finish(mean, SUMS, PotionSettings(2, normalization='max'))
  np.testing.assert_allclose(
    finished, [[[[1, 0.5], [0.5, 1]]], [[[0, 1], [0, 0.5]]]], rtol=1e-6
  )


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('channels', 1, r'potion\.channels is 1; it is at least 2'),
    ('weights', 'linear', r"potion\.weights is 'linear'; it is one of \('exact', "),
    ('normalization', 'sum', r"potion\.normalization is 'sum'; it is one of \('area'"),
    ('variant', 'UI', r"potion\.variant is 'UI'; it is one of \('U', 'I', 'N', 'UIN'"),
  ],
)
def test_settings_out_of_range_are_refused(field, value, message):
  with pytest.raises(ValueError, match=rf'config\.data\.{message}'):
    PotionSettings(**{field: value})
