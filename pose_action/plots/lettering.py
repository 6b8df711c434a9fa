"""Letters on arrays of pixels, without matplotlib: fast enough for every video frame."""

from __future__ import annotations

import functools
import importlib.util
import pathlib
from typing import Any

import numpy as np
from jaxtyping import UInt8

from pose_action.host.video_libraries import pillow

Colour = tuple[int, int, int]


def write(
  image: UInt8[np.ndarray, 'h w 3'],
  text: str,
  corner: tuple[int, int],
  size: int,
  colour: Colour,
  ground: Colour | None = None,
):
  """Writes a line of text into an image; what lies outside is cut off.

  Args:
    corner: (x, y) of its upper left corner.
    size: of the letters, in pixels.
    ground: colour of a box behind the text; None for no box.
  """
  mask = _mask(printable(text), size)
  x, y = corner
  top, left = max(0, -y), max(0, -x)
  height = min(mask.shape[0], image.shape[0] - y)
  width = min(mask.shape[1], image.shape[1] - x)
  if height <= top or width <= left:
    return
  place = image[y + top : y + height, x + left : x + width]
  share = mask[top:height, left:width, None].astype(np.float32) / 255
  behind = (
    place
    if ground is None
    else np.broadcast_to(np.array(ground, np.float32), place.shape)
  )
  place[:] = np.round(behind * (1 - share) + np.array(colour, np.float32) * share)


def width_of(text: str, size: int) -> int:
  """The width of a line of text in pixels."""
  return _mask(printable(text), size).shape[1]


def line_height(size: int) -> int:
  """The height of a line of text in pixels."""
  return round(size * 1.35)


def fitted(text: str, size: int, width: int) -> str:
  """The text, without its middle if it is wider than this; '' if nothing fits."""
  text = printable(text)
  if width_of(text, size) <= width:
    return text
  low, high = 0, len(text)  # Letters that are kept.
  while low < high:
    middle = (low + high + 1) // 2
    if width_of(_shortened(text, middle), size) <= width:
      low = middle
    else:
      high = middle - 1
  return _shortened(text, low) if low else ''


def printable(text: str) -> str:
  """The text with a space for each character that shows nothing."""
  return ''.join(c if c.isprintable() else ' ' for c in text)


def _shortened(text: str, count: int) -> str:
  end = count // 2
  return f'{text[: count - end]}…{text[len(text) - end :] if end else ""}'


@functools.lru_cache(maxsize=1024)
def _mask(text: str, size: int) -> UInt8[np.ndarray, 'h w']:
  """How much of each pixel the letters cover, with a small margin."""
  pil, font, margin = pillow(), _font(size), max(1, size // 6)
  width = round(font.getlength(text)) + 2 * margin
  image = pil.Image.new('L', (width, line_height(size)))
  middle = line_height(size) / 2
  pil.ImageDraw.Draw(image).text((margin, middle), text, 255, font, anchor='lm')
  return np.asarray(image)


@functools.lru_cache(maxsize=16)
def _font(size: int) -> Any:
  """Matplotlib's font, which has more alphabets, if that is installed; else Pillow's."""
  fonts = pillow().ImageFont
  spec = importlib.util.find_spec('matplotlib')
  for folder in (spec and spec.submodule_search_locations) or ():
    file = pathlib.Path(folder, 'mpl-data', 'fonts', 'ttf', 'DejaVuSans.ttf')
    if file.is_file():
      return fonts.truetype(str(file), size)
  return fonts.load_default(size)
