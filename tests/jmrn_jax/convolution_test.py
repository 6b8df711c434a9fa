"""The 3×3 convolution's lowerings compared with loops, and initial parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax.convolution import (
  Conv1x1,
  Conv3x3,
  direct_convolution,
  patch_convolution,
)

LOWERINGS = [direct_convolution, patch_convolution]


def random_array(*shape, seed=0):
  return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def convolved_by_loops(maps, kernel, stride):
  """A float64 convolution with one cell of padding on every side."""
  clips, height, width, _ = maps.shape
  padded = np.pad(maps.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
  rows, columns = (height - 1) // stride + 1, (width - 1) // stride + 1
  out = np.zeros((clips, rows, columns, kernel.shape[-1]))
  for row in range(rows):
    for column in range(columns):
      for i in range(3):
        for k in range(3):
          cell = padded[:, row * stride + i, column * stride + k]
          out[:, row, column] += cell @ kernel[i, k]
  return out


@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('lowering', LOWERINGS)
def test_equals_loops_on_an_even_and_an_odd_side(lowering, stride):
  maps, kernel = random_array(2, 6, 9, 3), random_array(3, 3, 3, 4, seed=1)
  bias = random_array(4, seed=2)
  module = Conv3x3(4, stride, lowering=lowering)
  got = module.apply({'params': {'kernel': kernel, 'bias': bias}}, jnp.array(maps))
  wanted = convolved_by_loops(maps, kernel, stride) + bias
  np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_both_lowerings_have_the_same_gradients():
  inputs = jnp.array(random_array(2, 6, 9, 3)), jnp.array(random_array(3, 3, 3, 4))
  direct, patches = (
    jax.jit(jax.grad(lambda *a, f=f: (f(*a, 2) ** 3).sum(), argnums=(0, 1)))(*inputs)
    for f in LOWERINGS
  )
  for a, b in zip(patches, direct, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-2)
    assert abs(np.asarray(b)).max() > 10


@pytest.mark.parametrize(
  ('module', 'shape', 'fan_in'),
  [(Conv3x3(900), (1, 4, 4, 4), 36), (Conv1x1(900), (1, 4, 4, 25), 25)],
)
def test_kernel_and_bias_start_uniform_in_one_over_root_fan_in(module, shape, fan_in):
  params = jax.jit(module.init)(jax.random.key(0), jnp.zeros(shape))['params']
  for name in ('kernel', 'bias'):
    scaled = np.sort(np.asarray(params[name]).ravel()) * fan_in**0.5
    assert -1 <= scaled[0] < -0.99
    assert 0.99 < scaled[-1] <= 1
    even = np.linspace(-1, 1, scaled.size)
    np.testing.assert_allclose(scaled, even, atol=0.1)


def test_a_linear_layer_over_the_last_axis():
  x, kernel, bias = random_array(2, 3, 5), random_array(5, 4), random_array(4, seed=1)
  got = Conv1x1(4).apply({'params': {'kernel': kernel, 'bias': bias}}, jnp.array(x))
  wanted = np.tensordot(x, kernel, 1) + bias
  np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
  'module', [Conv3x3(4, dtype=jnp.bfloat16), Conv1x1(4, jnp.bfloat16)]
)
def test_bfloat16_keeps_parameters_in_float32(module):
  output, variables = jax.eval_shape(
    module.init_with_output, jax.random.key(0), jnp.zeros((1, 4, 4, 3))
  )
  assert output.dtype == jnp.bfloat16
  assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype('float32')}
