"""Rematerialisation: the backward pass computes a block's activations again.

Only a block's input is kept from the forward pass, which takes less memory and more time.
Parameters, their names, random numbers and results are the same. XLA:CPU merges the second
computation with the first, so that nothing changes there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import flax.linen as nn

_Block = TypeVar('_Block', bound=Callable[..., Any])


def rematerialized(
  block: _Block, active: bool, *, static_argnums: tuple[int, ...] = ()
) -> _Block:
  """The block, or the same with rematerialisation.

  Args:
    block: a module class, or a function of a module and arrays, which makes that
      module's layers.
    active: False returns the block as it is.
    static_argnums: positions of arguments that are no arrays, counted from the module's.
  """
  if not active:
    return block
  return nn.remat(block, static_argnums=static_argnums)  # pyright: ignore
