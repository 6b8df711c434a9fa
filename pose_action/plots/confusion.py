"""Which classes a model takes for which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int, UInt8

from pose_action.plots import drawing

if TYPE_CHECKING:
  from matplotlib.axes import Axes

# All ours: sizes at which labels stay readable.
_NUMBERED_CLASSES = 30  # Beyond it the numbers of a confusion matrix run together.
_NAMED_CLASSES = 120  # Beyond it only every second, third, … class is named.


def confusion_matrix_image(
  counts: Int[np.ndarray, 'k k'], class_names: Sequence[str]
) -> UInt8[np.ndarray, 'h w 3']:
  """The confusion matrix, true classes in rows, predicted ones in columns.

  Colour is the share of a row's clips; a class without clips is grey. Up to 30 classes
  the counts stand in the cells, those above 0.
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
  side = max(2.0, cell * num_classes)  # Inches; two classes still hold the title.

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
