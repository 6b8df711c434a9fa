"""The one step in which numbers from a file become joints, for all readers.

A reader declares the unit of its positions and leaves the numbers as the file has them.
This step decides which joints are missing, limits scores to 1, converts fractions of the
frame to pixels, and refuses numbers that cannot be in the declared unit.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note

# 'shares' are fractions of the frame's width and height, 0..1 from edge to edge;
# 'metres' are 3-D positions, which are refused.
Unit = Literal['pixels', 'shares', 'metres']

# All numbers are ours. Pixels of a whole clip do not all lie within these bounds, but
# fractions of the frame (0..1 or -1..1) do, and so do metres.
_SHARES = (-1.0, 2.0)
# Frames with a shorter side have no joints to speak of.
_SMALLEST_SIDE = 8
# Largest plausible fraction: networks also guess joints outside the frame.
_LARGEST_SHARE = 10.0
# Larger scores are hardly probabilities or heatmap peaks.
_LARGEST_SCORE = 10.0


@dataclasses.dataclass(frozen=True, eq=False)
class Joints:
  """A clip's joints.

  Attributes:
    values: float32 `[..., 3]`, (x, y) in pixels and score in 0..1; all 0 if missing.
    notes: what was doubtful.
  """

  values: Float[np.ndarray, '*b 3']
  notes: tuple[Note, ...]


def to_joints(
  values: Float[np.ndarray, '*b 3'],
  unit: Unit,
  frame_size: tuple[int, int],
  *,
  normalized: bool = False,
) -> Joints:
  """Converts all numbers of one clip to joints.

  A joint is missing if a value is not finite, the score is not above 0, or its pixel is
  exactly (0, 0) or (-1, -1), where many tools put missing joints. Scores are
  heatmap peaks or unbounded outputs and may exceed 1 (1.4 was seen from OpenPose, 1.3
  from MMPose); such a joint counts as fully certain.

  Args:
    values: (x, y, score) as in the file.
    unit: the unit of x and y in this format.
    frame_size: (height, width) in pixels.
    normalized: x and y are fractions of the frame, though the format's are pixels.

  Raises:
    PoseDataError: if the positions cannot be in this unit.
  """
  values = np.asarray(values, np.float64)
  seen = np.isfinite(values).all(axis=-1) & (values[..., 2] > 0)
  positions, scores = values[..., :2], values[..., 2]
  unplaced = seen & _is_unplaced(positions)
  if unit == 'pixels':
    seen = seen & ~unplaced
  shares = unit == 'shares' or normalized
  _check_unit(positions[seen], unit, frame_size, shares=shares)
  if shares:
    positions = to_pixels(positions, frame_size)
  joints = np.concatenate([positions, np.minimum(scores, 1)[..., None]], axis=-1)
  joints = np.where(seen[..., None], joints, 0).astype(np.float32)
  notes = (
    *_score_notes(scores, seen),
    *_unplaced_notes(scores, unplaced, unit),
    *_missing_notes(values, seen),
    *_edge_notes(normalized, unit),
  )
  return Joints(joints, notes)


def to_pixels(
  shares: Float[np.ndarray, '*b 2'], frame_size: tuple[int, int]
) -> Float[np.ndarray, '*b 2']:
  """Converts fractions of the frame to pixels, whose centres are whole numbers."""
  return shares * np.array(frame_size[::-1], np.float64) - 0.5


def scores_of_positions(
  positions: Float[np.ndarray, '*b 2'],
) -> Float[np.ndarray, '*b']:
  """Scores for joints without one: 0 (missing) or 1.

  Joints at (0, 0), at (-1, -1), or at a position that is not finite are missing.
  """
  seen = np.isfinite(positions).all(axis=-1)
  for missing in (0, -1):
    seen &= (positions != missing).any(axis=-1)
  return seen.astype(np.float32)


def _is_unplaced(positions: Float[np.ndarray, '*b 2']) -> Bool[np.ndarray, '*b']:
  return (positions == 0).all(axis=-1) | (positions == -1).all(axis=-1)


def _unplaced_notes(
  scores: Float[np.ndarray, '*b'], unplaced: Bool[np.ndarray, '*b'], unit: Unit
) -> tuple[Note, ...]:
  if not unplaced.any():
    return ()
  return (
    Note(
      'joints_at_no_place',
      f'{unplaced.sum()} of {scores.size} joints are exactly at (0, 0) or (-1, -1), with'
      f' scores up to {scores[unplaced].max():g}; '
      + (
        'they count as missing'
        if unit == 'pixels'
        else 'if they are missing, give them score 0'
      ),
    ),
  )


def _check_unit(
  positions: Float[np.ndarray, 'n 2'],
  unit: Unit,
  frame_size: tuple[int, int],
  *,
  shares: bool,
):
  """Checks the positions of present joints."""
  if unit == 'metres':
    raise PoseDataError(
      'these are 3-D positions in metres, but the library reads positions in the image;'
      ' give 2-D poses'
    )
  if not positions.size:
    return
  low, high = float(positions.min()), float(positions.max())
  if shares and max(-low, high) > _LARGEST_SHARE:
    raise PoseDataError(
      f'positions lie in {low:.0f}..{high:.0f}, but must be fractions of the frame, 0..1'
      + ('; leave --normalized out (normalized=False)' if unit == 'pixels' else '')
    )
  small = _SHARES[0] <= low and high < _SHARES[1]
  if not shares and small and min(frame_size) >= _SMALLEST_SIDE:
    raise PoseDataError(
      f'all positions lie in {low:.2f}..{high:.2f}, so they are not pixels: if they are'
      ' fractions of the frame, give --normalized (train: --config.data.normalized;'
      ' Python: normalized=True); 3-D poses in metres are not read'
    )


def _score_notes(scores: np.ndarray, seen: np.ndarray) -> tuple[Note, ...]:
  notes = []
  largest = float(scores[seen].max(initial=0))
  if largest > _LARGEST_SCORE:
    notes.append(
      Note(
        'large_scores',
        f'scores go up to {largest:g}, but should be at most 1; each above 1 counts as 1.'
        ' If they are percentages or depths, scale or remove them',
      )
    )
  elif seen.any() and float(scores[seen].min()) > 1 and (scores[seen] != 2).any():
    # 2 is COCO's flag for a visible joint.
    notes.append(
      Note(
        'large_scores',
        f'all scores are above 1 ({scores[seen].min():g} to {largest:g}), so each counts'
        ' as 1. If the numbers are depths, remove them: a depth is not a score',
      )
    )
  # -1 is how some tools mark a missing joint.
  negative = np.isfinite(scores) & (scores < 0) & (scores != -1)
  if negative.any():
    notes.append(
      Note(
        'negative_scores',
        f'{negative.sum()} of {scores.size} scores are negative, down to'
        f' {scores[negative].min():g}; these joints count as missing. If the numbers are'
        ' depths, remove them: a depth is not a score',
      )
    )
  return tuple(notes)


def _missing_notes(values: np.ndarray, seen: np.ndarray) -> tuple[Note, ...]:
  """A note if scores hide all joints."""
  placed = scores_of_positions(values[..., :2]) > 0
  if seen.any() or not (placed & np.isfinite(values[..., 2])).any():
    return ()
  return (
    Note(
      'no_scores',
      'no score is above 0, so all joints are missing. If the numbers are depths, or'
      ' the scores are unknown, remove them',
    ),
  )


def _edge_notes(normalized: bool, unit: Unit) -> tuple[Note, ...]:
  if not normalized or unit == 'shares':
    return ()
  return (Note('normalized', 'positions are read as fractions of the frame, as asked'),)
