"""Draws a model's input maps, and the motion maps it computes from them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Real, UInt8

from pose_action.plots import drawing
from pose_action.plots.channel_pooling import peak, strongest

_PANEL_INCHES = 1.4  # Ours: the widest panel.


def sample_maps_image(
  maps: Float[np.ndarray, 'b t h w c'], titles: Sequence[str], column: str = 'frame'
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws input maps: a row per clip, a column per frame, one common scale.

  Shows the maximum over channels; leave a background channel (1 - max) out.

  Args:
    column: the name for axis `t`.

  Raises:
    ValueError: for maps of another rank, or another number of titles.
  """
  maps = _checked(maps, 'maps', 'b t h w c', titles)
  brightest = np.fmax.reduce(maps, axis=-1)
  limits = (0.0, _peak(brightest))
  return _montage(brightest, titles, column, 'magma', limits, 'map value')


def motion_maps_image(
  motion: Float[np.ndarray, 'b h w c n'], titles: Sequence[str]
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws a temporal pose convolution's output: a row per clip, a column per output.

  Each cell shows the signed value of the channel with the largest magnitude; the colour
  scale is symmetric about 0.

  Raises:
    ValueError: for maps of another rank, or another number of titles.
  """
  motion = _checked(motion, 'motion maps', 'b h w c n', titles)
  values = strongest(np.swapaxes(motion, 3, 4))  # [b, h, w, n]
  limit = peak(values)
  panels = np.moveaxis(values, -1, 1)
  return _montage(panels, titles, 'output', 'RdBu_r', (-limit, limit), 'signed value')


def _checked(
  maps: np.ndarray, what: str, axes: str, titles: Sequence[str]
) -> np.ndarray:
  maps = np.asarray(maps, np.float32)
  if maps.ndim != 5 or 0 in maps.shape:
    raise ValueError(
      f'{what} have shape {maps.shape}, but need [{axes.replace(" ", ", ")}] without'
      ' an empty axis'
    )
  if len(titles) != len(maps):
    raise ValueError(f'{len(maps)} clips need a title each, but got {len(titles)}')
  return maps


def _peak(values: np.ndarray) -> float:
  """The largest finite value; 1 if no value is above 0."""
  return float(values.max(where=np.isfinite(values), initial=0)) or 1.0


def _montage(
  panels: Real[np.ndarray, 'rows columns h w'],
  titles: Sequence[str],
  column_name: str,
  colours: str,
  limits: tuple[float, float],
  scale_name: str,
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws all panels on one pair of axes, with row titles and columns from 0."""
  rows, columns, height, width = panels.shape
  gap = math.ceil(max(height, width) / 32)
  framed = np.pad(panels, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=np.nan)
  high, wide = height + gap, width + gap
  sheet = framed.transpose(0, 2, 1, 3).reshape(rows * high, columns * wide)

  inches = min(_PANEL_INCHES, drawing.WIDEST_INCHES / columns)  # The width of a panel.
  row_inches = inches * high / wide
  figure, axes = drawing.figure(inches * columns, row_inches * rows)
  picture = axes.imshow(
    sheet[:-gap, :-gap], cmap=drawing.colours(colours), vmin=limits[0], vmax=limits[1]
  )
  # At most about one number per half inch, so that they do not touch.
  numbered = np.arange(0, columns, math.ceil(0.5 / inches))
  axes.set_xticks(numbered * wide + (width - 1) / 2, [str(i) for i in numbered])
  lines = max(title.count('\n') + 1 for title in titles)
  size = min(10.0, row_inches * 72 / (1.4 * lines))  # Points; a title fits in its row.
  middles = np.arange(rows) * high + (height - 1) / 2
  axes.set_yticks(middles, list(titles), fontsize=size)
  axes.set_xlabel(column_name)
  axes.tick_params(length=0)
  axes.spines[:].set_visible(False)
  drawing.add_scale(figure, picture, scale_name)
  return drawing.rgb(figure)
