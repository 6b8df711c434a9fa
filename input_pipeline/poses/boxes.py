"""Boxes (x1, y1, x2, y2), how much two of them overlap, and the box of a pose."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def overlaps(
  boxes: Float[np.ndarray, '*b n 4'], others: Float[np.ndarray, '*b g 4']
) -> Float[np.ndarray, '*b n g']:
  """Intersection over union of each box with each other one, in 0..1; float64.

  Corners are (x1, y1, x2, y2), on any scale that both have, and areas are of continuous
  coordinates. A box of no area, or of NaN, overlaps nothing.
  """
  boxes = np.asarray(boxes, np.float64)[..., :, None, :]
  others = np.asarray(others, np.float64)[..., None, :, :]
  low = np.maximum(boxes[..., :2], others[..., :2])
  high = np.minimum(boxes[..., 2:], others[..., 2:])
  shared = np.maximum(high - low, 0).prod(axis=-1)
  union = _areas(boxes) + _areas(others) - shared
  return np.where(shared > 0, shared / np.where(union > 0, union, 1), 0)


def boxes_of_poses(
  keypoints: Float[np.ndarray, '*b j 2'], scores: Float[np.ndarray, '*b j']
) -> Float[np.ndarray, '*b 4']:
  """The smallest box around the joints that are there (score above 0); NaN of none."""
  present = (scores > 0)[..., None]
  low = np.where(present, keypoints, np.inf).min(axis=-2)
  high = np.where(present, keypoints, -np.inf).max(axis=-2)
  boxes = np.concatenate([low, high], axis=-1).astype(np.float64)
  return np.where(present.any(axis=-2), boxes, np.nan)


def _areas(boxes: Float[np.ndarray, '*b 4']) -> Float[np.ndarray, '*b']:
  return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)
