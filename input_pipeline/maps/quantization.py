"""Quantizes maps to uint8 and back, in numpy or JAX.

Joint maps are in 0..1, with steps of 1/255. Part affinity fields are in -1..1, with steps
of 1/127 around code 128, so that an empty field is exactly 0. Features are non-negative,
with 255 steps up to a scale stored with the clip.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

_PART_ZERO = 128
_PART_STEPS = 127
# Code of an empty cell, by modality.
EMPTY = {'joints': 0, 'parts': _PART_ZERO, 'features': 0}


def quantize(maps: Any, modality: str, scale: float = 1.0) -> Any:
  """Quantizes a modality's values to uint8, clipped to the modality's range.

  Args:
    maps: float array of any shape, numpy or JAX; the result has the same kind.
    scale: for features, the value that becomes 255.
  """
  xp: Any = np if isinstance(maps, np.ndarray) else jnp
  if modality == 'parts':
    return xp.round(_PART_ZERO + _PART_STEPS * xp.clip(maps, -1, 1)).astype(np.uint8)
  largest = scale if modality == 'features' and scale > 0 else 1.0
  return xp.round(255 / largest * xp.clip(maps, 0, largest)).astype(np.uint8)


def dequantize(codes: Any, modality: str, scale: Any = 1.0) -> Any:
  """Converts uint8 codes to a modality's float32 values.

  Args:
    codes: array of any shape, numpy or JAX; the result has the same kind.
    scale: for features, a number or an array that broadcasts against `codes`.
  """
  values = codes.astype(np.float32)
  if modality == 'parts':
    return (values - _PART_ZERO) / _PART_STEPS
  return values / 255 * scale if modality == 'features' else values / 255
