"""Which algorithm computes a model's 3×3 convolutions; all give the same result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from model_lib import winograd

ALGORITHMS = ('auto', 'direct', 'winograd')
_AXES = ('NHWC', 'HWIO', 'NHWC')


def is_winograd(algorithm: str, dtype: Any) -> bool:
  """Whether `model_lib.winograd` computes the convolutions whose stride is 1.

  Args:
    algorithm: 'direct', 'winograd', or 'auto', which takes Winograd's on a single CPU
      device. Over several, clips of one part would be gathered from all devices.
    dtype: of the computation; 'auto' is direct with fewer than 32 bits.

  Raises:
    ValueError: for another `algorithm`.
  """
  if algorithm not in ALGORITHMS:
    raise ValueError(
      f'there is no convolution {algorithm!r}; use one of {", ".join(ALGORITHMS)} (all'
      ' compute the same)'
    )
  if algorithm != 'auto':
    return algorithm == 'winograd'
  alone = jax.default_backend() == 'cpu' and jax.device_count() == 1
  return alone and jnp.finfo(dtype).bits >= 32


def unit_stride_convolution(
  lhs: Float[Array, 'b h w c'],
  rhs: Float[Array, '3 3 c d'],
  window_strides: Sequence[int] = (1, 1),
  padding: Any = ((1, 1), (1, 1)),
  **options: Any,
) -> Float[Array, 'b h w d']:
  """A 3×3 convolution by Winograd's algorithm where that saves time.

  In the form of `nn.Conv.conv_general_dilated`; only for stride 1, one cell of zeros on
  every side, and the axes of `nn.Conv`.
  """
  if winograd.pays(*lhs.shape[:3]):
    if winograd.pays_in_training(rhs):
      return winograd.convolution(lhs, rhs)
    return _direct_in_training(lhs, rhs)
  options.setdefault('dimension_numbers', _AXES)
  return jax.lax.conv_general_dilated(lhs, rhs, window_strides, padding, **options)


@jax.custom_vjp
def _direct_in_training(
  maps: Float[Array, 'b h w c'], kernel: Float[Array, '3 3 c d']
) -> Float[Array, 'b h w d']:
  """By Winograd's algorithm without a gradient, and by XLA's convolution with one."""
  return winograd.convolution(maps, kernel)


def _forward(maps, kernel):
  def direct(maps, kernel):
    edges = ((1, 1), (1, 1))
    return jax.lax.conv_general_dilated(
      maps, kernel, (1, 1), edges, dimension_numbers=_AXES
    )

  return jax.vjp(direct, maps, kernel)


def _backward(gradients_of, gradient):
  return gradients_of(gradient)


_direct_in_training.defvjp(_forward, _backward)
