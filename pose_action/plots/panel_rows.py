"""Draws rows of panels, each row with a heading, names and a scale."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from pose_action.plots import drawing
from pose_action.plots.channel_pooling import peak

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.cm import ScalarMappable
  from matplotlib.figure import Figure

# All ours, in inches.
_PANEL = 1.555  # The widest: 8 of them, and 16 half as wide, fill a row.
_ROW = 13.0  # The widest row without its scale.
_GAP = 0.08
_NAME = 0.2  # The line of names above the panels.
_HEADING = 0.32
_BETWEEN = 0.22  # Between one row and the next heading.
_PANELS_A_LINE = 16


@dataclasses.dataclass(frozen=True)
class PanelRow:
  """Panels with a common scale, at most 16 per line.

  Attributes:
    heading: what the panels show.
    note: details, in smaller letters after the heading.
    panels: NaN is grey.
    names: a word per panel.
    signed: colours are symmetric about 0, red above and blue below; otherwise they start
      at 0.
    scale: the colour bar's label, a word or two.
  """

  heading: str
  note: str
  panels: Float[np.ndarray, 'n h w']
  names: Sequence[str]
  signed: bool
  scale: str

  def __post_init__(self):
    shape = np.shape(self.panels)
    if len(shape) != 3 or 0 in shape:
      raise ValueError(
        f'panels of {self.heading!r} have shape {shape}, but need [n, h, w] without an'
        ' empty axis'
      )
    if len(self.names) != shape[0]:
      raise ValueError(
        f'{shape[0]} panels of {self.heading!r} need a name each, but got'
        f' {len(self.names)}'
      )


def panel_rows_image(
  title: str, subtitle: str, rows: Sequence[PanelRow]
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws all rows on one sheet, whose unit is an inch.

  Raises:
    ValueError: without a row.
  """
  if not rows:
    raise ValueError('there is no row of panels to draw; give at least one')
  height = sum(_height(row) for row in rows) + _BETWEEN * (len(rows) - 1)
  width = max(_width(row) for row in rows)
  figure, axes = drawing.figure(width, height)
  axes.set_axis_off()
  axes.text(0, -0.42, title, fontsize=14, fontweight='bold')
  axes.text(0, -0.14, subtitle, fontsize=11)
  top = 0.0
  for row in rows:
    _draw_row(figure, axes, row, top)
    top += _height(row) + _BETWEEN
  axes.set(xlim=(0, width), ylim=(height, 0))
  return drawing.rgb(figure)


def _layout(row: PanelRow) -> tuple[int, int, float, float]:
  """Lines, columns, and a panel's width and height in inches."""
  count, rows, columns = np.shape(row.panels)
  across = min(count, _PANELS_A_LINE)
  width = min(_PANEL, (_ROW + _GAP) / across - _GAP)
  return math.ceil(count / across), across, width, width * rows / columns


def _width(row: PanelRow) -> float:
  """The row's width in inches, without the scale."""
  _, across, width, _ = _layout(row)
  return across * (width + _GAP) - _GAP


def _height(row: PanelRow) -> float:
  lines, _, _, panel_height = _layout(row)
  return _HEADING + lines * (_NAME + panel_height) + (lines - 1) * _GAP


def _draw_row(figure: Figure, axes: Axes, row: PanelRow, top: float):
  from matplotlib.cm import ScalarMappable
  from matplotlib.colors import Normalize

  limit = peak(row.panels)
  colours = ScalarMappable(
    Normalize(-limit if row.signed else 0.0, limit),
    drawing.colours('RdBu_r' if row.signed else 'magma'),
  )
  _write_heading(axes, row, top)
  _, across, width, height = _layout(row)
  first = top + _HEADING + _NAME
  for number, (panel, name) in enumerate(zip(row.panels, row.names, strict=True)):
    line, column = divmod(number, across)
    left = column * (width + _GAP)
    upper = first + line * (_NAME + height + _GAP)
    _draw_panel(axes, panel, (left, left + width, upper + height, upper), colours)
    axes.text(left + width / 2, upper - 0.05, name, fontsize=8, ha='center')
  tall = top + _height(row) - first
  _draw_scale(figure, colours, row.scale, _width(row), first, tall)


def _write_heading(axes: Axes, row: PanelRow, top: float):
  heading = axes.text(0, top + 0.2, row.heading, fontsize=11, fontweight='bold')
  axes.annotate(
    row.note,
    (1, 0),
    xycoords=heading,
    xytext=(8, 0),
    textcoords='offset points',
    fontsize=9,
    color='0.35',
    va='bottom',
  )


def _draw_panel(
  axes: Axes,
  panel: np.ndarray,
  extent: tuple[float, float, float, float],
  colours: ScalarMappable,
):
  """Draws a map and a frame around it, at (left, right, bottom, top)."""
  from matplotlib.patches import Rectangle

  low, high = colours.get_clim()
  axes.imshow(
    panel, cmap=colours.cmap, vmin=low, vmax=high, extent=extent, aspect='auto'
  )
  left, right, bottom, top = extent
  frame = Rectangle((left, top), right - left, bottom - top, fill=False)
  frame.set(
    edgecolor='0.5', linewidth=0.6, clip_on=False
  )  # Otherwise the outermost frames are cut.
  axes.add_patch(frame)


def _draw_scale(
  figure: Figure,
  colours: ScalarMappable,
  label: str,
  right: float,
  top: float,
  tall: float,
):
  """Draws a colour bar to the right of the panels, as tall as the panels."""
  width, height = figure.get_size_inches()
  bar = figure.add_axes(
    ((right + 0.15) / width, 1 - (top + tall) / height, 0.12 / width, tall / height)
  )
  scale = figure.colorbar(colours, cax=bar)
  scale.set_label(label, fontsize=9)
  scale.ax.tick_params(labelsize=8)
