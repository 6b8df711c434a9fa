"""Arrays in, pictures out: RGB images of what a model confuses, sees and computes.

A leaf that anyone may import: matplotlib is loaded when the first picture is drawn, by
its object interface, so that no window opens and no global state is touched.
"""

from __future__ import annotations

import io
import math
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, Real, UInt8

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure
  from matplotlib.image import AxesImage

# All ours: sizes at which labels stay readable and a picture fits a screen.
_DOTS_PER_INCH = 100
_NUMBERED_CLASSES = 30  # Beyond it the numbers of a confusion matrix run together.
_NAMED_CLASSES = 120  # Beyond it only every second, third, … class is named.
_MONTAGE_INCHES = 16.0
_PANEL_INCHES = 1.4
_NO_VALUE = '0.75'  # Grey: a class without clips, a gap between panels, NaN.


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
  cell = 0.4 if numbered else min(0.18, _MONTAGE_INCHES / num_classes)
  side = max(2.0, cell * num_classes)  # Inches; two classes still hold the title.

  figure, axes = _figure(side, side)
  picture = axes.imshow(shares, cmap=_colours('Blues'), vmin=0, vmax=1)
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
  _add_scale(figure, picture, "share of the class's clips")
  return _rgb(figure)


def sample_maps_image(
  maps: Float[np.ndarray, 'b t h w c'], titles: Sequence[str]
) -> UInt8[np.ndarray, 'h w 3']:
  """What the model is given: a row per clip, a column per frame, one common scale.

  Shows the maximum over channels; leave a background channel (1 - max) out.
  """
  maps = _checked(maps, 'maps', 'b t h w c', titles)
  brightest = np.fmax.reduce(maps, axis=-1)
  limits = (0.0, _peak(brightest))
  return _montage(brightest, titles, 'frame', 'magma', limits, 'map value')


def motion_maps_image(
  motion: Float[np.ndarray, 'b h w c n'], titles: Sequence[str]
) -> UInt8[np.ndarray, 'h w 3']:
  """What the temporal pose convolution makes: a row per clip, a column per output.

  At each cell the signed value of the channel with the largest magnitude, in colours
  symmetric about 0.
  """
  motion = _checked(motion, 'motion maps', 'b h w c n', titles)
  magnitude = np.nan_to_num(np.abs(motion), nan=-1.0, posinf=np.inf)
  strongest = magnitude.argmax(axis=3, keepdims=True)
  values = np.take_along_axis(motion, strongest, axis=3)[:, :, :, 0]  # [b, h, w, n]
  peak = _peak(np.abs(values))
  panels = np.moveaxis(values, -1, 1)
  return _montage(panels, titles, 'output', 'RdBu_r', (-peak, peak), 'signed value')


def save_png(path: str | os.PathLike[str], image: UInt8[np.ndarray, 'h w 3']) -> None:
  """Writes an image of any of these functions; whole, or not at all."""
  from matplotlib import image as images

  path = pathlib.Path(path)
  unfinished = path.with_name(f'{path.name}.tmp')
  images.imsave(unfinished, image, format='png')
  os.replace(unfinished, path)


def _checked(
  maps: np.ndarray, what: str, axes: str, titles: Sequence[str]
) -> np.ndarray:
  maps = np.asarray(maps, np.float32)
  if maps.ndim != 5 or 0 in maps.shape:
    raise ValueError(
      f'{what} have shape {maps.shape}, but need [{axes.replace(" ", ", ")}], nothing'
      ' of it empty'
    )
  if len(titles) != len(maps):
    raise ValueError(f'{len(maps)} clips need a title each, but got {len(titles)}')
  return maps


def _peak(values: np.ndarray) -> float:
  """The largest finite value, or 1 where there is nothing above 0 to scale by."""
  return float(values.max(where=np.isfinite(values), initial=0)) or 1.0


def _montage(
  panels: Real[np.ndarray, 'rows columns h w'],
  titles: Sequence[str],
  column_name: str,
  colours: str,
  limits: tuple[float, float],
  scale_name: str,
) -> UInt8[np.ndarray, 'h w 3']:
  """All panels on one pair of axes: rows are titled, columns numbered from 0."""
  rows, columns, height, width = panels.shape
  gap = math.ceil(max(height, width) / 32)
  framed = np.pad(panels, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=np.nan)
  high, wide = height + gap, width + gap
  sheet = framed.transpose(0, 2, 1, 3).reshape(rows * high, columns * wide)

  inches = min(_PANEL_INCHES, _MONTAGE_INCHES / columns)  # The width of a panel.
  row_inches = inches * high / wide
  figure, axes = _figure(inches * columns, row_inches * rows)
  picture = axes.imshow(
    sheet[:-gap, :-gap], cmap=_colours(colours), vmin=limits[0], vmax=limits[1]
  )
  # At most about one number every half inch, so that they do not touch.
  numbered = np.arange(0, columns, math.ceil(0.5 / inches))
  axes.set_xticks(numbered * wide + (width - 1) / 2, [str(i) for i in numbered])
  lines = max(title.count('\n') + 1 for title in titles)
  size = min(10.0, row_inches * 72 / (1.4 * lines))  # Points; a title fits its row.
  middles = np.arange(rows) * high + (height - 1) / 2
  axes.set_yticks(middles, list(titles), fontsize=size)
  axes.set_xlabel(column_name)
  axes.tick_params(length=0)
  axes.spines[:].set_visible(False)
  _add_scale(figure, picture, scale_name)
  return _rgb(figure)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
  """Axes of exactly that size in inches; labels stand outside, see `_rgb`."""
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH)
  FigureCanvasAgg(figure)
  return figure, figure.add_axes((0.0, 0.0, 1.0, 1.0))


def _colours(name: str):
  import matplotlib

  return matplotlib.colormaps[name].with_extremes(bad=_NO_VALUE)


def _add_scale(figure: Figure, picture: AxesImage, label: str) -> None:
  """A colour bar of fixed width, to the right of the axes."""
  width, height = figure.get_size_inches()
  tall = min(height, 4.0) / height
  bar = figure.add_axes((1 + 0.15 / width, (1 - tall) / 2, 0.15 / width, tall))
  figure.colorbar(picture, cax=bar, label=label)


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


def _rgb(figure: Figure) -> UInt8[np.ndarray, 'h w 3']:
  """Draws; the picture is as large as it takes to hold every label."""
  from matplotlib import image as images

  png = io.BytesIO()
  figure.savefig(png, format='png', bbox_inches='tight', pad_inches=0.1)
  png.seek(0)
  return np.round(images.imread(png)[..., :3] * 255).astype(np.uint8)
