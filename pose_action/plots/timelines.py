"""Draws timelines: one lane per person, with a bar for each action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import UInt8

from pose_action.plots import drawing

if TYPE_CHECKING:
  from matplotlib.axes import Axes

# Colours that colour-blind readers tell apart (Okabe and Ito, without black); classes
# beyond them repeat the colours with another hatch.
COLOURS = (
  *('#0072B2', '#E69F00', '#009E73', '#CC79A7'),
  *('#56B4E9', '#D55E00', '#F0E442'),
)
_HATCHES = ('', '///', '...', 'xxx', '|||', '---')
DARK = ('#0072B2', '#D55E00', '#009E73')  # Text on these is white.
# All ours, in inches unless said otherwise.
_WIDTH = 10.0
_LANE = 0.42
_MOST_LANES = 60
_MOST_IN_LEGEND = len(COLOURS) * len(_HATCHES)
_LETTER = 0.085  # Width of a letter in a bar.
_BAR = 0.7  # Share of a lane.


class Bar(NamedTuple):
  """An action: its label, when it begins and ends, and its mean probability."""

  label: str
  start: float
  stop: float
  score: float


class Lane(NamedTuple):
  """One person: a name, when the person is seen, and the actions."""

  name: str
  seen: tuple[float, float]
  bars: tuple[Bar, ...]


def timelines_image(
  lanes: Sequence[Lane], *, end: float, unit: str, title: str
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws one lane per person, the first at the top.

  Classes differ by colour, and beyond seven by a hatch too; each bar that is wide enough
  names its class, and the legend names all. A grey line shows when a person is seen. Of
  more than 60 lanes the first 60 are drawn, which the title says.

  Args:
    end: the end of the time axis.
    unit: 'seconds' or 'frames'.
  """
  shown = lanes[:_MOST_LANES]
  if len(shown) < len(lanes):
    title = f'{title} (the first {len(shown)} of {len(lanes)} people)'
  labels = sorted({bar.label for lane in shown for bar in lane.bars})
  figure, axes = drawing.figure(_WIDTH, _LANE * max(2, len(shown)))
  for row, lane in enumerate(shown):
    axes.plot(lane.seen, (row, row), color='0.75', linewidth=2, zorder=1)
    for bar in lane.bars:
      _draw(axes, row, bar, labels.index(bar.label), end)
  axes.set_xlim(0, end)
  axes.set_ylim(max(2, len(shown)) - 0.5, -0.5)
  axes.set_yticks(range(len(shown)), [lane.name for lane in shown])
  axes.set_xlabel(f'time in {unit}')
  axes.set_ylabel('person')
  axes.set_title(title, fontsize=11)
  for side in ('top', 'right'):
    axes.spines[side].set_visible(False)
  if labels:
    _add_legend(axes, labels)
  return drawing.rgb(figure)


def style_of(index: int) -> tuple[str, str]:
  """Colour and hatch for the class with this place among the drawn ones."""
  hatch = _HATCHES[index // len(COLOURS) % len(_HATCHES)]
  return COLOURS[index % len(COLOURS)], hatch


def _draw(axes: Axes, row: int, bar: Bar, index: int, end: float):
  colour, hatch = style_of(index)
  axes.barh(
    row,
    bar.stop - bar.start,
    left=bar.start,
    height=_BAR,
    color=colour,
    hatch=hatch,
    edgecolor='white',
    linewidth=0.8,
    zorder=2,
  )
  width = (bar.stop - bar.start) / end * _WIDTH
  if width < _LETTER * (len(bar.label) + 1):
    return
  text = f'{bar.label} {bar.score:.2f}'
  if width < _LETTER * (len(text) + 1):
    text = bar.label
  box = {'facecolor': colour, 'edgecolor': 'none', 'pad': 1.0} if hatch else None
  axes.text(
    (bar.start + bar.stop) / 2,
    row,
    text,
    ha='center',
    va='center',
    fontsize=8,
    color='white' if colour in DARK else 'black',
    bbox=box,
    zorder=3,
  )


def _add_legend(axes: Axes, labels: Sequence[str]):
  from matplotlib.patches import Patch

  named = labels[:_MOST_IN_LEGEND]
  patches = [
    Patch(
      facecolor=(style := style_of(index))[0],
      hatch=style[1],
      edgecolor='white',
      label=label,
    )
    for index, label in enumerate(named)
  ]
  axes.legend(
    handles=patches,
    loc='upper left',
    bbox_to_anchor=(1.01, 1.0),
    frameon=False,
    fontsize=9,
    handlelength=2,
    handleheight=1.2,
  )
