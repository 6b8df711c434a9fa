"""Which algorithm a convolution has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from model_lib import winograd
from model_lib.convolution import is_winograd, unit_stride_convolution


def test_auto_is_winograd_on_a_single_cpu_device(monkeypatch):
  monkeypatch.setattr(jax, 'device_count', lambda: 1)
  assert is_winograd('auto', jnp.float32)
  assert not is_winograd('auto', jnp.bfloat16)
  monkeypatch.setattr(jax, 'device_count', lambda: 8)
  assert not is_winograd('auto', jnp.float32)
  monkeypatch.setattr(jax, 'device_count', lambda: 1)
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  assert not is_winograd('auto', jnp.float32)


def test_the_algorithm_may_be_chosen():
  assert is_winograd('winograd', jnp.bfloat16)
  assert not is_winograd('direct', jnp.float32)
  with pytest.raises(ValueError, match="no convolution 'fft'; use one of auto, direct"):
    is_winograd('fft', jnp.float32)


@pytest.mark.parametrize('side', [8, 32])
def test_few_tiles_are_convolved_directly(side, monkeypatch):
  called = []
  real = winograd.convolution
  monkeypatch.setattr(
    winograd, 'convolution', lambda *args: called.append(1) or real(*args)
  )
  rng = np.random.default_rng(0)
  maps, kernel = rng.normal(size=(1, side, side, 2)), rng.normal(size=(3, 3, 2, 3))
  found = unit_stride_convolution(jnp.float32(maps), jnp.float32(kernel))
  padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
  expected = sum(
    padded[:, row : row + side, column : column + side] @ kernel[row, column]
    for row in range(3)
    for column in range(3)
  )
  np.testing.assert_allclose(found, expected, atol=1e-4)
  assert bool(called) == (side == 32)


@pytest.mark.parametrize('channels', [127, 128])
def test_few_channels_are_convolved_directly_in_training(channels):
  """Both give the plain gradient; Winograd's has no convolution in its program."""
  maps, kernel = jnp.ones((1, 32, 32, 128)), jnp.ones((3, 3, 128, channels))

  def convolutions(function):
    return str(jax.make_jaxpr(function)(maps, kernel)).count('conv_general_dilated[')

  def loss(maps, kernel):
    return unit_stride_convolution(maps, kernel).sum()

  assert convolutions(unit_stride_convolution) == 0
  assert convolutions(jax.grad(loss, (0, 1))) == (0 if channels == 128 else 3)


def test_the_gradient_of_few_channels_is_the_plain_one():
  rng = np.random.default_rng(0)
  with jax.enable_x64(True):
    maps, kernel = (
      jnp.asarray(rng.normal(size=s)) for s in ((1, 32, 32, 2), (3, 3, 2, 3))
    )

    def gradients(function):
      def read_out(maps, kernel):
        return jnp.sin(function(maps, kernel)).sum()

      return jax.jit(jax.grad(read_out, (0, 1)))(maps, kernel)

    found, plain = gradients(unit_stride_convolution), gradients(winograd.convolution)
    for one, other in zip(found, plain, strict=True):
      np.testing.assert_allclose(one, other, atol=1e-10)
