"""Reduces maps with many channels to one map, and finds its scale."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Real


def largest(maps: Float[np.ndarray, '*b c']) -> Float[np.ndarray, '*b']:
  """The largest magnitude over channels; NaN where all channels are NaN."""
  return np.fmax.reduce(np.abs(maps), axis=-1)


def strongest(maps: Float[np.ndarray, '*b c']) -> Float[np.ndarray, '*b']:
  """The value of the channel with the largest magnitude, with its sign."""
  magnitude = np.nan_to_num(np.abs(maps), nan=-1.0, posinf=np.inf)
  channel = magnitude.argmax(axis=-1, keepdims=True)
  return np.take_along_axis(maps, channel, axis=-1)[..., 0]


def peak(values: Real[np.ndarray, '...']) -> float:
  """The largest finite magnitude; 1 if that is 0 or missing."""
  magnitude = np.abs(values)
  return float(magnitude.max(where=np.isfinite(magnitude), initial=0)) or 1.0
