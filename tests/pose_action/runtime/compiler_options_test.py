"""The CPU options: accepted by this XLA, dropped if refused, and accurate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pose_action.runtime import compiler_options
from pose_action.runtime.compiler_options import (
  convolution_options,
  initial_state_options,
)


@pytest.fixture(autouse=True)
def fresh_cache():
  compiler_options._are_known.cache_clear()
  yield
  compiler_options._are_known.cache_clear()


@pytest.mark.parametrize('trains', [True, False])
def test_only_on_cpu(trains):
  assert convolution_options('gpu', trains=trains) is None
  assert convolution_options('tpu', trains=trains) is None
  # This version of XLA accepts them.
  assert convolution_options('cpu', trains=trains)


def test_random_parameters_are_the_same():
  assert initial_state_options('gpu') is None
  options = initial_state_options('cpu')
  assert options

  def values(seed):
    one, other = jax.random.split(jax.random.key(seed))
    return jax.random.normal(one, (3, 3, 5, 7)), jax.random.uniform(other, (33,)) / 3

  plain, quick = (jax.jit(values, compiler_options=o)(3) for o in (None, options))
  for one, other in zip(plain, quick, strict=True):
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize('trains', [True, False])
def test_quick_compilation_only_adds_an_option(trains):
  plain = convolution_options('cpu', trains=trains)
  quick = convolution_options('cpu', trains=trains, quick=True)
  assert plain and quick and plain.items() < quick.items()
  assert convolution_options('gpu', trains=trains, quick=True) is None


@pytest.mark.parametrize('name', ['_TRAINING', '_INFERENCE', '_INITIAL', '_QUICK'])
def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch, name):
  monkeypatch.setattr(compiler_options, name, {'xla_no_such_flag': '1'})
  assert convolution_options('cpu', trains=True) is None
  assert convolution_options('cpu', trains=False) is None
  assert initial_state_options('cpu') is None


@pytest.mark.parametrize('trains', [True, False])
def test_convolutions_and_their_gradients_stay_exact(trains):
  """Compared with a float64 sum over the nine taps."""
  rng = np.random.default_rng(0)
  maps = rng.normal(size=(4, 9, 10, 32))
  kernel = rng.normal(size=(3, 3, 32, 32))
  slope = rng.normal(size=(4, 5, 5, 32))

  def convolve(maps, kernel):
    return jax.lax.conv_general_dilated(
      maps, kernel, (2, 2), ((1, 1), (1, 1)), dimension_numbers=('NHWC', 'HWIO', 'NHWC')
    )

  def results(maps, kernel, slope):
    output, pull_back = jax.vjp(convolve, maps, kernel)
    return output, *pull_back(slope)

  fast = jax.jit(results, compiler_options=convolution_options('cpu', trains=trains))
  found = fast(*(jnp.asarray(a, jnp.float32) for a in (maps, kernel, slope)))

  padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
  output, to_kernel = np.zeros(slope.shape), np.zeros(kernel.shape)
  to_padded = np.zeros(padded.shape)
  for row in range(3):
    for column in range(3):
      window = np.s_[:, row : row + 9 : 2, column : column + 10 : 2]
      output += padded[window] @ kernel[row, column]
      to_kernel[row, column] = np.einsum('bhwc,bhwd->cd', padded[window], slope)
      to_padded[window] += slope @ kernel[row, column].T
  for got, expected in zip(
    found, (output, to_padded[:, 1:-1, 1:-1], to_kernel), strict=True
  ):
    error = np.abs(got - expected).max() / np.abs(expected).max()
    assert error < 1e-5


def test_large_sums_stay_exact():
  """XLA's fast reductions sum in parts; without REDUCE the error is 1e-6."""
  maps = np.random.default_rng(0).uniform(size=(32, 32, 43, 8))
  total = jax.jit(
    lambda maps: maps.sum((0, 1, 2)),
    compiler_options=convolution_options('cpu', trains=True),
  )
  found = np.asarray(total(maps.astype(np.float32)), np.float64)
  np.testing.assert_allclose(found, maps.sum((0, 1, 2)), rtol=3e-7)
