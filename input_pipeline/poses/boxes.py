"""Boxes (x1, y1, x2, y2): intersection over union, and bounding boxes of poses."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def overlaps(
  boxes: Float[np.ndarray, '*b n 4'], others: Float[np.ndarray, '*b g 4']
) -> Float[np.ndarray, '*b n g']:
  """Intersection over union for each pair of a box and another box; float64 in 0..1.

  Corners are (x1, y1, x2, y2) in any unit, the same for both arguments. Areas use
  continuous coordinates (no + 1). A box without area, or with NaN, overlaps nothing.
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
  """The smallest box around the present joints (score > 0); NaN if all are missing."""
  present = (scores > 0)[..., None]
  low = np.where(present, keypoints, np.inf).min(axis=-2)
  high = np.where(present, keypoints, -np.inf).max(axis=-2)
  boxes = np.concatenate([low, high], axis=-1).astype(np.float64)
  return np.where(present.any(axis=-2), boxes, np.nan)


def _areas(boxes: Float[np.ndarray, '*b 4']) -> Float[np.ndarray, '*b']:
  return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)
