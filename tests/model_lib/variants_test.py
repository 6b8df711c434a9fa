"""The variant that fits the inputs runs, chosen on the device."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from model_lib.variants import with_fitting_variant


@dataclasses.dataclass(frozen=True)
class TimesFactor:
  """Has variants with the factors 1, 10 and 100, or only itself."""

  factor: int = 1
  several: bool = True

  def variants(self, inputs, train):
    factors = (1, 10, 100) if self.several else (self.factor,)
    return inputs.sum() + int(train), [TimesFactor(factor) for factor in factors]


@pytest.mark.parametrize(('total', 'expected'), [(0, 10), (1, 100)])
def test_the_index_chooses(total, expected):
  run = jax.jit(
    lambda inputs: with_fitting_variant(
      TimesFactor(), inputs, lambda model: jnp.int32(model.factor), train=True
    )
  )
  assert run(jnp.array([total])) == expected


def test_one_variant_and_none_need_no_choice():
  inputs = jnp.array([0])
  alone = TimesFactor(7, several=False)
  assert with_fitting_variant(alone, inputs, lambda m: m.factor, train=False) == 7
  model = object()
  assert with_fitting_variant(model, inputs, lambda m: m, train=True) is model
