"""Labels as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8


def multi_hot(labels: Sequence[int], num_classes: int) -> UInt8[np.ndarray, ' k']:
  """Returns 1 for each label and 0 for every other class."""
  hot = np.zeros(num_classes, np.uint8)
  hot[list(labels)] = 1
  return hot
