"""Resampling and filtering over time, against scipy and numpy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, signal

from input_pipeline.augmentation.time import frame_places
from input_pipeline.trajectories.resampling import (
  median_of_three,
  resample_cubic,
  resample_linear,
  resample_scores,
)

LONGEST = 9


def values_of(length):
  """Values with NaN in the padding, which nothing may read."""
  values = np.full((LONGEST, 2, 3, 2), np.nan, np.float32)
  values[:length] = np.random.default_rng(length).normal(0, 20, (length, 2, 3, 2))
  return values


@pytest.mark.parametrize('length', [1, 2, 5, 9])
@pytest.mark.parametrize('count', [1, 4, 7, 20])
def test_linear_is_numpys(length, count):
  values = values_of(length)
  places = frame_places(jnp.int32(length), count)
  found = jax.jit(resample_linear)(np.nan_to_num(values), places)
  read = np.linspace(0, length - 1, count) if count > 1 else np.zeros(1)
  for index in np.ndindex(2, 3, 2):
    line = values[(slice(length), *index)]
    expected = np.interp(read, np.arange(length), line)
    np.testing.assert_allclose(found[(slice(None), *index)], expected, atol=1e-4)


@pytest.mark.parametrize('length', [1, 2, 7, 32])
def test_as_many_moments_as_frames_are_the_frames(length):
  values = np.random.default_rng(0).normal(0, 9, (40, 1, 1, 2)).astype(np.float32)
  places = frame_places(jnp.int32(length), length)
  found = resample_linear(jnp.asarray(values), places)
  np.testing.assert_array_equal(found, values[:length])
  scores = np.zeros((40, 1, 1), np.float32)
  scores[::2] = 0.5
  found = resample_scores(jnp.asarray(scores), places)
  np.testing.assert_array_equal(found, scores[:length])


@pytest.mark.parametrize('length', [1, 2, 3, 6, 9])
@pytest.mark.parametrize('count', [1, 4, 6, 20])
def test_cubic_is_scipys_zoom(length, count):
  values = values_of(length)
  resample = jax.jit(functools.partial(resample_cubic, count=count))
  found = resample(np.nan_to_num(values), jnp.int32(length))
  assert found.shape == (count, 2, 3, 2)
  assert found.dtype == jnp.float32
  for index in np.ndindex(2, 3, 2):
    line = values[(slice(length), *index)].astype(np.float64)
    expected = ndimage.zoom(line, count / length, order=3)[:count]
    np.testing.assert_allclose(found[(slice(None), *index)], expected, atol=2e-4)


@pytest.mark.parametrize('length', [1, 2, 3, 6, 9])
def test_median_is_scipys(length):
  found = jax.jit(median_of_three)(values_of(length), jnp.int32(length))
  for index in np.ndindex(2, 3, 2):
    line = values_of(length)[(slice(length), *index)]
    expected = signal.medfilt(line, 3) if length > 2 else None
    if expected is None:  # scipy warns if the kernel is longer than the line.
      padded = np.concatenate([[0], line, [0]])
      expected = [np.median(padded[i : i + 3]) for i in range(length)]
    np.testing.assert_array_equal(found[(slice(length), *index)], expected)


def scores_at(scores, places):
  scores = np.array(scores, np.float32).reshape(-1, 1, 1)
  found = resample_scores(jnp.asarray(scores), jnp.array(places, jnp.float32))
  return found.ravel().tolist()


def test_scores_are_0_beside_a_frame_where_the_joint_is_missing():
  scores = [0.25, 0.75, 0, 1, 1]
  assert scores_at(scores, [0, 0.5, 1, 1.25, 2, 2.75, 3, 3.5, 4]) == [
    *(0.25, 0.5, 0.75, 0, 0, 0, 1, 1, 1)
  ]


def test_a_person_seen_only_in_single_frames_keeps_some_score():
  assert scores_at([0, 1, 0, 1, 0], [0.5, 1.5, 2.25]) == [0.5, 0.5, 0.25]
  assert scores_at([0, 0, 0], [0, 0.5, 2]) == [0, 0, 0]
