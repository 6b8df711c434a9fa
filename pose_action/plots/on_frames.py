"""Draws people, and a strip with the answer and a timeline, on arrays of pixels.

Unlike the other pictures without matplotlib, because a video has thousands of frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from pose_action.host.video_libraries import opencv
from pose_action.plots import lettering
from pose_action.plots.drawing import SIDE_COLOURS, rgb_of
from pose_action.plots.timelines import DARK, Lane, style_of

Picture = UInt8[np.ndarray, 'h w 3']

# All ours.
GROUND = (247, 247, 247)  # As behind the poses of a contact sheet.
_INK = (26, 26, 26)
_FAINT = (110, 110, 110)
_PAPER = (255, 255, 255)
_JOINT = (255, 255, 255)
_SEEN = (191, 191, 191)
MOST_LANES = 8
_BITS = 4  # Positions are drawn to a sixteenth of a pixel.
_FARTHEST = 20_000.0  # Pixels; OpenCV's whole numbers end soon after.


def draw_people(
  picture: Picture,
  people: Mapping[str, Float[np.ndarray, 'j 3']],
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
):
  """Draws people's limbs by side, and their joints as white discs with a dark edge.

  Args:
    picture: is changed; contiguous.
    people: (x, y) in pixels of the picture and score, 0 = missing, by name.
    limbs: two joint indices per limb.
    limb_sides: the person's own 'left' or 'right', or 'middle', per limb.
  """
  cv2 = opencv()
  width = _line_width(picture)
  for pose in people.values():
    seen, points = pose[:, 2] > 0, _fixed(pose[:, :2])
    drawn = [
      (points[a], points[b], rgb_of(SIDE_COLOURS[side]))
      for (a, b), side in zip(limbs, limb_sides, strict=True)
      if seen[a] and seen[b]
    ]
    for start, end, _ in drawn:  # A light edge, for dark videos.
      cv2.line(picture, start, end, _PAPER, width + 2, cv2.LINE_AA, _BITS)
    for start, end, colour in drawn:
      cv2.line(picture, start, end, colour, width, cv2.LINE_AA, _BITS)
    radius = (width + 1) << _BITS
    for point, there in zip(points, seen, strict=True):
      if there:
        cv2.circle(picture, point, radius, _INK, -1, cv2.LINE_AA, _BITS)
        cv2.circle(picture, point, radius - 16, _JOINT, -1, cv2.LINE_AA, _BITS)


def draw_names(
  picture: Picture,
  people: Mapping[str, Float[np.ndarray, 'j 3']],
  names: Mapping[str, str],
):
  """Writes above each person what is said of them.

  Args:
    people: as in `draw_people`.
    names: the text by the person's name.
  """
  size = letter_size(picture.shape[1])
  for person, pose in people.items():
    seen = pose[:, 2] > 0
    if person not in names or not seen.any():
      continue
    text = names[person]
    x, y = _above(pose[:, :2], seen)
    left = x - lettering.width_of(text, size) // 2
    rest = picture.shape[1] - lettering.width_of(text, size)
    top = max(0, y - lettering.line_height(size) - 3 * _line_width(picture))
    lettering.write(picture, text, (min(max(0, left), rest), top), size, _PAPER, _INK)


def letter_size(width: int) -> int:
  """The size of letters on a picture of this width, in pixels."""
  return min(40, max(12, width // 36))


def strip_height(width: int, num_lanes: int) -> int:
  """The height of a strip below a picture, an even number; see `Strip`."""
  line = lettering.line_height(letter_size(width))
  rows = 2 * line + _lane_height(width) * min(num_lanes, MOST_LANES)
  return 2 * -(-(rows + line // 2) // 2)


class Strip:
  """What stands below the frames of a clip: the answer, the name, and a timeline.

  Colours of classes are those of `timelines_image`. Of more than 8 lanes the first 8 are
  drawn, and the last line of text says so.

  Args:
    width: in pixels.
    height: at least `strip_height`.
    name: the clip's.
    lanes: one per person, in frames.
    labels: all classes that are drawn, which sets their colours.
    num_frames: the length of the clip.
  """

  def __init__(
    self,
    width: int,
    height: int,
    *,
    name: str,
    lanes: Sequence[Lane],
    labels: Sequence[str],
    num_frames: int,
  ):
    self._size = letter_size(width)
    self._line = lettering.line_height(self._size)
    self._frames = max(1, num_frames)
    self._picture = np.full((height, width, 3), _PAPER, np.uint8)
    more = len(lanes) - MOST_LANES
    name = f'{name} (and {more} people more)' if more > 0 else name
    second = lettering.fitted(name, self._size, width)
    lettering.write(self._picture, second, (0, self._line), self._size, _FAINT)
    shown = lanes[:MOST_LANES]
    names = [lettering.width_of(lane.name, self._size) for lane in shown]
    self._left = min(width // 4, max(names, default=0))
    self._top = 2 * self._line
    self._bottom = self._top + _lane_height(width) * len(shown)
    for row, lane in enumerate(shown):
      self._draw_lane(row, lane, labels)

  def at(self, frame: int, caption: str, time: str) -> Picture:
    """The strip at a frame of the clip, with the answer and the time as text."""
    picture = self._picture.copy()
    # The time takes the right end of the first line.
    room = picture.shape[1] - lettering.width_of('0000.00 s', self._size)
    text = lettering.fitted(caption, self._size, room)
    lettering.write(picture, text, (0, 0), self._size, _INK)
    x = picture.shape[1] - lettering.width_of(time, self._size)
    lettering.write(picture, time, (x, 0), self._size, _INK)
    if self._bottom > self._top:
      x = self._x(frame)
      picture[self._top : self._bottom, x : x + max(2, self._size // 8)] = _INK
    return picture

  def _x(self, frame: float) -> int:
    width = self._picture.shape[1] - self._left - 1
    return self._left + round(width * frame / self._frames)

  def _draw_lane(self, row: int, lane: Lane, labels: Sequence[str]):
    size, height = self._size, _lane_height(self._picture.shape[1])
    top = self._top + row * height
    name = lettering.fitted(lane.name, size, self._left)
    middle = top + (height - self._line) // 2
    lettering.write(self._picture, name, (0, middle), size, _INK)
    first, last = (self._x(frame) for frame in lane.seen)
    line = top + height // 2
    self._picture[line - 1 : line + 1, first:last] = _SEEN
    for bar in lane.bars:
      left, right = self._x(bar.start), self._x(bar.stop)
      place = self._picture[top + 2 : top + height - 2, left : max(left + 1, right - 1)]
      colour, hatch = style_of(labels.index(bar.label))
      place[:] = rgb_of(colour)
      place[_hatched(hatch, *place.shape[:2])] = _PAPER
      text = lettering.fitted(bar.label, size, place.shape[1])
      if text == bar.label:
        ink = _PAPER if colour in DARK else _INK
        x = (place.shape[1] - lettering.width_of(text, size)) // 2
        y = (place.shape[0] - self._line) // 2
        ground = rgb_of(colour) if hatch else None
        lettering.write(place, text, (x, y), size, ink, ground)


def _hatched(hatch: str, height: int, width: int) -> Bool[np.ndarray, 'h w']:
  """The white pixels of a hatch by its name in matplotlib."""
  y, x = np.mgrid[:height, :width]
  return {
    '': np.zeros((height, width), bool),
    '///': (x + y) % 8 < 2,
    '...': (x % 6 < 2) & (y % 6 < 2),
    'xxx': ((x + y) % 8 < 1) | ((x - y) % 8 < 1),
    '|||': x % 6 < 1,
    '---': y % 6 < 1,
  }[hatch]


def _lane_height(width: int) -> int:
  return lettering.line_height(letter_size(width)) + 4


def _line_width(picture: Picture) -> int:
  return max(2, round(min(picture.shape[:2]) / 160))


def _above(
  points: Float[np.ndarray, 'j 2'], seen: Bool[np.ndarray, ' j']
) -> tuple[int, int]:
  """(x, y) in the middle above the joints that are seen."""
  x = np.clip(points[seen, 0], -_FARTHEST, _FARTHEST)
  y = np.clip(points[seen, 1], -_FARTHEST, _FARTHEST)
  return round(float(x.min() + x.max()) / 2), round(float(y.min()))


def _fixed(points: Float[np.ndarray, 'j 2']) -> Int[np.ndarray, 'j 2']:
  """Positions as whole numbers of 1 / 2^_BITS pixels, for OpenCV."""
  near = np.clip(points, -_FARTHEST, _FARTHEST)
  return np.round(near * (1 << _BITS)).astype(np.int32)
