"""The moments that are read and the frames that are hidden, against numpy."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation import augment, time
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.time import TimeMask, TimeMotion, TimeSettings
from input_pipeline.loading import sampling
from input_pipeline.skeletons.registry import get_skeleton

PENN = get_skeleton('penn_action')
ALL = TimeSettings(
  crop=(0.4, 0.8),
  crop_probability=0.5,
  tempo=2.0,
  mask_share=(0.1, 0.3),
  mask_probability=0.4,
)


def motion(start=0.0, share=1.0, tempo=1.0, mask=None):
  if mask is not None:
    mask = TimeMask(start=jnp.float32(mask[0]), share=jnp.float32(mask[1]))
  return TimeMotion(
    start=jnp.float32(start),
    share=jnp.float32(share),
    tempo=jnp.float32(tempo),
    mask=mask,
  )


@functools.partial(jax.jit, static_argnums=(0, 1))
def draws(settings, number=500):
  keys = jax.random.split(jax.random.key(0), number)
  return jax.vmap(
    lambda key: augment.draw(key, AugmentSettings(time=settings), (16, 22), PENN).time
  )(keys)


def places_by_hand(along, num_frames, start, share, tempo):
  """In float64: the part's length in frames, its first frame, and moments in it."""
  length = share * (num_frames - 1)
  first = start * (num_frames - 1 - length)
  return np.array([first + u**tempo * length for u in along])


@pytest.mark.parametrize(
  ('num_frames', 'count', 'how'),
  [
    (31, 8, (0.25, 0.6, 1.0)),
    (31, 8, (1.0, 0.5, 1.7)),
    (5, 9, (0.0, 1.0, 0.5)),
    (1, 4, (0.7, 0.3, 2.0)),
    (40, 1, (0.5, 0.5, 1.0)),
  ],
)
def test_places_as_in_numpy(num_frames, count, how):
  places = jax.jit(time.frame_places, static_argnums=1)(
    jnp.int32(num_frames), count, motion(*how)
  )
  expected = places_by_hand(np.linspace(0, 1, count), num_frames, *how)
  np.testing.assert_allclose(places, expected, atol=1e-4)
  assert (np.diff(places) >= 0).all()
  assert places.min() >= 0
  assert places.max() <= num_frames - 1 + 1e-4


def test_worked_by_hand():
  # 11 frames; half of them, 5 frames long, starts at 0.4 · 5 = 2; u² for u = 0, ½, 1.
  places = time.frame_places(jnp.int32(11), 3, motion(0.4, 0.5, 2.0))
  np.testing.assert_allclose(places, [2, 3.25, 7], rtol=1e-6)
  taken = time.take_frames(jnp.int32(11), 3, motion(0.4, 0.5, 2.0), keeps_length=False)
  np.testing.assert_array_equal(taken.index, [2, 3, 7])
  assert taken.number == 3


@pytest.mark.parametrize('num_frames', [1, 2, 5, 8])
def test_a_short_clip_keeps_its_frames_or_is_spread(num_frames):
  kept = time.take_frames(jnp.int32(num_frames), 8, keeps_length=True)
  np.testing.assert_array_equal(kept.index, sampling._whole(num_frames, 8))
  assert kept.number == num_frames
  spread = time.take_frames(jnp.int32(num_frames), 8, keeps_length=False)
  expected = np.linspace(0, num_frames - 1, 8).round()
  np.testing.assert_array_equal(spread.index, expected)
  assert spread.number == 8


@pytest.mark.parametrize('keeps_length', [False, True])
@pytest.mark.parametrize('num_frames', [9, 30, 64])
def test_the_frames_of_a_long_clip_are_those_the_host_takes(num_frames, keeps_length):
  taken = time.take_frames(jnp.int32(num_frames), 8, keeps_length=keeps_length)
  np.testing.assert_array_equal(taken.index, sampling._whole(num_frames, 8))
  assert taken.number == 8


def test_a_short_clip_that_keeps_its_length_is_bent_too():
  how = (0.5, 0.5, 2.0)
  taken = time.take_frames(jnp.int32(6), 8, motion(*how), keeps_length=True)
  expected = places_by_hand(np.arange(6) / 5, 6, *how).round()
  np.testing.assert_array_equal(taken.index[:6], expected)
  np.testing.assert_array_equal(taken.index[6:], expected[-1])
  assert taken.number == 6


def test_draws_fill_their_ranges():
  drawn = draws(ALL)
  share, tempo = np.asarray(drawn.share), np.log(np.asarray(drawn.tempo))
  cropped = share < 1
  assert 0.43 < cropped.mean() < 0.57
  assert 0.4 <= share[cropped].min() < 0.42
  assert 0.78 < share[cropped].max() <= 0.8
  assert -math.log(2) - 1e-6 <= tempo.min() < -0.67
  assert 0.67 < tempo.max() <= math.log(2) + 1e-6
  assert abs(tempo.mean()) < 0.06
  masked = np.asarray(drawn.mask.share) > 0
  assert 0.33 < masked.mean() < 0.47
  assert 0.1 <= np.asarray(drawn.mask.share)[masked].min() < 0.11
  assert 0.29 < np.asarray(drawn.mask.share).max() <= 0.3
  for start in (drawn.start, drawn.mask.start):
    assert 0 <= np.min(start) < 0.02
    assert 0.98 < np.max(start) < 1
  columns = np.column_stack(
    [drawn.start, cropped, tempo, masked, drawn.mask.start]
  ).astype(float)
  assert abs(np.corrcoef(columns.T) - np.eye(5)).max() < 0.15


def test_what_is_off_changes_nothing():
  assert draws(TimeSettings(), 1) is None
  assert draws(TimeSettings(crop=(0.5, 0.5), crop_probability=0.0), 1) is None
  only_tempo = draws(TimeSettings(tempo=2.0))
  assert only_tempo.mask is None
  np.testing.assert_array_equal(only_tempo.share, 1)
  only_mask = draws(TimeSettings(mask_share=(0.2, 0.2)))
  np.testing.assert_array_equal(only_mask.share, 1)
  np.testing.assert_array_equal(only_mask.tempo, 1)


def hidden_by_hand(frames, num_frames, start, share, mask_start, mask_share):
  length = share * (num_frames - 1)
  first = start * (num_frames - 1 - length)
  begin = first + mask_start * (1 - mask_share) * length
  return (frames >= begin) & (frames < begin + mask_share * length)


@pytest.mark.parametrize(
  ('num_frames', 'how'),
  [
    (31, (0.0, 1.0, 0.31, 0.4)),
    (31, (0.7, 0.5, 0.52, 0.3)),
    (31, (0.7, 0.5, 0.5, 0.0)),
    (12, (1.0, 0.6, 0.97, 0.5)),
  ],
)
def test_hidden_frames_as_in_numpy(num_frames, how):
  start, share, mask_start, mask_share = how
  frames = np.arange(40)
  hidden = jax.jit(time.hidden_frames)(
    jnp.array(frames, jnp.int32),
    jnp.int32(num_frames),
    motion(start, share, mask=(mask_start, mask_share)),
  )
  expected = hidden_by_hand(frames, num_frames, *how)
  np.testing.assert_array_equal(hidden, expected)
  assert expected.any() == (mask_share > 0)


def test_never_all_frames_are_hidden():
  # The part has the frames 4 and 5 of 11, and the stretch reaches over both.
  how = motion(0.45, 0.1, mask=(0.0, 0.99))
  taken = time.take_frames(jnp.int32(11), 1, how, keeps_length=False)
  np.testing.assert_array_equal(taken.index, [4])
  both = time.hidden_frames(jnp.arange(11), jnp.int32(11), how)
  assert both.sum() < 2
  assert not time.hidden_frames(taken.index, jnp.int32(11), how).any()
  # A clip of one frame, whatever is drawn.
  one = motion(mask=(0.0, 0.9))
  assert not time.hidden_frames(jnp.arange(1), jnp.int32(1), one).any()
  many = draws(TimeSettings(crop=(0.01, 1.0), mask_share=(0.9, 0.99)))
  frames = jax.vmap(
    lambda drawn: time.take_frames(jnp.int32(20), 3, drawn, keeps_length=False).index
  )(many)
  hidden = jax.vmap(lambda f, drawn: time.hidden_frames(f, jnp.int32(20), drawn))(
    frames, many
  )
  assert not np.asarray(hidden).all(axis=1).any()
  assert np.asarray(hidden).mean() > 0.3


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    (
      {'crop': (0.0, 1.0)},
      r'crop is \(0\.0, 1\.0\); it is \(.*\) share, above 0 and up',
    ),
    ({'crop': (0.9, 0.5)}, r'crop is \(0\.9, 0\.5\); it is \(smallest, largest\)'),
    ({'crop_probability': -0.1}, r'crop_probability is -0\.1; it is a share, 0 to 1'),
    ({'tempo': 0.5}, r'tempo is 0\.5; it is the largest exponent γ, 1 or more'),
    ({'tempo': float('inf')}, r'tempo is inf'),
    ({'mask_share': (0.0, 1.0)}, r'mask_share is \(0\.0, 1\.0\); .* below 1'),
    ({'mask_probability': float('nan')}, r'mask_probability is nan'),
  ],
)
def test_settings_out_of_range_are_refused(fields, message):
  with pytest.raises(ValueError, match=rf'config\.augment\.time\.{message}'):
    TimeSettings(**fields)
