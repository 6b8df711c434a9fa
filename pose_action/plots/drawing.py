"""What every picture is drawn with: axes, colours, a colour bar, RGB and PNG."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from pose_action.host import atomic_files

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.cm import ScalarMappable
  from matplotlib.figure import Figure

# All ours.
_DOTS_PER_INCH = 100
_NO_VALUE = '0.75'  # Grey: a class without clips, a gap between panels, NaN.
WIDEST_INCHES = 16.0  # A picture fits a screen.


def figure(width: float, height: float) -> tuple[Figure, Axes]:
  """Axes of exactly that size in inches; labels stand outside, see `rgb`."""
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH)
  FigureCanvasAgg(figure)
  return figure, figure.add_axes((0.0, 0.0, 1.0, 1.0))


def colours(name: str):
  import matplotlib

  return matplotlib.colormaps[name].with_extremes(bad=_NO_VALUE)


def add_scale(figure: Figure, picture: ScalarMappable, label: str) -> None:
  """A colour bar of fixed width, to the right of the axes."""
  width, height = figure.get_size_inches()
  tall = min(height, 4.0) / height
  bar = figure.add_axes((1 + 0.15 / width, (1 - tall) / 2, 0.15 / width, tall))
  figure.colorbar(picture, cax=bar, label=label)


def rgb(figure: Figure) -> UInt8[np.ndarray, 'h w 3']:
  """Draws; the picture is as large as it takes to hold every label."""
  from matplotlib import image as images

  png = io.BytesIO()
  figure.savefig(png, format='png', bbox_inches='tight', pad_inches=0.1)
  png.seek(0)
  return np.round(images.imread(png)[..., :3] * 255).astype(np.uint8)


def save_png(path: str | os.PathLike[str], image: UInt8[np.ndarray, 'h w 3']) -> None:
  """Writes an image of any of these functions; whole, or not at all."""
  from matplotlib import image as images

  with atomic_files.replacing(path) as unfinished:
    images.imsave(unfinished, image, format='png')
