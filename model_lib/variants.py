"""Models with several programs for the same function, chosen by the inputs' values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import flax.linen as nn
import jax

Result = TypeVar('Result')


def with_fitting_variant(
  model: nn.Module, inputs: Any, run: Callable[[Any], Result], *, train: bool
) -> Result:
  """Runs a function with the variant of a model that fits the inputs.

  A model may have a method `variants(inputs, train) -> (index, models)`: models with the
  same parameters and outputs, and which one to use, decided on the device. All are
  compiled, one of them runs. The choice is made here, around a gradient and not inside
  it, because a conditional would keep all variants' activations for the backward pass.

  Args:
    run: (model) → arrays of the same shapes for each variant.
  """
  variants = getattr(model, 'variants', None)
  if variants is None:
    return run(model)
  index, models = variants(inputs, train)
  if len(models) == 1:
    return run(models[0])
  return jax.lax.switch(index, [functools.partial(run, variant) for variant in models])
