"""Convolutions in tiles are convolutions, and are used only where they pay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ddnet_jax import tiled_convolution
from ddnet_jax.layers import OURS, ConvNorm


def _by_hand(x, kernel):
  """Zeros around, then every output from its three frames."""
  padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
  frames = x.shape[1]
  return sum(
    np.einsum('ntc,cd->ntd', padded[:, k : k + frames], kernel[k]) for k in range(3)
  )


@pytest.mark.parametrize('frames', [4, 12])
def test_exact_in_float64(frames):
  rng = np.random.default_rng(0)
  x, kernel = rng.normal(size=(3, frames, 5)), rng.normal(size=(3, 5, 7))
  with jax.enable_x64(True):
    found = jax.jit(tiled_convolution.convolved_in_tiles)(x, kernel)
  np.testing.assert_allclose(found, _by_hand(x, kernel), rtol=0, atol=1e-13)


def test_rounding_in_float32():
  rng = np.random.default_rng(1)
  x = rng.normal(size=(16, 16, 128)).astype(np.float32)
  kernel = rng.normal(size=(3, 128, 128)).astype(np.float32)
  found = jax.jit(tiled_convolution.convolved_in_tiles)(x, kernel)
  wanted = _by_hand(x.astype(np.float64), kernel.astype(np.float64))
  np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-6 * np.abs(wanted).max())


@pytest.mark.parametrize(
  ('shape', 'kernel', 'dtype', 'pays'),
  [
    ((16, 16, 128), (3, 128, 128), 'float32', True),
    ((15, 16, 128), (3, 128, 128), 'float32', False),  # 60 tiles.
    ((16, 16, 127), (3, 127, 128), 'float32', False),
    ((16, 16, 128), (3, 128, 64), 'float32', False),
    ((16, 18, 128), (3, 128, 128), 'float32', False),
    ((16, 16, 128), (1, 128, 128), 'float32', False),
    ((16, 16, 128), (3, 128, 128), 'bfloat16', False),
  ],
)
def test_where_tiles_pay(shape, kernel, dtype, pays):
  x, kernel = (jax.ShapeDtypeStruct(s, jnp.dtype(dtype)) for s in (shape, kernel))
  assert tiled_convolution.pays(x, kernel) is pays


def test_only_inference_uses_tiles():
  layer = ConvNorm(128, 3, OURS, algorithm='winograd')
  x, present = jnp.ones((16, 16, 128)), jnp.ones(16, bool)
  variables = jax.eval_shape(
    lambda: layer.init(jax.random.key(0), x, present, train=False)
  )
  assert jax.tree.map(jnp.shape, variables['params']) == {
    'conv': {'kernel': (3, 128, 128)},
    'normalised': {'norm': {'bias': (128,), 'scale': (128,)}},
  }

  def operations(train, layer=layer):
    program = jax.make_jaxpr(
      lambda v: layer.apply(v, x, present, train=train, mutable=['batch_stats'])
    )(variables)
    return str(program)

  assert 'conv_general_dilated' in operations(train=True)
  assert 'conv_general_dilated' not in operations(train=False)
  direct = ConvNorm(128, 3, OURS, algorithm='direct')
  assert 'conv_general_dilated' in operations(train=False, layer=direct)
