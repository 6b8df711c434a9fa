"""Multiply-accumulates per video, counted on the traced programs (B-29)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax.model import JMRN
from pa3d_jax.model import PA3D


def cost(model, maps_shape):
  """Multiply-accumulates for one video, including those on padding."""
  maps = jax.ShapeDtypeStruct(maps_shape, jnp.float32)
  variables = jax.eval_shape(
    lambda key, maps: model.init(key, maps, train=False), jax.random.key(0), maps
  )
  traced = jax.make_jaxpr(lambda v, x: model.apply(v, x, train=False).logits)
  return sum(map(_cost_of, _equations(traced(variables, maps).jaxpr)))


def _equations(jaxpr):
  for equation in jaxpr.eqns:
    yield equation
    for value in equation.params.values():
      inner = getattr(value, 'jaxpr', value)  # A call, such as of a jitted function.
      if hasattr(inner, 'eqns'):
        yield from _equations(inner)


def _cost_of(equation):
  if equation.primitive.name not in ('conv_general_dilated', 'dot_general'):
    return 0
  kernel, output = equation.invars[1].aval, equation.outvars[0].aval
  if equation.primitive.name == 'conv_general_dilated':
    features = equation.params['dimension_numbers'].rhs_spec[0]
    return output.size * kernel.size // kernel.shape[features]
  (contracted, _), _ = equation.params['dimension_numbers']
  maps = equation.invars[0].aval
  return output.size * int(np.prod([maps.shape[axis] for axis in contracted]))


@pytest.mark.parametrize(
  ('num_classes', 'compressed', 'width', 'published'),
  [(21, 128, 86, 10.8), (51, 64, 86, 10.5), (157, 32, 64, 7.6)],
  ids=['jhmdb', 'hmdb51', 'charades'],
)
def test_jmrn(num_classes, compressed, width, published):
  """The official network's cost, less the selector's 1×1 layer.

  Ours is applied after the average over the map, so it costs almost nothing.
  """
  model = JMRN(num_classes, compressed=compressed)
  # 18·256 features to 256, on all but one of 16 rows × ⌈width / 4⌉ cells.
  spared = 18 * 256 * 256 * (16 * -(-width // 4) - 1)
  total = cost(model, (1, 18, 64, width, 3)) + spared
  assert round(total / 1e9, 1) == published


def test_the_shared_encoder_is_most_of_it():
  whole = cost(JMRN(21), (1, 18, 64, 86, 3))
  one_joint_less = cost(JMRN(21), (1, 17, 64, 86, 3))
  # B-29: 519 M per joint, without the joint's share in the layers over all joints.
  beside = 16 * 22 * (256 * 128 + 128 * 512) + 256 * 256 + 256
  assert round((whole - one_joint_less - beside) / 1e6) == 519


def test_potion():
  """With the background map, which the released baseline would read (B-30)."""
  assert round(cost(PA3D(21, temporal='potion'), (1, 19, 64, 86, 3)) / 1e9, 2) == 0.92
