"""What a model sees, and what its temporal pose convolution makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Real, UInt8

from pose_action.plots import drawing

_PANEL_INCHES = 1.4  # Ours: the widest panel.


def sample_maps_image(
  maps: Float[np.ndarray, 'b t h w c'], titles: Sequence[str], column: str = 'frame'
) -> UInt8[np.ndarray, 'h w 3']:
  """What the model is given: a row per clip, a column per frame, one common scale.

  Shows the maximum over channels; leave a background channel (1 - max) out. `column`
  says what axis `t` is, where that is not frames.
  """
  maps = _checked(maps, 'maps', 'b t h w c', titles)
  brightest = np.fmax.reduce(maps, axis=-1)
  limits = (0.0, _peak(brightest))
  return _montage(brightest, titles, column, 'magma', limits, 'map value')


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

  inches = min(_PANEL_INCHES, drawing.WIDEST_INCHES / columns)  # The width of a panel.
  row_inches = inches * high / wide
  figure, axes = drawing.figure(inches * columns, row_inches * rows)
  picture = axes.imshow(
    sheet[:-gap, :-gap], cmap=drawing.colours(colours), vmin=limits[0], vmax=limits[1]
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
  drawing.add_scale(figure, picture, scale_name)
  return drawing.rgb(figure)
