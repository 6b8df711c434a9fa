"""Maps as uint8, and back: what 8 bits keep of each modality; numpy or JAX.

Joint maps lie in 0..1 and take steps of 1/255. Part affinity fields lie in -1..1 and
take steps of 1/127 about 128, so that an empty field is exactly 0. Features are not
negative, and take 255 steps up to a scale that is stored with the clip.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

_PART_ZERO = 128
_PART_STEPS = 127
# What stands for an empty cell, by modality.
EMPTY = {'joints': 0, 'parts': _PART_ZERO, 'features': 0}


def quantize(maps: Any, modality: str, scale: float = 1.0) -> Any:
  """Values of a modality to uint8 of any shape; what lies outside its range is cut.

  Args:
    maps: float numpy or JAX array, and so is the answer.
    scale: of features: the value that becomes 255.
  """
  xp: Any = np if isinstance(maps, np.ndarray) else jnp
  if modality == 'parts':
    return xp.round(_PART_ZERO + _PART_STEPS * xp.clip(maps, -1, 1)).astype(np.uint8)
  largest = scale if modality == 'features' and scale > 0 else 1.0
  return xp.round(255 / largest * xp.clip(maps, 0, largest)).astype(np.uint8)


def dequantize(codes: Any, modality: str, scale: Any = 1.0) -> Any:
  """uint8 of any shape to float32 values of a modality.

  Args:
    codes: numpy or JAX array, and so is the answer.
    scale: of features: a number, or an array that broadcasts against `codes`.
  """
  values = codes.astype(np.float32)
  if modality == 'parts':
    return (values - _PART_ZERO) / _PART_STEPS
  return values / 255 * scale if modality == 'features' else values / 255
