"""Draws confusion matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int, UInt8

from pose_action.plots import drawing

if TYPE_CHECKING:
  from matplotlib.axes import Axes

# All ours: up to these sizes labels stay readable.
_NUMBERED_CLASSES = 30  # With more classes, no counts are written.
_NAMED_CLASSES = 120  # With more classes, only every second, third, … class is named.


def confusion_matrix_image(
  counts: Int[np.ndarray, 'k k'], class_names: Sequence[str]
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws a confusion matrix, with true classes in rows and predicted in columns.

  The colour is the share of the row's clips; a class without clips is grey. With up to 30
  classes, counts above 0 are written in the cells.

  Raises:
    ValueError: if counts and class names do not fit.
  """
  counts = np.asarray(counts)
  num_classes = len(class_names)
  if counts.shape != (num_classes, num_classes):
    raise ValueError(
      f'counts have shape {counts.shape}, but {num_classes} class names need'
      f' ({num_classes}, {num_classes})'
    )
  clips = counts.sum(axis=1, keepdims=True)
  shares = np.where(clips > 0, counts / np.maximum(clips, 1), np.nan)
  numbered = num_classes <= _NUMBERED_CLASSES
  cell = 0.4 if numbered else min(0.18, drawing.WIDEST_INCHES / num_classes)
  side = max(
    2.0, cell * num_classes
  )  # Inches; wide enough for the title with two classes.

  figure, axes = drawing.figure(side, side)
  picture = axes.imshow(shares, cmap=drawing.colours('Blues'), vmin=0, vmax=1)
  named = range(0, num_classes, math.ceil(num_classes / _NAMED_CLASSES))
  names = [class_names[i] for i in named]
  size = 9 if numbered else 7
  axes.set_xticks(named, names, rotation=90, fontsize=size)
  axes.set_yticks(named, names, fontsize=size)
  axes.set_xlabel('predicted class')
  axes.set_ylabel('true class')
  right, total = np.trace(counts), counts.sum()
  axes.set_title(f'{right} of {total} clips right', fontsize=11)
  if numbered:
    _write_counts(axes, counts, shares)
  drawing.add_scale(figure, picture, "share of the class's clips")
  return drawing.rgb(figure)


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
  for row, column in np.argwhere(counts > 0):
    axes.text(
      column,
      row,
      str(counts[row, column]),
      color='white' if shares[row, column] > 0.55 else 'black',
      fontsize=8,
      horizontalalignment='center',
      verticalalignment='center',
    )
