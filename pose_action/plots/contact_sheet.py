"""Draws a contact sheet of poses: a few frames per clip, sides in colours."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, UInt8

from pose_action.plots import drawing

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.patches import Rectangle

# All ours; in inches.
_PANEL_WIDTH = 1.24
_PANEL_HEIGHTS = 0.7, 1.8  # The limits; the highest frame decides.
_GAP = 0.05
_BETWEEN_CLIPS = 0.2
_CAPTION = 0.4  # Two lines above the panels of a clip.
_LETTER = 0.066  # The mean width of a letter in a caption.
_MARK = '#B00020'


@dataclasses.dataclass(frozen=True, eq=False)
class SheetClip:
  """A clip on the sheet.

  Attributes:
    title: the clip's id.
    caption: a second line of text.
    keypoints: `[t, m, j, 2]`, (x, y) in pixels, for the frames to draw.
    seen: `[t, m, j]`, whether a joint was detected.
    frames: the numbers of these frames.
    frame_size: (height, width) in pixels.
    marked: draws the caption in red.
  """

  title: str
  caption: str
  keypoints: Float[np.ndarray, 't m j 2']
  seen: Bool[np.ndarray, 't m j']
  frames: Sequence[int]
  frame_size: tuple[int, int]
  marked: bool = False

  def __post_init__(self):
    shape = np.shape(self.keypoints)
    fits = len(shape) == 4 and shape[-1] == 2 and np.shape(self.seen) == shape[:3]
    if not fits or len(self.frames) != shape[0] or not len(self.frames):
      raise ValueError(
        f'clip {self.title!r} has keypoints {shape}, seen {np.shape(self.seen)} and'
        f' {len(self.frames)} frame numbers, but needs [t, m, j, 2], [t, m, j] and t,'
        ' at least one'
      )


def contact_sheet_image(
  heading: str,
  clips: Sequence[SheetClip],
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
  columns: int = 3,
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws clips from left to right, then downwards; the sheet is as high as needed.

  Poses are cut off at the frame's edge.

  Args:
    limbs: two joint indices per limb.
    limb_sides: the person's own 'left' or 'right', or 'middle', per limb.

  Raises:
    ValueError: without a clip.
  """
  if not clips:
    raise ValueError('there is no clip to draw; give at least one')
  columns = min(columns, len(clips))
  across = max(len(clip.frames) for clip in clips)
  clip_width = across * (_PANEL_WIDTH + _GAP) - _GAP
  width = columns * (clip_width + _BETWEEN_CLIPS) - _BETWEEN_CLIPS
  panel_height = _panel_height(clips)
  clip_height = _CAPTION + panel_height + _BETWEEN_CLIPS / 2
  height = math.ceil(len(clips) / columns) * clip_height
  figure, axes = drawing.figure(width, height)
  axes.set_axis_off()
  axes.set(xlim=(-0.01, width + 0.01), ylim=(height, -0.01))
  for number, clip in enumerate(clips):
    row, column = divmod(number, columns)
    left = column * (clip_width + _BETWEEN_CLIPS)
    corner = left, row * clip_height
    _draw_caption(axes, clip, *corner, int(clip_width / _LETTER))
    _draw_frames(axes, clip, *corner, panel_height, limbs, limb_sides)
  _draw_heading(axes, heading)
  return drawing.rgb(figure)


def _draw_heading(axes: Axes, heading: str):
  from matplotlib.lines import Line2D

  axes.text(0, -0.42, heading, fontsize=13, fontweight='bold', va='baseline')
  names = {'left': "the person's left", 'right': 'right', 'middle': 'middle'}
  handles = [
    Line2D([], [], color=drawing.SIDE_COLOURS[side], linewidth=2.5, label=name)
    for side, name in names.items()
  ]
  axes.legend(
    handles=handles,
    loc='upper left',
    bbox_to_anchor=(0, -0.32),
    bbox_transform=axes.transData,
    borderaxespad=0,
    borderpad=0,
    ncols=3,
    frameon=False,
    fontsize=10,
  )


def _panel_height(clips: Sequence[SheetClip]) -> float:
  highest = max(clip.frame_size[0] / clip.frame_size[1] for clip in clips)
  return float(np.clip(_PANEL_WIDTH * highest, *_PANEL_HEIGHTS))


def _draw_caption(axes: Axes, clip: SheetClip, left: float, top: float, most: int):
  colour = _MARK if clip.marked else '0.3'
  axes.text(left, top + 0.17, _shortened(clip.title, most), fontsize=8.5)
  axes.text(left, top + 0.33, _shortened(clip.caption, most), fontsize=8, color=colour)


def _draw_frames(
  axes: Axes,
  clip: SheetClip,
  left: float,
  top: float,
  panel_height: float,
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
):
  """Fits every frame into its panel, at the panel's upper left corner."""
  height, width = clip.frame_size
  scale = min(_PANEL_WIDTH / width, panel_height / height)  # Inches per pixel.
  for index, frame in enumerate(clip.frames):
    corner = np.array([left + index * (_PANEL_WIDTH + _GAP), top + _CAPTION])
    edge = _draw_frame(axes, corner, width * scale, height * scale, frame)
    points = corner + (clip.keypoints[index] + 0.5) * scale
    _draw_poses(axes, points, clip.seen[index], limbs, limb_sides, edge)


def _draw_frame(
  axes: Axes, corner: np.ndarray, width: float, height: float, number: int
) -> Rectangle:
  from matplotlib.patches import Rectangle

  edge = Rectangle(
    (corner[0], corner[1]),
    width,
    height,
    facecolor='0.97',
    edgecolor='0.7',
    linewidth=0.5,
  )
  axes.add_patch(edge)
  axes.text(
    corner[0] + 0.02, corner[1] + 0.02, str(number), fontsize=6, color='0.5', va='top'
  )
  return edge


def _draw_poses(
  axes: Axes,
  points: Float[np.ndarray, 'm j 2'],
  seen: Bool[np.ndarray, 'm j'],
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
  edge: Rectangle,
):
  from matplotlib.collections import LineCollection

  for side, colour in drawing.SIDE_COLOURS.items():
    lines = [
      points[person, [a, b]]
      for person in range(len(points))
      for (a, b), limb_side in zip(limbs, limb_sides, strict=True)
      if limb_side == side and seen[person, a] and seen[person, b]
    ]
    drawn = LineCollection(lines, colors=colour, linewidths=1.5, capstyle='round')
    axes.add_collection(drawn)
    drawn.set_clip_path(edge)
  x, y = points[seen].T
  # A joint without limbs would be invisible otherwise.
  (dots,) = axes.plot(
    x, y, linestyle='', marker='o', markersize=1.7, markeredgewidth=0, color='0.1'
  )
  dots.set_clip_path(edge)


def _shortened(text: str, most: int) -> str:
  """Cuts out the middle of a long text: an id's end says more."""
  if len(text) <= most:
    return text
  head = most // 2
  return f'{text[: head - 1]}…{text[len(text) - (most - head) :]}'
