"""Winograd's convolution is the plain one: values and both gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from model_lib import winograd


def plain(maps, kernel, pad):
  return jax.lax.conv_general_dilated(
    maps, kernel, (1, 1), (pad, pad), dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )


def numbers(*shape, seed=0):
  return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize(
  ('shape', 'pad'),
  [
    ((2, 5, 6, 3), (1, 1)),
    ((3, 4, 7, 2), (2, 2)),
    ((1, 6, 5, 2), (0, 0)),
    ((2, 5, 5, 3), (0, 2)),
    ((2, 1, 1, 2), (1, 1)),
    ((64, 8, 8, 2), (1, 1)),  # 16 clips at a time.
  ],
  ids=str,
)
def test_every_number_is_the_plain_convolution_s(shape, pad):
  with jax.enable_x64(True):
    maps, kernel = numbers(*shape), numbers(3, 3, shape[-1], 4, seed=1)
    wanted, gradients = jax.vjp(lambda x, k: plain(x, k, pad), maps, kernel)
    given = numbers(*wanted.shape, seed=2)
    of_maps, of_kernel = gradients(given)
    prepared = winograd.transformed(kernel)
    close = {'rtol': 0, 'atol': 1e-12 * float(abs(of_kernel).max())}
    np.testing.assert_allclose(winograd.convolved(maps, prepared, pad), wanted, **close)
    found = winograd.input_gradient(given, prepared, pad)
    np.testing.assert_allclose(found, of_maps, **close)
    found = winograd.kernel_gradient(maps, given, pad)
    np.testing.assert_allclose(found, of_kernel, **close)


def test_its_gradient_is_the_plain_convolution_s():
  with jax.enable_x64(True):
    maps, kernel = numbers(4, 9, 6, 3), numbers(3, 3, 3, 2, seed=1)
    weights = numbers(4, 9, 6, 2, seed=2)

    def gradients(function):
      def read_out(*arguments):
        return (weights * jnp.sin(function(*arguments))).sum()

      return jax.jit(jax.grad(read_out, (0, 1)))(maps, kernel)

    wanted = gradients(lambda x, k: plain(x, k, (1, 1)))
    for found, expected in zip(gradients(winograd.convolution), wanted, strict=True):
      np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_tile_by_hand():
  """The kernel's centre copies; its corner moves by one cell."""
  maps = jnp.arange(1.0, 5.0).reshape(1, 2, 2, 1)
  for row, column, expected in (
    (1, 1, [[1, 2], [3, 4]]),
    (0, 0, [[0, 0], [0, 1]]),
    (2, 1, [[3, 4], [0, 0]]),
  ):
    kernel = jnp.zeros((3, 3, 1, 1)).at[row, column].set(1)
    found = winograd.convolution(maps, kernel)
    np.testing.assert_allclose(found[0, :, :, 0], expected, atol=1e-6)


def test_float32_rounds_about_as_the_plain_sum():
  maps, kernel = numbers(2, 16, 22, 64), numbers(3, 3, 64, 32, seed=1)
  with jax.enable_x64(True):
    exact = np.asarray(plain(*(x.astype(jnp.float64) for x in (maps, kernel)), (1, 1)))
  found = np.asarray(winograd.convolution(maps, kernel))
  assert found.dtype == np.float32
  assert abs(found - exact).max() < 3e-6 * abs(exact).max()


def test_what_pays():
  assert winograd.pays(1, 32, 32)  # 256 tiles.
  assert not winograd.pays(1, 31, 30)
  assert winograd.pays(4, 15, 16)
