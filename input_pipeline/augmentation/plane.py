"""Linear maps of the plane: stretch along x, shear along x and rotation; pure JAX.

A matrix `[2, 2]` multiplies columns (x, y). y points down, so a positive angle turns from
+x towards +y, which looks clockwise.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def linear_map(
  stretch: Float[Array, '*b'], shear: Float[Array, '*b'], angle: Float[Array, '*b']
) -> Float[Array, '*b 2 2']:
  """Multiplies x by `stretch`, then adds `shear`·y to x, then turns by `angle`.

  The matrix is R(angle) · [[1, shear], [0, 1]] · [[stretch, 0], [0, 1]].

  Args:
    angle: radians.
  """
  cosine, sine = jnp.cos(angle), jnp.sin(angle)
  first = jnp.stack([cosine * stretch, cosine * shear - sine], axis=-1)
  second = jnp.stack([sine * stretch, sine * shear + cosine], axis=-1)
  return jnp.stack([first, second], axis=-2)


def transformed(
  offset: Float[Array, '*b 2'], matrix: Float[Array, '*c 2 2']
) -> Float[Array, '*b 2']:
  """matrix · offset. `*c` is empty or broadcasts against `*b` with equal rank."""
  # Written out: a matrix product would be rounded to 10 bits on a GPU.
  x, y = offset[..., 0], offset[..., 1]
  return jnp.stack(
    [
      matrix[..., 0, 0] * x + matrix[..., 0, 1] * y,
      matrix[..., 1, 0] * x + matrix[..., 1, 1] * y,
    ],
    axis=-1,
  )


def inverse(matrix: Float[Array, '*b 2 2']) -> Float[Array, '*b 2 2']:
  """The inverse of matrices whose determinant is not 0."""
  a, b = matrix[..., 0, 0], matrix[..., 0, 1]
  c, d = matrix[..., 1, 0], matrix[..., 1, 1]
  adjugate = jnp.stack([jnp.stack([d, -b], -1), jnp.stack([-c, a], -1)], axis=-2)
  return adjugate / (a * d - b * c)[..., None, None]
