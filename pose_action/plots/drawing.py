"""Axes, colours, colour bars, and the conversion to RGB and PNG, for all pictures."""

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
WIDEST_INCHES = 16.0  # So that a picture fits on a screen.
# Limbs by the person's own side; colours that colour-blind readers tell apart.
SIDE_COLOURS = {'left': '#0072B2', 'right': '#D55E00', 'middle': '0.35'}


def rgb_of(colour: str) -> tuple[int, int, int]:
  """Red, green and blue, 0..255, of a colour as matplotlib writes it.

  Args:
    colour: '#0072B2', or a grey such as '0.35'.
  """
  if colour.startswith('#'):
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
  grey = round(255 * float(colour))
  return grey, grey, grey


def figure(width: float, height: float) -> tuple[Figure, Axes]:
  """A figure and axes of exactly this size in inches; labels are outside, see `rgb`."""
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH)
  FigureCanvasAgg(figure)
  return figure, figure.add_axes((0.0, 0.0, 1.0, 1.0))


def colours(name: str):
  """A matplotlib colour map, with grey for NaN."""
  import matplotlib

  return matplotlib.colormaps[name].with_extremes(bad=_NO_VALUE)


def add_scale(figure: Figure, picture: ScalarMappable, label: str) -> None:
  """Adds a colour bar with a fixed width to the right of the axes."""
  width, height = figure.get_size_inches()
  tall = min(height, 4.0) / height
  bar = figure.add_axes((1 + 0.15 / width, (1 - tall) / 2, 0.15 / width, tall))
  figure.colorbar(picture, cax=bar, label=label)


def rgb(figure: Figure) -> UInt8[np.ndarray, 'h w 3']:
  """Draws the figure; the picture is as large as its labels need."""
  from PIL import Image

  png = io.BytesIO()
  figure.savefig(
    png,
    format='png',
    bbox_inches='tight',
    pad_inches=0.1,
    pil_kwargs={'compress_level': 0},  # It is only read back.
  )
  return np.ascontiguousarray(np.asarray(Image.open(png))[..., :3])


def save_png(path: str | os.PathLike[str], image: UInt8[np.ndarray, 'h w 3']) -> None:
  """Writes an image atomically."""
  from matplotlib import image as images

  with atomic_files.replacing(path) as unfinished:
    images.imsave(unfinished, image, format='png')
